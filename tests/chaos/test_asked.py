"""The comparison of agents' requests finds each one without its outcome, and no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from orchestration.local.simulated import Pair
from tests.chaos.agents import KINDS, Agents, Asked, Shown
from tests.chaos.asked import Outcome, Requests, action_differences
from tests.chaos.compare import DUPLICATED, LOST, OPEN, WRONG
from tests.chaos.facts import Delivery
from tests.chaos.naming import Hit
from tests.chaos.test_neutral import order


class World:
    """Two orders, of which agents have asked for one thing each, and for one without permission."""

    def __init__(self) -> None:
        self.asked = [
            Asked("r1", 1, "cancel", {"line": "1", "quantity": "1"}),
            Asked("r2", 2, "hold"),
            Asked("r3", 2, "cancel", is_forbidden=True),
            Asked("r4", 2, "reroute", {"street": "5 Oak Street"}),
            Asked("r5", 3, "cancel"),
        ]
        done = Outcome("done", "", 1.0)
        self.outcomes = {"r1": done, "r2": done, "r4": done}
        self.outcomes["r3"] = Outcome("refused", "action_not_permitted", 2.0)
        self.outcomes["r5"] = Outcome("requested", "", 1.0)
        self.shown = {name: Shown(one.state, one.code) for name, one in self.outcomes.items()}
        self.undecided = {"3"}
        self.canceled: dict[str, set[str]] = {}
        self.on_hold = {"1": False, "2": True, "3": False}
        self.streets = {"2": {"5 Oak Street"}}
        self.placed: list[Any] = [order("a", "1"), order("b", "2", parcels=[]), order("c", "3")]
        self.held: list[Any] = [
            order("1", "a", lines=[{"line": "1", "sku": "MUG", "quantity": 1}]),
            order("2", "b", parcels=[]),
            order("3", "c"),
        ]
        self.deliveries = [self.delivery("r1"), self.delivery("r2")]
        self.shows_last = False

    @staticmethod
    def delivery(name: str) -> Delivery:
        """Return a delivery of a request."""
        return Delivery("actions", name, "update", "delivered", 1, "", "", 0.0)

    def differences(self) -> set[tuple[str, str]]:
        """Return kind and record of what differs."""
        requests = Requests(
            asked=self.asked,
            outcomes=self.outcomes,
            shown=self.shown,
            shows_last=self.shows_last,
            undecided=self.undecided,
            canceled=self.canceled,
            on_hold=self.on_hold,
            streets=self.streets,
        )
        store, oms = ({"orders": rows, "levels": []} for rows in (self.placed, self.held))
        found = action_differences(requests, store, oms, self.deliveries, set())  # type: ignore[arg-type]
        return {(one.kind, one.record) for one in found}


def _outcome(name: str, state: str, code: str = "") -> Callable[[World], None]:
    def tamper(world: World) -> None:
        world.outcomes[name] = Outcome(state, code, 1.0)
        world.shown[name] = Shown(state, code)

    return tamper


def _units(world: World) -> None:
    world.held[0]["lines"][0]["quantity"] = 2


TAMPERING: dict[str, tuple[Callable[[World], Any], tuple[str, str]]] = {
    "never taken in": (lambda w: w.outcomes.pop("r2"), (LOST, "request r2")),
    "waits in vain": (_outcome("r2", "waiting"), (OPEN, "request r2")),
    "an answer that is not noted": (lambda w: w.undecided.clear(), (OPEN, "request r5")),
    "given up": (_outcome("r2", "failed"), (WRONG, "request r2")),
    "refused without a reason": (_outcome("r2", "refused"), (WRONG, "request r2")),
    "done without permission": (_outcome("r3", "done"), (WRONG, "request r3")),
    "refused in spite of permission": (
        _outcome("r2", "refused", "action_not_permitted"),
        (WRONG, "request r2"),
    ),
    "a canceled order that is shipped": (_outcome("r5", "done"), (LOST, "request r5")),
    "carried out twice": (
        lambda w: w.deliveries.append(w.delivery("r2")),
        (DUPLICATED, "request r2"),
    ),
    "not shown": (lambda w: w.shown.pop("r2"), (OPEN, "request r2")),
    "shown as another": (
        lambda w: w.shown.update(r2=Shown("refused")),
        (OPEN, "request r2"),
    ),
    "units that are still there": (_units, (WRONG, "order 1")),
    "a hold that is gone": (lambda w: w.on_hold.update({"2": False}), (WRONG, "order 2")),
    "a hold without a request": (lambda w: w.on_hold.update({"1": True}), (WRONG, "order 1")),
    "the old address": (lambda w: w.streets["2"].add("1 High Street"), (WRONG, "order 2")),
}


def test_requests_with_their_outcomes_have_no_differences() -> None:
    """Nor has one that waits for an order that never reached the OMS."""
    world = World()
    assert world.differences() == set()
    world.held.pop()
    _outcome("r5", "waiting")(world)
    assert world.differences() == set()


@pytest.mark.parametrize("name", list(TAMPERING))
def test_each_request_without_its_outcome_is_found(name: str) -> None:
    """With the right kind and record."""
    tamper, expected = TAMPERING[name]
    world = World()
    tamper(world)
    assert expected in world.differences()


def test_a_line_that_is_gone_may_still_state_what_was_ordered() -> None:
    """Only if it is canceled."""
    world = World()
    world.asked[0] = Asked("r1", 1, "cancel", {"line": "1"})
    world.held[0]["lines"] = [{"line": "1", "sku": "MUG", "quantity": 2}]
    assert world.differences() == {(WRONG, "order 1")}
    world.canceled = {"1": {"1"}}
    assert world.differences() == set()


def test_a_store_with_one_place_an_order_shows_the_last_request() -> None:
    """An earlier one is no longer seen."""
    world = World()
    del world.shown["r2"]
    world.shows_last = True
    assert world.differences() == set()


class _Systems:
    """The control of a store that has two orders."""

    pair = Pair("bigcommerce", "manhattan")

    def __init__(self) -> None:
        self.paths = self.pair.paths("x")

    def store(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Return what the store holds."""
        del body, method
        assert path == "truth"
        line = {"line": "7", "sku": "MUG", "quantity": 2}
        return {"orders": [{"id": "7", "lines": [line], "places": 1}]}


def test_agents_ask_for_everything_and_the_same_from_the_same_seed(tmp_path: Path) -> None:
    """In whole files, each with an id."""
    found = []
    for place in ("a", "b"):
        home = tmp_path / place
        home.mkdir()
        agents = Agents(_Systems(), Counter(), {1: "7"}, home)  # type: ignore[arg-type]
        cut = [agents.operate(Random(n), [1], [1]) for n in range(60)]
        assert set(cut) == {1, None}
        found.append([(one.action_id, one.kind, dict(one.fields)) for one in agents.asked])
        files = list((home / "requests").iterdir())
        assert len(files) > len(agents.asked), "some were made twice"
        assert not [each for each in files if each.suffix != ".jsonl"]
    assert found[0] == found[1]
    kinds = {(kind, *sorted(fields)) for _, kind, fields in found[0]}
    assert len(kinds) == len(KINDS) - 2, "one is without permission, one again"


def test_an_outcome_that_could_not_be_shown_needs_no_trace() -> None:
    """It is repeated; a delivery by the same call needs one."""
    hit: dict[str, Any] = {
        "system": "commercetools",
        "kind": "drop_after",
        "status": 0,
        "method": "POST",
        "path": "/x/orders/1",
        "at": 0.0,
    }
    assert not Hit(**hit, correlation="").has_effect
    assert Hit(**hit, correlation="ord-1").has_effect
