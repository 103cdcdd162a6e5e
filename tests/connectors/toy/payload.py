"""The documents of the folder: exactly the fields that are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal, InvalidOperation

import msgspec

from domain.errors import Problem, RecordRejected
from domain.parsing.payload import Decoded, Document, PayloadAdvice, PayloadDecoder
from domain.personal import fields_of
from domain.records.record import InvalidRecord, to_utc

ADVICE = "Correct the file in the folder, then retry the rejection."
FACTS = fields_of(
    """
    order shipments id store_order number currency total status updated lines line sku units price
    carrier tracking at available
    """
)
"""What is not personal: all but the addressee."""


class Line(Document):
    """An ordered line, or the units of one in a parcel."""

    line: str = ""
    sku: str = ""
    units: str = ""


class OrderFile(Document):
    """``orders/<id>.json``."""

    id: str = ""
    store_order: str = ""
    status: str = ""
    updated: str = ""
    lines: list[Line] = []


class Shipment(Document):
    """A line of ``shipments.jsonl``."""

    id: str = ""
    carrier: str = ""
    tracking: str = ""
    at: str = ""
    lines: list[Line] = []


class Progress(Document):
    """A captured record: an order's file with the lines of its shipments, both as they are."""

    order: OrderFile = msgspec.field(default_factory=OrderFile)
    shipments: list[Shipment] = []


_PROGRESS = PayloadDecoder(Progress, "an order with shipments", PayloadAdvice(ADVICE, ADVICE))


def decode_progress(payload: bytes) -> Decoded[Progress]:
    """Decode a captured order. Raises ``RecordRejected`` if it is none."""
    return _PROGRESS.decode(payload)


@contextmanager
def usable() -> Iterator[None]:
    """Map a document; a value that no record can hold is the document's fault."""
    try:
        yield
    except InvalidRecord as error:
        raise _unusable(error.field, error.message) from error


def moment_of(text: str, field: str) -> datetime:
    """Return a time in UTC. Raises ``RecordRejected``, also without a zone."""
    try:
        return to_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise _unusable(field, "The time is missing or no time with a zone.", text) from error


def units_of(text: str, field: str) -> Decimal:
    """Return a quantity. Raises ``RecordRejected``, never a guess."""
    try:
        units = Decimal(text)
    except InvalidOperation:
        units = Decimal("NaN")
    if not units.is_finite() or units < 0:
        raise _unusable(field, "The quantity is missing, negative or no number.", text)
    return units


def _unusable(field: str, message: str, value: str = "") -> RecordRejected:
    return RecordRejected(Problem("oms_payload_unreadable", field, message, ADVICE, value))
