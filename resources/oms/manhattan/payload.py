"""Manhattan's documents: exactly the attributes that are read, in the vendor's names.

Ids and numbers come as text or as numbers in real payloads. Attributes not declared here are
ignored. A document's problems are reported together: those of single values by the shared decoder,
those of their meaning by the mapping (``DocumentProblems``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec

from domain.errors import Problem, RecordRejected
from domain.payload import Decoded, Document, PayloadAdvice, PayloadDecoder
from domain.records.record import InvalidRecord

Id = str | int | None
Number = Annotated[Decimal, msgspec.Meta(description="a number")] | None
Quantities = (
    Annotated[
        dict[str, Number] | Decimal, msgspec.Meta(description="a number or an object of numbers")
    ]
    | None
)
LIMIT = Decimal(10) ** 12
"""Numbers from here on are mistakes."""
MOST_WRAPPINGS = 4
UNREADABLE = "oms_payload_unreadable"
_ADVICE = (
    "Look at the captured payload; if the shape is the tenant's own, report it to Lockstep's "
    "maintainers."
)
_NULL = msgspec.Raw(b"null")
T = TypeVar("T", bound=Document)


class MessageEntry(msgspec.Struct, rename="pascal"):
    """One business message; the types of its attributes vary."""

    type: object = None
    code: object = None
    description: object = None
    error_field: object = None
    business_keys: object = None

    @property
    def is_error(self) -> bool:
        """True for an entry of type ERROR."""
        return str(self.type).upper() == "ERROR"

    @property
    def line_id(self) -> str:
        """The order line that the entry is about, or an empty text."""
        keys = self.business_keys
        return str(keys.get("OrderLineId") or "") if isinstance(keys, dict) else ""

    def keys(self) -> dict[str, str]:
        """Return the business keys that have a value, as text."""
        keys = self.business_keys if isinstance(self.business_keys, dict) else {}
        return {str(name): str(key) for name, key in keys.items() if key is not None}


class MessageList(msgspec.Struct, rename="pascal"):
    """``messages`` of the envelope, and ``Messages`` inside ``data``."""

    message: list[MessageEntry] | None = None


class DataMessages(msgspec.Struct, rename="pascal"):
    """The messages inside ``data``."""

    messages: MessageList | None = None


class Envelope(msgspec.Struct, rename="camel"):
    """The object around every answer."""

    success: bool | None = None
    header: msgspec.Raw = _NULL
    data: msgspec.Raw = _NULL
    messages: MessageList | None = None
    message: object = None
    message_key: object = None


class PageHeader(msgspec.Struct, rename="camel"):
    """What a search reports of its page; numbers come as text or as numbers, or are missing."""

    total_count: int | str | None = None
    size: int | str | None = None

    def total(self) -> int | None:
        """Return the number of rows of all pages, or ``None`` where it is no number."""
        return _whole(self.total_count)

    def page_size(self) -> int | None:
        """Return the size that the tenant has given the page, or ``None`` where it is no number."""
        return _whole(self.size)


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
    cancellation_request_status: msgspec.Raw = _NULL
    cancellation_request: msgspec.Raw = msgspec.field(
        default=_NULL, name="cancellationRequestStatus"
    )
    """The same attribute in the vendor's other spelling."""


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
    is_cancelled: object = None
    updated_timestamp: str | None = None
    event_submit_time: str | None = None
    event_submit_timestamp: str | None = None
    post_release_modification_status: msgspec.Raw = _NULL
    order_line: list[Line] | None = None
    order_tracking_info: list[Tracking] | None = None

    def stamp(self) -> str | None:
        """Return the time of the order's last change, whichever attribute holds it."""
        return self.updated_timestamp or self.event_submit_timestamp or self.event_submit_time

    def channel(self) -> str:
        """Return the selling channel, or an empty text."""
        channel = self.selling_channel
        value = channel.get("SellingChannelId") if isinstance(channel, dict) else channel
        return "" if value is None else str(value).strip()


class CancelLine(msgspec.Struct, rename="pascal"):
    """The cancel request of a line, in both spellings of the vendor."""

    cancellation_request_status: object = None
    cancellation_request: object = msgspec.field(default=None, name="cancellationRequestStatus")


class CancelState(msgspec.Struct, rename="pascal"):
    """What an order shows of a cancel request."""

    is_cancelled: bool | None = None
    max_fulfillment_status_id: Number = None
    post_release_modification_status: object = None
    order_line: list[CancelLine] | None = None

    def words(self) -> set[str]:
        """Return the statuses of the request, of the order and of its lines."""
        statuses = [self.post_release_modification_status]
        for line in self.order_line or ():
            statuses += [line.cancellation_request_status, line.cancellation_request]
        return {folded(status) for status in statuses} - {""}


class AvailabilityRow(Document, rename="pascal"):
    """A row of either availability view.

    ``quantity`` is by location type in the network view, and one number in the location view.
    """

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
    payload: msgspec.Raw = msgspec.field(default=_NULL, name="OriginalPayload")
    data: msgspec.Raw = _NULL
    order_id: msgspec.Raw = msgspec.field(default=_NULL, name="OrderId")


_WRAPPING = msgspec.json.Decoder(_Wrapping)
_ORDER = PayloadDecoder(PublishedOrder, "an order", PayloadAdvice(_ADVICE, _ADVICE))
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_AVAILABILITY = PayloadDecoder(
    AvailabilityRow, "an availability row", PayloadAdvice(_ADVICE, _ADVICE)
)


def decode_order(payload: bytes) -> Decoded[PublishedOrder]:
    """Decode an order in any of its wrappings; raises ``RecordRejected`` where it is none.

    The wrappings: none, ``OriginalPayload`` (an object, or JSON as text), and ``data`` with one or
    more states of one order, of which the newest counts.
    """
    try:
        states = _unwrapped(payload, MOST_WRAPPINGS)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise unreadable("Order", f"The payload can't be read: {error}") from error
    if not states or len({state.document.order_id for state in states}) != 1:
        raise unreadable("data", f"The payload holds {len(states)} orders where one is expected.")
    newest = max(states, key=lambda state: state.document.stamp() or "")
    return Decoded(newest.document, tuple(p for state in states for p in state.problems))


def _unwrapped(payload: bytes | msgspec.Raw, depth: int) -> list[Decoded[PublishedOrder]]:
    if depth == 0:
        raise ValueError("wrapped too deep")
    wrapping = _WRAPPING.decode(payload)
    inner = bytes(wrapping.payload)
    if inner != b"null":
        return _unwrapped(_TEXT.decode(inner).encode() if inner[:1] == b'"' else inner, depth - 1)
    if bytes(wrapping.order_id) == b"null" and bytes(wrapping.data) != b"null":
        data = bytes(wrapping.data)
        parts = _LIST.decode(data) if data[:1] == b"[" else [msgspec.Raw(data)]
        return [state for part in parts for state in _unwrapped(part, depth - 1)]
    return [_decoded(_ORDER, bytes(payload), "Order")]


def decode_availability(payload: bytes) -> Decoded[AvailabilityRow]:
    """Decode an availability row; raises ``RecordRejected`` where it is none."""
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


def unreadable(field: str, message: str, value: str = "") -> RecordRejected:
    """Return the rejection of a payload that does not have the documented shape."""
    return RecordRejected(Problem(UNREADABLE, field, message, _ADVICE, value))


class DocumentProblems:
    """The problems and warnings of one document, which are reported together.

    ``misfits`` are the values that the decoder has set aside.
    """

    def __init__(self, zone: tzinfo, misfits: Sequence[Problem] = ()) -> None:
        self._zone, self._misfits = zone, misfits
        self._problems: list[Problem] = list(misfits)
        self.warnings: list[Problem] = []

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Map a document; raises ``RecordRejected`` at the end if there was any problem."""
        try:
            yield
        except RecordRejected as rejected:
            self.add(rejected)
        except InvalidRecord as error:
            self.unreadable(error.field, error.message)
        if self._problems:
            raise RecordRejected(*self._problems)

    def number(self, value: Number, field: str) -> Decimal:
        """Return a quantity or a status id, 0 with a problem where it can't be one."""
        try:
            return to_number(value, field)
        except RecordRejected as rejected:
            self.add(rejected)
            return Decimal(0)

    def moment(self, text: str | None, field: str) -> datetime | None:
        """Return a stamp as aware UTC, ``None`` where there is none or with a problem."""
        try:
            return to_moment(text, self._zone) if text else None
        except ValueError:
            self.unreadable(field, "The time can't be read.", (text or "")[:40])
            return None

    def unreadable(self, field: str, message: str, value: str = "") -> None:
        """Report a value that does not have the documented shape."""
        self.add(unreadable(field, message, value))

    def add(self, rejected: RecordRejected) -> None:
        """Report the problems of a rejection.

        A value that is missing beside misfits is most likely one of them, and not reported again.
        """
        self._problems += [
            problem
            for problem in rejected.problems
            if problem.code != UNREADABLE or not self._misfits
        ]

    def warn(self, code: str, field: str, message: str, advice: str, value: str) -> None:
        """Report a warning, which does not keep the record out."""
        self.warnings.append(Problem(code, field, message, advice, value))


def text_of(value: Id | float) -> str:
    """Return an id as text without outer blanks, empty where there is none."""
    return "" if value is None else str(value).strip()


def to_number(value: Number, field: str) -> Decimal:
    """Return a quantity or a status id.

    Raises ``RecordRejected`` where it is missing, negative or too large.
    """
    if value is None or not value.is_finite() or not 0 <= value < LIMIT:
        raise unreadable(field, "A number is missing, negative or too large.", str(value)[:40])
    return value


def to_moment(text: str, zone: tzinfo) -> datetime:
    """Return a stamp as aware UTC; it is in ``zone`` if it names none. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is outside the range of dates") from error


def folded(value: object) -> str:
    """Return a vendor's word as words are compared: lower case, letters and digits only.

    Of an object its first value counts.
    """
    if isinstance(value, Mapping):
        value = next(iter(value.values()), None)
    return "".join(char for char in str(value or "").lower() if char.isalnum())


def _whole(value: int | str | None) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None
