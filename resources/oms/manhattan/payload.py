"""Manhattan's documents: exactly the attributes that are read, in the vendor's names.

Attributes not declared here are ignored. Values that do not fit are set aside and reported
together, by the shared decoder.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec

from domain.errors import RecordRejected
from domain.parsing.payload import Decoded, Document, PayloadAdvice, PayloadDecoder
from domain.parsing.vendor_documents import text_of
from resources.oms.manhattan.parsing import (
    ADVICE,
    UNREADABLE,
    Id,
    Number,
    unreadable,
)

_QUANTITIES = msgspec.Meta(description="a number or an object of numbers")
Quantities = Annotated[dict[str, Number] | Decimal, _QUANTITIES] | None
MOST_WRAPPINGS = 4
NULL = msgspec.Raw(b"null")
_PAYLOAD_ADVICE = PayloadAdvice(ADVICE, ADVICE)
T = TypeVar("T", bound=Document)


class QuantityDetail(Document, rename="pascal"):
    """Units of a line in one status."""

    status_id: Number = None
    quantity: Number = None


class FulfillmentDetail(Document, rename="pascal"):
    """Units of a line that were sent or handed over."""

    fulfillment_id: Id = None
    fulfillment_detail_id: Id = None
    item_id: Id = None
    quantity: Number = None
    status_id: Number = None
    tracking_number: Id = None
    carrier_code: Id = None
    service_level_code: Id = None
    ship_via_id: Id = None
    shipment_id: Id = None
    package_id: Id = None
    fulfillment_date: str | None = None


class Reason(Document, rename="pascal"):
    """A reason code."""

    reason_id: Id = None


class CancelHistory(Document, rename="pascal"):
    """Canceled units of a line."""

    cancel_quantity: Number = None
    cancel_reason: Reason | None = None


class DeliveryMethodRef(Document, rename="pascal"):
    """How a line reaches the customer."""

    delivery_method_id: Id = None


class Line(Document, rename="pascal"):
    """One order line."""

    order_line_id: Id = None
    item_id: Id = None
    quantity: Number = None
    is_return: bool | None = None
    parent_order_id: Id = None
    delivery_method: DeliveryMethodRef | str | None = None
    min_fulfillment_status_id: Number = None
    max_fulfillment_status_id: Number = None
    quantity_detail: list[QuantityDetail] | None = None
    fulfillment_detail: list[FulfillmentDetail] | None = None
    order_line_cancel_history: list[CancelHistory] | None = None
    cancellation_request_status: msgspec.Raw = NULL
    cancellation_request: msgspec.Raw = msgspec.field(
        default=NULL, name="cancellationRequestStatus"
    )
    """The same attribute in the vendor's other spelling."""


class ItemCondition(Document, rename="pascal"):
    """The condition in which units arrived."""

    item_condition_id: Id = None


class ReturnType(Document, rename="pascal"):
    """What the shopper gets for what comes back."""

    return_type_id: Id = None


class ReturnedLine(Document, rename="pascal"):
    """One line of a return order, or of the new goods of an exchange."""

    order_line_id: Id = None
    item_id: Id = None
    quantity: Number = None
    is_return: bool | None = None
    parent_order_id: Id = None
    parent_order_line_id: Id = None
    return_type: ReturnType | None = None
    return_reason: Reason | None = None
    received_item_condition: ItemCondition | None = None
    return_tracking_number: Id = None
    min_fulfillment_status_id: Number = None
    max_fulfillment_status_id: Number = None
    quantity_detail: list[QuantityDetail] | None = None
    order_line_cancel_history: list[CancelHistory] | None = None


class ReturnOrder(Document, rename="pascal"):
    """A return as searches and events report it: an order whose lines name their parents."""

    order_id: Id = None
    selling_channel: object = None
    updated_timestamp: str | None = None
    event_submit_time: str | None = None
    event_submit_timestamp: str | None = None
    order_line: list[ReturnedLine] | None = None

    def stamp(self) -> str | None:
        """Return the time of the order's last change, whichever attribute holds it."""
        return self.updated_timestamp or self.event_submit_timestamp or self.event_submit_time

    def channel(self) -> str:
        """Return the selling channel, or an empty text."""
        return _channel(self.selling_channel)


class Tracking(Document, rename="pascal"):
    """What an order holds of one tracking number."""

    package_id: Id = None
    tracking_number: Id = None
    carrier_code: Id = None
    shipped_date: str | None = None
    delivered_date: str | None = None


class PublishedOrder(Document, rename="pascal"):
    """An order as searches and events return it."""

    order_id: Id = None
    alternate_order_id: Id = None
    selling_channel: object = None
    is_canceled: object = msgspec.field(default=None, name="IsCancelled")
    updated_timestamp: str | None = None
    event_submit_time: str | None = None
    event_submit_timestamp: str | None = None
    post_release_modification_status: msgspec.Raw = NULL
    order_line: list[Line] | None = None
    order_tracking_info: list[Tracking] | None = None

    def stamp(self) -> str | None:
        """Return the time of the order's last change, whichever attribute holds it."""
        return self.updated_timestamp or self.event_submit_timestamp or self.event_submit_time

    def channel(self) -> str:
        """Return the selling channel, or an empty text."""
        return _channel(self.selling_channel)


class AvailabilityRow(Document, rename="pascal"):
    """A row of either view; ``quantity`` is by location type, or one number for a location."""

    item_id: Id = None
    location_id: Id = None
    view_name: Id = None
    status: Id = None
    status_code: int | str | float | None = None
    total_quantity: Number = None
    quantity: Quantities = None
    next_availability_date: str | None = None
    transaction_date_time: str | None = None
    is_infinite_availability: bool | None = None


class _Wrapping(msgspec.Struct):
    payload: msgspec.Raw = msgspec.field(default=NULL, name="OriginalPayload")
    data: msgspec.Raw = NULL
    order_id: msgspec.Raw = msgspec.field(default=NULL, name="OrderId")


_WRAPPING = msgspec.json.Decoder(_Wrapping)
_ORDER = PayloadDecoder(PublishedOrder, "an order", _PAYLOAD_ADVICE)
_RETURN = PayloadDecoder(ReturnOrder, "a return", _PAYLOAD_ADVICE)
D = TypeVar("D", PublishedOrder, ReturnOrder)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_AVAILABILITY = PayloadDecoder(AvailabilityRow, "an availability row", _PAYLOAD_ADVICE)


def decode_order(payload: bytes) -> Decoded[PublishedOrder]:
    """Decode an order in any of its wrappings; raises ``RecordRejected`` if it is none.

    The wrappings: none, ``OriginalPayload`` (an object, or JSON as text), and ``data`` with one or
    more states of one order, of which the newest counts.
    """
    return _newest(payload, _ORDER)


def decode_return(payload: bytes) -> Decoded[ReturnOrder]:
    """Decode a return as ``decode_order`` does an order."""
    return _newest(payload, _RETURN)


def _newest(payload: bytes, decoder: PayloadDecoder[D]) -> Decoded[D]:
    try:
        states = _unwrapped(payload, decoder, MOST_WRAPPINGS)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise unreadable("Order", f"The payload can't be read: {error}") from error
    if not states or len({state.document.order_id for state in states}) != 1:
        raise unreadable("data", f"The payload holds {len(states)} orders, but one is expected.")
    newest = max(states, key=lambda state: state.document.stamp() or "")
    return Decoded(newest.document, tuple(p for state in states for p in state.problems))


def _unwrapped(
    payload: bytes | msgspec.Raw, decoder: PayloadDecoder[D], depth: int
) -> list[Decoded[D]]:
    if depth == 0:
        raise ValueError("wrapped too deep")
    wrapping = _WRAPPING.decode(payload)
    inner = bytes(wrapping.payload)
    if inner != b"null":
        text = _TEXT.decode(inner).encode() if inner[:1] == b'"' else inner
        return _unwrapped(text, decoder, depth - 1)
    if bytes(wrapping.order_id) == b"null" and bytes(wrapping.data) != b"null":
        data = bytes(wrapping.data)
        parts = _LIST.decode(data) if data[:1] == b"[" else [msgspec.Raw(data)]
        return [state for part in parts for state in _unwrapped(part, decoder, depth - 1)]
    return [_decoded(decoder, bytes(payload), "Order")]


def decode_availability(payload: bytes) -> Decoded[AvailabilityRow]:
    """Decode an availability row; raises ``RecordRejected`` if it is none."""
    return _decoded(_AVAILABILITY, payload, "ItemId")


def _decoded(decoder: PayloadDecoder[T], payload: bytes, field: str) -> Decoded[T]:
    """Decode a payload; all its problems have this connector's code."""
    try:
        decoded = decoder.decode(payload)
    except RecordRejected as rejected:
        raise unreadable(field, rejected.problems[0].message) from rejected
    if not decoded.problems:
        return decoded
    problems = tuple(replace(problem, code=UNREADABLE) for problem in decoded.problems)
    return Decoded(decoded.document, problems)


def _channel(value: object) -> str:
    return text_of(value.get("SellingChannelId") if isinstance(value, dict) else value)
