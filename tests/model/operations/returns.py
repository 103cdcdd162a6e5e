"""What comes back: returns at the OMS, whole, in parts, canceled, unexpected; and their refunds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.model.life import Life, NotPossibleError
from tests.model.operations.operators import configure
from tests.model.operations.registry import NUMBER, PLACE, Act, Draw, among, at, perform
from tests.model.world import AT_STORE, NAME, STREAMS, ControlError

RETURNS, SHIPPED = "returns", 7000
PAIRS = ("bigcommerce/manhattan", "commercetools/manhattan")
"""The pairs whose store pays back."""
REFUNDS = "payment_actions/refunds$|/payments/"
"""The paths by which the stores pay back."""


def operation(actor: str, weight: float = 1.0, /, **draws: Draw) -> Callable[[Act], Act]:
    """Register an operation of each of the pairs."""

    def register(act: Act) -> Act:
        for place in PAIRS:
            at(place)(actor, weight, **draws)(act)
        return act

    return register


@operation("oms", 3, number=NUMBER, place=PLACE, units=among(None, 1, 1, 2), early=among(0, 0, 1))
def open_return(life: Life, number: int, place: int, units: int | None, early: int) -> None:
    """Make a return of a line or of units of it; or find units that have arrived without one."""
    _allow(life)
    number = _shipped(life, number)
    lines = life.at_oms(number)["lines"]
    wanted: dict[str, Any] = {"line": lines[place % len(lines)]["OrderLineId"]}
    wanted |= {} if units is None else {"quantity": units}
    _control(life, life.world.oms_id(number), "returns", {"lines": [wanted], "unexpected": early})
    life.facts.returned.add(number)


@operation("oms", 4, number=NUMBER, step=among("scan", "receive", "verify", "verify", "approve"))
def advance_return(life: Life, number: int, step: str) -> None:
    """Take the last return of an order a step further; its disposition is confirmed at last."""
    body = {"condition": "Good"} if step in ("receive", "verify") else {}
    _control(life, _last_return(life, number), step, body)


@operation("oms", 2, number=NUMBER)
def confirm_a_unit(life: Life, number: int) -> None:
    """Confirm one unit of the last return."""
    name = _last_return(life, number)
    body = {"lines": [{"line": "1", "quantity": 1}], "condition": "Good"}
    _control(life, name, "verify", body)


@operation("oms", 1, number=NUMBER)
def cancel_return(life: Life, number: int) -> None:
    """Cancel the last return."""
    _control(life, _last_return(life, number), "cancel_return", {})


@operation("operator", 1, limit=among(15, 1000))
def set_refund_limit(life: Life, limit: int) -> None:
    """Choose up to which amount refunds need no approval."""
    _allow(life)
    configure(life, returns={"limits": {"USD": limit}})


@operation("world", 2, fate=among("drop_after", "drop_before", "replaced"), times=among(1, 2))
def lose_refunds(life: Life, fate: str, times: int) -> None:
    """Lose refunds before or after their effect, or answer them with what can't be used."""
    rule: dict[str, Any] = {"status": 200, "body": "<html/>"} if fate == "replaced" else {}
    life.world.fault(AT_STORE, path=REFUNDS, method="POST", kind=fate, times=times, **rule)


@at("commercetools/manhattan")("world", 1, state=among("Success", "Success", "Failure"))
def settle_refunds(life: Life, state: str) -> None:
    """Let the payment service decide all refunds that are open."""
    life.world.to_store("payments/settle", {"state": state})


def _shipped(life: Life, number: int) -> int:
    """Return an order of which something has shipped; the one that was drawn is shipped first."""
    if life.at_oms(number)["max_status"] < SHIPPED:
        perform(life, "ship", number=number)
    return number


def _last_return(life: Life, number: int) -> str:
    """Return the last return of an order, or of another one if it has none."""
    for name in (number, *sorted(life.facts.returned)):
        made: list[str] = []
        with suppress(NotPossibleError):
            made = life.at_oms(name)["order"].get("RelatedReturnIds") or []
        if made:
            return made[-1]
    raise NotPossibleError


def _control(life: Life, name: str, step: str, body: Any) -> None:
    try:
        life.world.to_oms(f"orders/{name}/{step}", body)
    except ControlError:
        raise NotPossibleError from None


def _allow(life: Life) -> None:
    """Let the connection follow returns, from the first one on."""
    if RETURNS not in life.world.installation.connections[NAME].streams:
        streams = life.world.sections.get("streams", STREAMS)
        life.world.restart(streams=[*streams, RETURNS], returns={"limits": {"USD": 1000}})
