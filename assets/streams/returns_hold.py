"""What an operator has decided of a return's refund, and what waits for that. Pure.

A rejection that holds a refund back states what it saw as its value, and an approval covers that
and no more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from domain.errors import LONGEST_VALUE, Problem
from domain.identity import content_digest
from domain.refunds import DECLINED, RefundRequest

SHOWN_IN_STORE = "return_made_in_store"
DISCARDED = "refund_discarded"
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
        f"{request.order_id}: its refund may have been paid without Lockstep. Not refunded by "
        f"Lockstep are {units_text(request)}.",
        "If all of these are paid, discard this rejection. If none of them are, approve the "
        "refund, whatever it is worth, by 'lockstep rejections retry ID --reason TEXT'. Otherwise "
        "pay the rest by hand and discard it.",
        stated(request.units()),
    )
