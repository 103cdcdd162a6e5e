"""Extensiv's documents: exactly the fields that are read, in the vendor's names.

Reads write quantities and money as text or as numbers, and an empty object as an empty list.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec

from domain.errors import Problem, RecordRejected
from domain.parsing.payload import Decoded, Document, PayloadAdvice, PayloadDecoder

UNREADABLE = "oms_payload_unreadable"
ADVICE = (
    "Check the captured payload; if the shape is the account's own, report it to Lockstep's "
    "maintainers."
)
NULL = msgspec.Raw(b"null")
Id = str | int | None
Number = Annotated[Decimal, msgspec.Meta(description="a number")] | None
T = TypeVar("T", bound=Document)


class Envelope(msgspec.Struct):
    """The object around every answer; a new order's fields stand beside ``success_code``."""

    success_code: object = None
    response: msgspec.Raw = NULL
    error_code: object = None
    message: object = None
    status_message: object = None
    error_response: object = None
    cust_ref: object = None
    order_number: object = None


class CancelAnswer(msgspec.Struct):
    """What the WMS answers to a cancellation."""

    success: object = None
    message: object = None


class Item(Document):
    """One ordered line."""

    line_item_id: Id = None
    line_no: Id = None
    item: Id = None
    quantity: Number = None


class ShipmentItem(Document):
    """Units of a SKU in a carton."""

    item: Id = None
    quantity: Number = None
    carton_code: Id = None
    carton_num: Id = None
    lot_code: Id = None


class Shipment(Document):
    """What left the warehouse with one tracking number; it has no id of its own."""

    carrier: Id = None
    method: Id = None
    tracking_no: Id = None
    date: str | None = None
    sscc_barcode: Id = None
    bill_of_lading: Id = None
    items: list[ShipmentItem] | None = None


class OrderView(Document):
    """An order as views and lists return it."""

    cust_ref: Id = None
    order_status: str | None = None
    updated_date_time: str | None = None
    error_reason: str | None = None
    on_hold: object = None
    sending_canceled: object = None
    custom_field_1: Id = None
    custom_field_2: Id = None
    custom_field_3: Id = None
    custom_field_4: Id = None
    custom_field_5: Id = None
    items: list[Item] | None = None
    shipments: list[Shipment] | None = None


class WarehouseLevel(Document):
    """A SKU's stock at one warehouse."""

    warehouse: Id = None
    qty_available: Number = None
    qty_on_hand: Number = None
    wms_datetime: str | None = None


class StockRow(Document):
    """A SKU's stock; ``warehouses`` is an object by numeric text, or an empty list."""

    sku: Id = None
    qty_available: Number = None
    qty_on_hand: Number = None
    wms_datetime: str | None = None
    warehouses: msgspec.Raw = NULL


class NodeRow(Document):
    """A SKU's row as it came, and the warehouse of it that the record is about."""

    node: Id = None
    row: msgspec.Raw = NULL


class ProductRow(Document):
    """A product, or a row of stock, which shows that there is one."""

    sku: Id = None
    name: str | None = None
    description: str | None = None


class ListedRow(Document):
    """A product with what a store shows of it."""

    sku: Id = None
    name: str | None = None
    description: str | None = None
    retail_price: Number = None
    wholesale_price: Number = None
    weight_lbs: Number = None
    lockstep_unread: str | None = None
    """As of ``PricedRow``."""


class PricedRow(Document):
    """A product with its prices, in the merchant's currency, which it does not state."""

    sku: Id = None
    retail_price: Number = None
    wholesale_price: Number = None
    lockstep_unread: str | None = None
    """Not the account's: why a product could not be read."""


_PAYLOAD_ADVICE = PayloadAdvice(ADVICE, ADVICE)
_ORDER = PayloadDecoder(OrderView, "an order", _PAYLOAD_ADVICE)
_STOCK = PayloadDecoder(StockRow, "a row of stock", _PAYLOAD_ADVICE)
_LEVEL = PayloadDecoder(WarehouseLevel, "a warehouse's stock", _PAYLOAD_ADVICE)
_NODE = PayloadDecoder(NodeRow, "a row of stock", _PAYLOAD_ADVICE)
_PRODUCT = PayloadDecoder(ProductRow, "a product", _PAYLOAD_ADVICE)
_LISTED = PayloadDecoder(ListedRow, "a product", _PAYLOAD_ADVICE)
_PRICED = PayloadDecoder(PricedRow, "a product", _PAYLOAD_ADVICE)


def decode_order(payload: bytes) -> Decoded[OrderView]:
    """Decode an order; raises ``RecordRejected`` if it is none."""
    return _decoded(_ORDER, payload, "order")


def decode_stock(payload: bytes) -> Decoded[StockRow]:
    """Decode a row of stock; raises ``RecordRejected`` if it is none."""
    return _decoded(_STOCK, payload, "sku")


def decode_level(payload: bytes) -> Decoded[WarehouseLevel]:
    """Decode a warehouse's stock; raises ``RecordRejected`` if it is none."""
    return _decoded(_LEVEL, payload, "warehouses")


def decode_node(payload: bytes) -> Decoded[NodeRow]:
    """Decode the record of one warehouse; raises ``RecordRejected`` if it is none."""
    return _decoded(_NODE, payload, "node")


def decode_product(payload: bytes) -> Decoded[ProductRow]:
    """Decode a product; raises ``RecordRejected`` if it is none."""
    return _decoded(_PRODUCT, payload, "sku")


def decode_listed(payload: bytes) -> Decoded[ListedRow]:
    """Decode a product with its texts; raises ``RecordRejected`` if it is none."""
    return _decoded(_LISTED, payload, "sku")


def decode_priced(payload: bytes) -> Decoded[PricedRow]:
    """Decode a product with its prices; raises ``RecordRejected`` if it is none."""
    return _decoded(_PRICED, payload, "sku")


def unreadable(field: str, message: str, value: str = "") -> RecordRejected:
    """Return the rejection of a payload that does not have the documented shape."""
    return RecordRejected(Problem(UNREADABLE, field, message, ADVICE, value))


def _decoded(decoder: PayloadDecoder[T], payload: bytes, field: str) -> Decoded[T]:
    """Decode a payload; all its problems have this connector's code."""
    try:
        decoded = decoder.decode(payload)
    except RecordRejected as rejected:
        raise unreadable(field, rejected.problems[0].message) from rejected
    problems = tuple(replace(problem, code=UNREADABLE) for problem in decoded.problems)
    return Decoded(decoded.document, problems)
