"""Anchanto's documents: exactly the fields that are read, in the names of our assumption.

A captured order is the row as it came or, once it has shipments, an object with its row and theirs.
Where ``oms.wire.fields`` renames fields, a row is read in the account's names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, NamedTuple, TypeVar

import msgspec

from domain.errors import Problem, RecordRejected
from domain.parsing.payload import Decoded, Document, PayloadAdvice, PayloadDecoder
from resources.oms.anchanto.wire import AnchantoFields, DocumentName

UNREADABLE = "oms_payload_unreadable"
ADVICE = (
    "Check the captured payload; if the account has other names than oms.wire.fields says, "
    "correct them there."
)
FILE_ADVICE = (
    "Have the file written again, and put it into the folder; the original is in taken or "
    "failed. Then discard this rejection, unless it closes automatically."
)
NULL = msgspec.Raw(b"null")
JOINED, ROWS = b'{"order_row":', b'{"stock_rows":'
"""How the payloads start that hold more than one row."""
ORIGIN = "exchange_file"
"""Of a row that came in a file: where it stood, and what is wrong with its cells."""
Id = str | int | None
Number = Annotated[Decimal, msgspec.Meta(description="a number")] | None
T = TypeVar("T", bound=Document)


class Item(Document):
    """One ordered line."""

    line_id: Id = None
    sku: Id = None
    quantity: Number = None


class OrderView(Document):
    """An order as reads answer it."""

    number: Id = None
    store_code: Id = None
    external_id: Id = None
    status: str | None = None
    updated_at: str | None = None
    order_items: list[Item] | None = None


class ShipmentItem(Document):
    """Units of a SKU in a shipment."""

    sku: Id = None
    quantity: Number = None


class Shipment(Document):
    """What leaves a warehouse together; the manifest is the hand-over to the carrier."""

    shipment_number: Id = None
    tracking_number: Id = None
    carrier_code: Id = None
    carrier_name: Id = None
    manifest_number: Id = None
    status: str | None = None
    shipped_at: str | None = None
    items: list[ShipmentItem] | None = None


class StockRow(Document):
    """A SKU's stock at a warehouse."""

    sku: Id = None
    warehouse_code: Id = None
    available: Number = None
    on_hand: Number = None
    updated_at: str | None = None


class _Joined(msgspec.Struct):
    order_row: msgspec.Raw = NULL
    shipments: list[msgspec.Raw] = []


class _Origin(msgspec.Struct):
    file: str = ""
    line: int = 0
    fault: str = ""


class _Rows(msgspec.Struct):
    stock_rows: list[msgspec.Raw] = []


class OrderDocument(NamedTuple):
    """An order with its shipments, and what is wrong with either."""

    order: OrderView
    shipments: Sequence[Shipment]
    problems: tuple[Problem, ...]


_PAYLOAD_ADVICE = PayloadAdvice(ADVICE, ADVICE)
_ORDER = PayloadDecoder(OrderView, "an order", _PAYLOAD_ADVICE)
_SHIPMENT = PayloadDecoder(Shipment, "a shipment", _PAYLOAD_ADVICE)
_STOCK = PayloadDecoder(StockRow, "a row of stock", _PAYLOAD_ADVICE)
_JOINED, _ROWS = msgspec.json.Decoder(_Joined), msgspec.json.Decoder(_Rows)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ORIGIN = msgspec.json.Decoder(_Origin)


class Documents:
    """Reads documents in the account's names."""

    def __init__(self, fields: AnchantoFields) -> None:
        self._fields = fields
        self._attributes = fields.name("answer", "attributes")

    def order(self, payload: bytes) -> OrderDocument:
        """Decode a captured order; raises ``RecordRejected`` if it is none."""
        row, others = split_order(payload)
        decoded = self._decoded(_ORDER, "order", row)
        shipments = [self._decoded(_SHIPMENT, "shipment", other) for other in others]
        problems = [*decoded.problems]
        for place, shipment in enumerate(shipments):
            prefix = f"shipments[{place}]."
            problems += [replace(one, field=prefix + one.field) for one in shipment.problems]
        return OrderDocument(
            decoded.document, [each.document for each in shipments], tuple(problems)
        )

    def order_attributes(self, payload: bytes) -> object:
        """Return all of a captured order in our names; raises ``RecordRejected``."""
        row, _ = split_order(payload)
        try:
            return self._fields.incoming("order", msgspec.json.decode(self.attributes(row)))
        except (ValueError, RecursionError) as error:
            raise unreadable("order", "The order is not JSON.") from error

    def stock(self, payload: bytes) -> list[Decoded[StockRow]]:
        """Decode the rows of a SKU; raises ``RecordRejected`` if they are none."""
        return [self._decoded(_STOCK, "stock", row) for row in split_rows(payload)]

    def attributes(self, row: bytes) -> bytes:
        """Return the fields of a row, which stand in an object of their own or beside its id.

        Raises ``ValueError`` if the row is not an object.
        """
        fields = _OBJECT.decode(row)
        return bytes(fields.get(self._attributes, row))

    def value(self, row: bytes, document: DocumentName, *names: str) -> tuple[str, ...]:
        """Return single fields of a row as text, empty if one can't be read."""
        try:
            fields = _OBJECT.decode(self.attributes(row))
        except (ValueError, RecursionError):
            return ("",) * len(names)
        return tuple(_text(fields.get(self._fields.name(document, name))) for name in names)

    def _decoded(self, decoder: PayloadDecoder[T], name: DocumentName, row: bytes) -> Decoded[T]:
        """Decode a row; all its problems have this connector's code."""
        try:
            content = self.attributes(row)
            if self._fields.of(name):
                document = self._fields.incoming(name, msgspec.json.decode(content))
                content = msgspec.json.encode(document)
            decoded = decoder.decode(content)
        except (ValueError, RecursionError) as error:
            raise unreadable(name, "The row is not a JSON object.") from error
        except RecordRejected as rejected:
            raise unreadable(name, rejected.problems[0].message) from rejected
        if fault := fault_of_file(name, row):
            raise RecordRejected(fault)  # what else is wrong comes of it
        problems = tuple(replace(problem, code=UNREADABLE) for problem in decoded.problems)
        return Decoded(decoded.document, problems)


def fault_of_file(field: str, row: bytes) -> Problem | None:
    """Return what is wrong with the cells of a row that came in a file, or with the file."""
    try:
        origin = _ORIGIN.decode(_OBJECT.decode(row).get(ORIGIN, b"{}"))
    except (ValueError, RecursionError):  # a field of the account's own that is called so
        return None
    if not origin.fault:
        return None
    where = f"Line {origin.line} of the file" if origin.line else "The file"
    text = f"{where} {origin.file} can't be used: {origin.fault.rstrip('.')}."
    return Problem(UNREADABLE, field, text, FILE_ADVICE)


def join_order(row: bytes, shipments: Sequence[bytes]) -> bytes:
    """Return an order's row with those of its shipments, each as it came."""
    if not shipments:
        return row
    return JOINED + row + b',"shipments":[' + b",".join(shipments) + b"]}"


def split_order(payload: bytes) -> tuple[bytes, list[bytes]]:
    """Return an order's row and those of its shipments; raises ``RecordRejected``."""
    if not payload.startswith(JOINED):
        return payload, []
    try:
        joined = _JOINED.decode(payload)
    except (ValueError, RecursionError) as error:
        raise unreadable("order", "The order and its shipments are not JSON.") from error
    return bytes(joined.order_row), [bytes(row) for row in joined.shipments]


def join_rows(rows: Sequence[bytes]) -> bytes:
    """Return a SKU's rows of several warehouses as one payload, or its only one as it came."""
    return rows[0] if len(rows) == 1 else ROWS + b"[" + b",".join(rows) + b"]}"


def split_rows(payload: bytes) -> list[bytes]:
    """Return the rows of a SKU; raises ``RecordRejected`` if there are none."""
    if not payload.startswith(ROWS):
        return [payload]
    try:
        rows = [bytes(row) for row in _ROWS.decode(payload).stock_rows]
    except (ValueError, RecursionError) as error:
        raise unreadable("stock", "The rows of stock are not JSON.") from error
    if not rows:
        raise unreadable("stock", "There is no row of stock.")
    return rows


def unreadable(field: str, message: str, value: str = "") -> RecordRejected:
    """Return the rejection of a payload that does not have the expected shape."""
    return RecordRejected(Problem(UNREADABLE, field, message, ADVICE, value))


def _text(raw: msgspec.Raw | None) -> str:
    if raw is None:
        return ""
    try:
        value = msgspec.json.decode(raw, type=Id)
    except (ValueError, RecursionError):
        return ""
    return "" if value is None else str(value).strip()
