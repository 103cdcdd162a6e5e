"""What an operator has decided of a return's refund, and what waits for that. Pure.

A rejection that holds a refund back states what it saw as its value, and an approval covers that
and no more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

import orjson

from domain.errors import LONGEST_VALUE, Problem
from domain.identity import content_digest
from domain.policies import UomRule
from domain.records.orders import ONE
from domain.refunds import DECLINED, OrderRefunds, RefundRequest
from domain.skus import BySku
from resources.ledger.records.refunds import KnownRefund, ReturnedLine
from resources.ledger.rows import KnownLine

SHOWN_IN_STORE = "return_made_in_store"
DISCARDED = "refund_discarded"
ABOVE_RETURNS = "refund_above_returns"
BEFORE_START = "refund_before_start"
NOT_OF_REFUNDS = (DECLINED, SHOWN_IN_STORE, "return_refused")
"""Codes whose discard decides nothing about a refund that was not made."""
SHORT = 20
"""Characters of a digest, of which a value has two."""
Approvals = Mapping[str, str]
"""What an operator has approved of a return: code -> the value that the rejection stated."""


def stated(units: Mapping[str, int], **seen: Mapping[str, int] | Decimal) -> str:
    """Return the value of a rejection: the units of a refund, and what else was seen."""
    value: dict[str, int | str] = {f"line {line}": number for line, number in units.items()}
    for name, found in seen.items():
        if isinstance(found, Decimal):
            value[name] = str(found)
        else:
            value |= {f"{name} {line}": number for line, number in found.items()}
    text = _text(value)
    return text if len(text) <= LONGEST_VALUE else _in_short(units, seen)


def _in_short(units: Mapping[str, int], seen: Mapping[str, Mapping[str, int] | Decimal]) -> str:
    """Return a value that would be cut as digests: only an approval of the same covers it."""
    parts: dict[str, Any] = {"units": dict(units)} | ({"seen": dict(seen)} if seen else {})
    return _text(
        {
            f"{name} {content_digest(_text(p).encode()).hex()[:SHORT]}": 1
            for name, p in parts.items()
        }
    )


def _text(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS).decode()


def covers(approved: str | None, wanted: str) -> bool:
    """Return whether nothing of what is wanted is more than an approval's rejection stated."""
    if approved is None:
        return False
    try:
        most, now = orjson.loads(approved), orjson.loads(wanted)
        return all(Decimal(number) <= Decimal(most.get(name, 0)) for name, number in now.items())
    except (orjson.JSONDecodeError, AttributeError, TypeError, InvalidOperation):
        return False  # a value of another form, which states no units


def covers_units(approved: Approvals, codes: Collection[str], units: Mapping[str, int]) -> bool:
    """Return whether an approval of one of the codes covers these units."""
    forms = (stated(units), _in_short(units, {}))
    return any(covers(approved.get(code), wanted) for code in codes for wanted in forms)


def units_text(request: RefundRequest) -> str:
    """Return the units of a refund in words."""
    return ", ".join(f"{line.quantity} of line {line.line_id}" for line in request.lines)


def discarded(request: RefundRequest) -> Problem:
    """Return why a refund waits: an operator has discarded an earlier rejection of it."""
    return Problem(
        DISCARDED,
        "lines",
        f"An operator has discarded a rejection of the return {request.return_id} of order "
        f"{request.order_id}: its refund may have been paid without Lockstep. Lockstep has not "
        f"refunded {units_text(request)}.",
        "If all of these are paid, discard this rejection. If none of them are, approve the "
        "refund, whatever the amount, with 'lockstep rejections retry ID --reason TEXT'. "
        "Otherwise pay the rest by hand and discard it.",
        stated(request.units()),
    )


def before_start(request: RefundRequest) -> Problem:
    """Return why a refund waits: its return is older than the stream."""
    return Problem(
        BEFORE_START,
        "lines",
        f"The return {request.return_id} of order {request.order_id} already was as it is "
        f"now when the stream returns was started: its refund of {units_text(request)} may "
        "have been paid without Lockstep.",
        "If it is paid, discard this rejection. If not, approve the refund, whatever the amount, "
        "with 'lockstep rejections retry ID --reason TEXT'.",
        stated(request.units()),
    )


@dataclass(frozen=True)
class OrderReturns:
    """Line id -> units of all returns of an order, in the store's unit."""

    arrived: Mapping[str, int] = field(default_factory=dict)
    confirmed: Mapping[str, int] = field(default_factory=dict)
    """Of the returns whose shopper gets money back."""


def order_returns(
    returned: Sequence[ReturnedLine],
    lines: Mapping[str, KnownLine],
    uom_rules: BySku[UomRule],
) -> OrderReturns:
    """Return the units of an order's returns; part of a unit has arrived, and is not confirmed."""
    arrived: dict[str, Decimal] = {}
    confirmed: dict[tuple[str, str], Decimal] = {}
    for one in returned:
        known, rule = lines.get(one.order_line_id), uom_rules.get(one.sku)
        factor = (known.factor if known else None) or (rule.factor if rule else ONE)
        line, of_return = one.order_line_id, (one.order_line_id, one.return_id)
        arrived[line] = arrived.get(line, Decimal(0)) + one.arrived / factor
        if one.is_refunded:
            confirmed[of_return] = confirmed.get(of_return, Decimal(0)) + one.confirmed / factor
    whole: dict[str, int] = {}
    for (line, _), number in confirmed.items():
        whole[line] = whole.get(line, 0) + int(number.to_integral_value(ROUND_FLOOR))
    return OrderReturns(
        {line: int(n.to_integral_value(ROUND_CEILING)) for line, n in arrived.items()}, whole
    )


def really_unshipped(shown: OrderRefunds, returns: OrderReturns) -> OrderRefunds:
    """Return an order's refunds without unshipped units that the store only seems to have.

    Where more came back of a line than the store shows as shipped, it does not show yet what has
    shipped, so a refund of the line may be one of shipped units.
    """
    unshipped = {
        line: number
        for line, number in shown.unshipped.items()
        if returns.arrived.get(line, 0) <= shown.shipped.get(line, 0)
    }
    return replace(shown, unshipped=unshipped)


def above_returns(
    request: RefundRequest,
    shown: OrderRefunds,
    known: Mapping[str, KnownRefund],
    returns: OrderReturns,
) -> Problem | None:
    """Return why a refund waits: the order would have more refunded than its returns confirm.

    A return that was refunded may have been canceled or corrected, or be gone at the OMS, and its
    units be in another.
    """
    refunded, wanted = _refunded(shown, known), request.units()
    over = [
        line
        for line in sorted(refunded.keys() | wanted.keys())
        if refunded.get(line, 0) + wanted.get(line, 0) > returns.confirmed.get(line, 0)
    ]
    if not over:
        return None
    has = ", ".join(
        f"{refunded.get(line, 0)} refunded and {returns.confirmed.get(line, 0)} confirmed of line "
        f"{line}"
        for line in over
    )
    return Problem(
        ABOVE_RETURNS,
        f"lines[{over[0]}]",
        f"The returns of order {request.order_id} have {has}, so the return {request.return_id} "
        f"of {units_text(request)} may be refunded already, as another one or as other lines.",
        "Compare the order's returns at the OMS with its refunds. If the return is refunded, "
        "discard this rejection. If not, approve the refund of these units, whatever the "
        "amount, with 'lockstep rejections retry ID --reason TEXT'.",
        stated(wanted, refunded=refunded),
    )


def _refunded(shown: OrderRefunds, known: Mapping[str, KnownRefund]) -> dict[str, int]:
    """Return line id -> units in our refunds: those that the store lists, and those it does not."""
    made = [refund.units for refund in shown.refunds if refund.key]
    listed = {refund.key for refund in shown.refunds}
    others = {refund.key: refund.units for refund in known.values() if refund.key not in listed}
    refunded: dict[str, int] = {}
    for units in (*made, *others.values()):
        for line, number in units.items():
            refunded[line] = refunded.get(line, 0) + number
    return refunded
