"""An order as Manhattan publishes it: the attributes that fulfilment is read from, by type, and the wrappings it comes in.

Ids and numbers come as text or as numbers in real payloads; everything that is not named here is passed over.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

import msgspec

from domain.errors import Problem, RecordRejected

Id = str | int | None
Number = Decimal | None


class QuantityDetail(msgspec.Struct, rename="pascal"):
    """Units of a line in one status."""

    status_id: Number = None
    quantity: Number = None


class FulfillmentDetail(msgspec.Struct, rename="pascal"):
    """Units of a line that went out."""

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


class Reason(msgspec.Struct, rename="pascal"):
    """A reason code."""

    reason_id: Id = None


class CancelHistory(msgspec.Struct, rename="pascal"):
    """Units of a line that were canceled."""

    cancel_quantity: Number = None
    cancel_reason: Reason | None = None


class DeliveryMethodRef(msgspec.Struct, rename="pascal"):
    """How a line reaches the customer."""

    delivery_method_id: Id = None


class Line(msgspec.Struct, rename="pascal"):
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
    cancellation_request_status: msgspec.Raw = msgspec.Raw(b"null")
    cancellation_request: msgspec.Raw = msgspec.field(
        default=msgspec.Raw(b"null"), name="cancellationRequestStatus"
    )
    """The same attribute in the vendor's other spelling."""


class Tracking(msgspec.Struct, rename="pascal"):
    """What is known of one tracking number."""

    package_id: Id = None
    tracking_number: Id = None
    carrier_code: Id = None
    shipped_date: str | None = None
    delivered_date: str | None = None


class PublishedOrder(msgspec.Struct, rename="pascal"):
    """One order."""

    order_id: Id = None
    alternate_order_id: Id = None
    selling_channel: Any = None
    is_cancelled: Any = None
    updated_timestamp: str | None = None
    event_submit_time: str | None = None
    event_submit_timestamp: str | None = None
    post_release_modification_status: msgspec.Raw = msgspec.Raw(b"null")
    order_line: list[Line] | None = None
    order_tracking_info: list[Tracking] | None = None

    def stamp(self) -> str | None:
        """Return the order's own time, in whichever of its attributes it stands."""
        return self.updated_timestamp or self.event_submit_timestamp or self.event_submit_time

    def channel(self) -> str:
        """Return the selling channel, or an empty text."""
        held = self.selling_channel
        return text_of(held.get("SellingChannelId") if isinstance(held, dict) else held)


class _Wrapping(msgspec.Struct):
    payload: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"null"), name="OriginalPayload")
    data: msgspec.Raw = msgspec.Raw(b"null")
    order_id: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"null"), name="OrderId")


_WRAPPING = msgspec.json.Decoder(_Wrapping)
_ORDER = msgspec.json.Decoder(PublishedOrder)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_ADVICE = "Look at the captured payload; if the shape is the tenant's own, name it to Lockstep's maintainers."
_DEPTH = 4
LIMIT = Decimal(10) ** 12


def unreadable(field: str, message: str, value: str = "") -> RecordRejected:
    """Return the rejection of a payload that does not have the shape of an order."""
    return RecordRejected(Problem("oms_payload_unreadable", field, message, _ADVICE, value))


def moment_of(text: str | None, field: str, zone: tzinfo) -> datetime | None:
    """Return a time as the tenant writes it, ``None`` where there is none. Raises ``RecordRejected`` ``oms_payload_unreadable``."""
    if not text:
        return None
    try:
        return to_moment(text, zone)
    except ValueError as error:
        raise unreadable(field, "The time can't be read.", text[:40]) from error


def read_order(payload: bytes) -> PublishedOrder:
    """Parse an order in any of its wrappings: bare, ``OriginalPayload`` (an object, or JSON as text), ``data`` with one or more states.

    Of several states of one order the newest counts. Raises ``RecordRejected`` ``oms_payload_unreadable``.
    """
    try:
        orders = _unwrap(payload, _DEPTH)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise unreadable("Order", f"The payload can't be read: {error}") from error
    if not orders or len({order.order_id for order in orders}) != 1:
        raise unreadable("data", f"The payload holds {len(orders)} orders where one is expected.")
    return max(orders, key=lambda order: order.stamp() or "")


def _unwrap(payload: bytes | msgspec.Raw, depth: int) -> list[PublishedOrder]:
    if depth == 0:
        raise ValueError("wrapped too deep")
    wrapping = _WRAPPING.decode(payload)
    inner = bytes(wrapping.payload)
    if inner != b"null":
        return _unwrap(_TEXT.decode(inner).encode() if inner[:1] == b'"' else inner, depth - 1)
    if bytes(wrapping.order_id) == b"null" and bytes(wrapping.data) != b"null":
        data = bytes(wrapping.data)
        parts = _LIST.decode(data) if data[:1] == b"[" else [msgspec.Raw(data)]
        return [order for part in parts for order in _unwrap(part, depth - 1)]
    return [_ORDER.decode(payload)]


def text_of(value: Id | float) -> str:
    """Return an id as text, without outer blanks; empty where there is none."""
    return "" if value is None else str(value).strip()


def to_number(value: Number, field: str) -> Decimal:
    """Return a quantity or a status id; raises ``RecordRejected`` where it is missing, negative or beyond all sense."""
    if value is None or not value.is_finite() or not 0 <= value < LIMIT:
        raise unreadable(field, "A number is missing, negative or too large.", str(value)[:40])
    return value


def to_moment(text: str, zone: tzinfo) -> datetime:
    """Return the aware UTC time of a stamp, which is in ``zone`` if it names none; raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is no time of this era") from error
