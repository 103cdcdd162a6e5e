"""The base of canonical records: immutable, checked on building, written as JSON and read again.

The interpreter's type checker answers for types and msgspec for those of stored JSON; a record's
``__post_init__`` checks what types cannot say, in whichever way the record was built. Amounts are
exact decimals, and times are UTC, on the wire too.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec.structs import fields, force_setattr

from domain.identity import LONGEST_ID
from domain.memo import remembered
from domain.parsing.text import has_controls

DIGITS, QUANTITY_DIGITS, PLACES = 18, 15, 4
"""Of an amount, of a quantity, and decimals of both."""
LONGEST_KEY = LONGEST_ID
SMALLEST = Decimal(1).scaleb(-PLACES)
_AMOUNT_BOUND = Decimal(10) ** (DIGITS - PLACES)
_QUANTITY_BOUND = Decimal(10) ** (QUANTITY_DIGITS - PLACES)


class Record(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """Base of the canonical records; they are never part of a cycle, so none is tracked for one."""


R = TypeVar("R", bound=Record)
_encoder = msgspec.json.Encoder()


class InvalidRecord(ValueError):
    """A record can't hold a value; ``field`` names it, and the message never shows the value."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


def encode_record(record: Record) -> bytes:
    """Return a record's canonical JSON: equal records give equal bytes."""
    return _encoder.encode(record)


def decode_record(kind: type[R], content: bytes) -> R:
    """Return the record of canonical JSON. Raises ``msgspec.ValidationError``."""
    record: R = _decoder(kind).decode(content)
    return record


@lru_cache(maxsize=64)
def _decoder(kind: type[Record]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def amend(record: Record, name: str, value: object) -> None:
    """Set a field of a record that was just built, and that its builder has not handed on yet.

    Nothing is checked again: the value comes from a checked configuration or another record.
    """
    force_setattr(record, name, value)


def check_keys(record: Record, *keys: str) -> None:
    """Refuse ids and codes that tables, addresses and logs can't carry."""
    text = "".join(keys)
    if len(text) <= LONGEST_KEY and text.isprintable():
        return
    for key in keys:
        if len(key) > LONGEST_KEY:
            _refuse(record, key, f"has more than {LONGEST_KEY} characters")
        if has_controls(key):
            _refuse(record, key, "holds a control character")


def check_sku(record: Record, sku: str) -> None:
    """Remove spaces around a SKU, and refuse an empty one and what no key may hold."""
    stripped = sku.strip()
    if stripped != sku:
        force_setattr(record, "sku", stripped)
    if not stripped:
        raise InvalidRecord("sku", "is empty")
    check_keys(record, stripped)


def check_code(record: Record, name: str, pattern: re.Pattern[str]) -> None:
    """Refuse a code that is not of its pattern; named, as other fields may be empty texts, too."""
    if pattern.fullmatch(getattr(record, name)) is None:
        raise InvalidRecord(name, f"is not of the form {pattern.pattern}")


def check_amounts(record: Record, *amounts: Decimal) -> None:
    """Refuse amounts of more than 18 digits or four decimals."""
    for amount in amounts:
        if not _is_amount(amount):
            _refuse(record, amount, f"has more than {DIGITS} digits or {PLACES} decimals")


def check_quantity(record: Record, quantity: Decimal, *, positive: bool = False) -> None:
    """Refuse a quantity below zero, of more than 15 digits or four decimals; or zero, too."""
    if not _is_quantity(quantity) or (positive and not quantity):
        lowest = "above zero" if positive else "at least zero"
        _refuse(
            record, quantity, f"must be {lowest}, of {QUANTITY_DIGITS} digits and {PLACES} decimals"
        )


def check_moment(record: Record, name: str) -> None:
    """Bring a time to UTC; refuse one without a zone."""
    moment: datetime | None = getattr(record, name)
    if moment is not None and moment.tzinfo is not UTC:
        force_setattr(record, name, to_utc(moment, name))


def to_utc(moment: datetime, name: str = "time") -> datetime:
    """Return a time in UTC. Raises ``InvalidRecord`` for one without a zone."""
    if moment.tzinfo is None:
        raise InvalidRecord(name, "a time without a zone can't be placed; give an offset or Z")
    return moment.astimezone(UTC)


@remembered(65_536)
def _is_amount(amount: Decimal) -> bool:
    return (
        amount.is_finite() and abs(amount) < _AMOUNT_BOUND and amount == amount.quantize(SMALLEST)
    )


@remembered(16_384)
def _is_quantity(amount: Decimal) -> bool:
    return amount.is_finite() and 0 <= amount < _QUANTITY_BOUND and _is_amount(amount)


def _refuse(record: Record, value: object, message: str) -> NoReturn:
    names = [field.name for field in fields(record) if getattr(record, field.name) is value]
    raise InvalidRecord(names[0] if names else type(record).__name__, message)
