"""What service agents ask for: cancel, hold, release, reroute; twice, late, or impossible."""

from __future__ import annotations

from typing import Any

from assets.streams.actions.requests import capture_request
from domain.connections import ACTIONS
from domain.errors import RecordRejected
from tests.model.facts import Asked
from tests.model.life import Life, NotPossibleError
from tests.model.operations.registry import NUMBER, PLACE, among, between, operation
from tests.model.world import NAME, STREAMS

HOLD = "Customer Service"
ELSEWHERE = {
    "city": "Dallas",
    "state": "Texas",
    "postcode": "75201",
    "country_code": "US",
}


@operation("agent", 2, number=NUMBER)
def ask_cancel(life: Life, number: int) -> None:
    """Ask for the cancellation of an order, which may not exist."""
    _ask(life, number, "cancel")


@operation("agent", 2, number=NUMBER, place=PLACE, units=among(None, 1, 1, 2, 9))
def ask_cancel_units(life: Life, number: int, place: int, units: int | None) -> None:
    """Ask for the cancellation of a line, or of units of it; of too many, too."""
    orders: list[dict[str, Any]] = life.world.ask_store("truth")["orders"]
    lines = next((order["lines"] for order in orders if order["number"] == str(number)), None)
    if not lines:
        raise NotPossibleError
    line = lines[place % len(lines)]["line"]
    quantity = {} if units is None else {"quantity": str(units)}
    _ask(life, number, "cancel", line=line, **quantity)


@operation("agent", 1, number=NUMBER)
def ask_hold(life: Life, number: int) -> None:
    """Ask for a hold."""
    _ask(life, number, "hold")


@operation("agent", 1, number=NUMBER)
def ask_release(life: Life, number: int) -> None:
    """Ask for the release of what an agent holds."""
    _ask(life, number, "release")


@operation("agent", 1, number=NUMBER, street=among("5 Oak Street", "9 Elm Street"))
def ask_reroute(life: Life, number: int, street: str) -> None:
    """Ask for another address."""
    _ask(life, number, "reroute", address={"street_1": street, **ELSEWHERE})


@operation("agent", 1, number=NUMBER)
def ask_without_permission(life: Life, number: int) -> None:
    """Ask for a cancellation with a permission set that no policy knows."""
    _ask(life, number, "cancel", permission_set="intern")


@operation("agent", 1, place=between(0, 3))
def ask_again(life: Life, place: int) -> None:
    """Make a request again, under its id."""
    if not life.facts.asked:
        raise NotPossibleError
    one = life.facts.asked[place % len(life.facts.asked)]
    _capture(life, one)
    life.attempt(life.runs.carry_out)


@operation("agent", 1)
def carry_out(life: Life) -> None:
    """Carry out what waits."""
    _allow(life)
    life.attempt(life.runs.carry_out)


def _ask(life: Life, number: int, kind: str, **fields: Any) -> None:
    one = Asked(f"ask-{len(life.facts.asked) + 1}", number, kind, fields)
    life.facts.asked.append(one)
    _capture(life, one)
    life.attempt(life.runs.carry_out)


def _capture(life: Life, one: Asked) -> None:
    _allow(life)
    assert life.world.lockstep is not None
    name = life.world.connection_of(one.number)
    sync = life.world.lockstep.sync(name, f"ask-{life.world.clock.now():%H%M%S%f}")
    given = {"kind": one.kind, "order": str(one.number), "requested_by": "agent-7"}
    try:
        capture_request(sync, given | {"action_id": one.action_id} | one.fields)
    except RecordRejected:
        raise NotPossibleError from None


def _allow(life: Life) -> None:
    """Let the connection take requests, from the first one on."""
    if ACTIONS not in life.world.installation.connections[NAME].streams:
        streams = life.world.sections.get("streams", STREAMS)
        life.world.restart(streams=[*streams, ACTIONS], actions={"hold": HOLD})
