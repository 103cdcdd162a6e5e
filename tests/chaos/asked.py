"""Comparison of what agents have asked for with its outcomes, and with what the OMS has done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg

from sandbox.kit.truth import TrueLine, TrueOrder, Truth
from tests.chaos.agents import Agents, Asked, Shown
from tests.chaos.compare import DUPLICATED, LOST, OPEN, WRONG, Difference
from tests.chaos.facts import Delivery
from tests.chaos.systems import Systems

NOT_PERMITTED = "action_not_permitted"
OUTCOMES = """SELECT action_id, state, code, extract(epoch FROM decided_at)::float8
    FROM sync.action_outcome WHERE connection = %s"""


class Outcome(NamedTuple):
    """What the ledger says of a request."""

    state: str
    code: str
    at: float


@dataclass(kw_only=True)
class Requests:
    """All requests, what came of them, and what the OMS's documents say about their orders."""

    asked: Sequence[Asked]
    outcomes: Mapping[str, Outcome]
    shown: Mapping[str, Shown] | None = None
    """What agents see; ``None`` where the store shows nothing."""
    shows_last: bool = False
    """Whether the store shows the last request of an order only."""
    undecided: set[str] = field(default_factory=set)
    """Orders of which the OMS has yet to answer whether it cancels them."""
    canceled: Mapping[str, set[str]] = field(default_factory=dict)
    """Order -> its lines that are canceled at an OMS that keeps what was ordered of them."""
    on_hold: Mapping[str, bool] = field(default_factory=dict)
    """Whether an order is held, by an OMS that says so."""
    streets: Mapping[str, set[str]] = field(default_factory=dict)
    """Where the lines of a rerouted order go that are sent to an address."""

    def done(self, *kinds: str) -> list[Asked]:
        """Return what was carried out of some kinds, in the order in which it was."""
        found = [
            one
            for one in self.asked
            if one.kind in kinds and self._state(one) == "done" and one.action_id in self.outcomes
        ]
        return sorted(found, key=lambda one: self.outcomes[one.action_id].at)

    def cut(self) -> set[str]:
        """Return the orders of which agents have canceled units: theirs are compared here."""
        return {str(one.number) for one in self.done("cancel") if "line" in one.fields}

    def _state(self, one: Asked) -> str:
        return self.outcomes[one.action_id].state if one.action_id in self.outcomes else ""


def gather_requests(systems: Systems, url: str, connection: str, agents: Agents) -> Requests:
    """Ask the ledger, the store and the OMS."""
    with psycopg.connect(url, autocommit=True) as db:
        rows = db.execute(OUTCOMES, (connection,)).fetchall()
    found = Requests(
        asked=list(agents.asked),
        outcomes={name: Outcome(*rest) for name, *rest in rows},
        shown=agents.shown(),
        shows_last=systems.pair.store == "commercetools",
    )
    if systems.pair.oms == "manhattan":
        path = f"{systems.paths.oms}/effects"
        held = {row["OrderId"]: row for row in systems.rows(f"{path}/orders")}
        found.undecided = {name for name, row in held.items() if row["late_cancel"] == "Requested"}
        found.canceled = {
            name: {line["OrderLineId"] for line in row["lines"] if line["canceled"]}
            for name, row in held.items()
        }
        found.on_hold = {name: row["on_hold"] for name, row in held.items()}
        routed = {str(one.number) for one in found.done("reroute")} & held.keys()
        found.streets = {
            name: _streets(systems.call("GET", f"{path}/order/{name}", None)["order"])
            for name in sorted(routed)
        }
    return found


def _streets(document: dict[str, Any]) -> set[str]:
    """Return where an order's lines go that are sent to an address, and are not canceled."""
    return {
        line["ShipToAddress"]["Address"]["Address1"]
        for line in document["OrderLine"]
        if line["DeliveryMethod"]["DeliveryMethodId"] == "ShipToAddress" and not line["IsCancelled"]
    }


def action_differences(
    requests: Requests,
    store: Truth,
    oms: Truth,
    deliveries: Sequence[Delivery],
    changed: set[str],
) -> Iterator[Difference]:
    """Return each request without its one outcome, and each order that is otherwise than asked."""
    held = {order["id"]: order for order in oms["orders"]}
    placed = {order["number"]: order for order in store["orders"]}
    for one in requests.asked:
        yield from _outcome(one, requests, held.get(str(one.number)))
    sent = Counter(
        row.source_id for row in deliveries if (row.stream, row.state) == ("actions", "delivered")
    )
    for name, times in sent.items():
        if times > 1:
            yield Difference(DUPLICATED, f"request {name}", f"carried out {times} times")
    yield from _shown(requests)
    yield from _units(requests, placed, held, changed)
    yield from _holds(requests, held)
    yield from _addresses(requests, held)


def _outcome(one: Asked, requests: Requests, held: TrueOrder | None) -> Iterator[Difference]:
    name = f"request {one.action_id}"
    what = f"{one.kind} of order {one.number}"
    outcome = requests.outcomes.get(one.action_id)
    if outcome is None:
        yield Difference(LOST, name, f"{what}: never taken in")
        return
    state, code, _ = outcome
    if state == "waiting" and held is not None:
        yield Difference(OPEN, name, f"{what}: waits, and the order is at the OMS")
    elif state == "requested" and str(one.number) not in requests.undecided:
        yield Difference(OPEN, name, f"{what}: the OMS has answered, and that is not recorded")
    elif state in ("failed", "invalid", "partly"):
        yield Difference(WRONG, name, f"{what}: {state} ({code}), and nothing is wrong with it")
    elif state == "refused" and not code:
        yield Difference(WRONG, name, f"{what}: refused without a reason")
    elif one.is_forbidden and code != NOT_PERMITTED:
        yield Difference(WRONG, name, f"{what}: {state} ({code}) without permission")
    elif code == NOT_PERMITTED and not one.is_forbidden:
        yield Difference(WRONG, name, f"{what}: refused, and it is permitted")
    elif (
        (one.kind, state) == ("cancel", "done")
        and "line" not in one.fields
        and held is not None
        and not held["canceled"]
    ):
        yield Difference(LOST, name, f"{what}: done, and the OMS ships the order")


def _shown(requests: Requests) -> Iterator[Difference]:
    """Compare what agents see with what the ledger says."""
    if requests.shown is None:
        return
    last = {one.number: one.action_id for one in requests.asked}
    for one in requests.asked:
        outcome = requests.outcomes.get(one.action_id)
        if outcome is None or outcome.state == "waiting":
            continue
        if requests.shows_last and last[one.number] != one.action_id:
            continue
        seen = requests.shown.get(one.action_id)
        if seen is None or seen.state != outcome.state or outcome.code not in seen.text:
            text = f"{outcome.state} {outcome.code}".strip()
            text = f"{text}, and its agent sees {seen.state if seen else 'nothing'}"
            yield Difference(OPEN, f"request {one.action_id}", text)


def _units(
    requests: Requests,
    placed: Mapping[str, TrueOrder],
    held: Mapping[str, TrueOrder],
    changed: set[str],
) -> Iterator[Difference]:
    """Compare units of orders from which agents have canceled some."""
    off: Counter[tuple[str, str]] = Counter()
    for one in requests.done("cancel"):
        if line := one.fields.get("line"):
            number = str(one.number)
            bought = _units_of(placed[number]["lines"])[line] if number in placed else 0
            off[number, line] += int(one.fields.get("quantity", bought))
    for number in sorted(requests.cut() & placed.keys() & held.keys() - changed):
        if held[number]["canceled"] or placed[number]["canceled"]:
            continue
        wanted = _units_of(placed[number]["lines"])
        for line in wanted:
            wanted[line] -= min(off[number, line], wanted[line])
        there = _units_of(held[number]["lines"])
        for line in requests.canceled.get(number, set()) - (+wanted).keys():
            del there[line]
        if +wanted != +there:
            text = f"agents have left {dict(+wanted)}, the OMS has {dict(+there)}"
            yield Difference(WRONG, f"order {number}", text)


def _units_of(lines: Sequence[TrueLine]) -> Counter[str]:
    units: Counter[str] = Counter()
    for row in lines:
        units[row["line"].partition("~")[0]] += int(row["quantity"])
    return units


def _holds(requests: Requests, held: Mapping[str, TrueOrder]) -> Iterator[Difference]:
    """Compare holds: only agents set them here."""
    wanted: dict[str, bool] = {}
    for one in requests.done("hold", "release"):
        wanted[str(one.number)] = one.kind == "hold"
    for number, is_held in sorted(requests.on_hold.items()):
        if number in held and not held[number]["canceled"] and is_held != wanted.get(number, False):
            text = f"{'' if is_held else 'not '}on hold, against its agents' last request"
            yield Difference(WRONG, f"order {number}", text)


def _addresses(requests: Requests, held: Mapping[str, TrueOrder]) -> Iterator[Difference]:
    """Compare where orders go of which nothing has left: only agents move them here."""
    last = {str(one.number): one.fields["street"] for one in requests.done("reroute")}
    for number, streets in sorted(requests.streets.items()):
        order = held.get(number)
        if order is None or order["canceled"] or order["parcels"]:
            continue
        if streets - {last[number]}:
            text = f"rerouted to {last[number]}, the OMS sends it to {', '.join(sorted(streets))}"
            yield Difference(WRONG, f"order {number}", text)
