"""Manhattan's answers: the envelope, its messages, and what writes are answered with."""

from __future__ import annotations

import msgspec

from domain.parsing.scalars import to_whole
from resources.oms.manhattan.parsing import Number, folded

NULL = msgspec.Raw(b"null")


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
    header: msgspec.Raw = NULL
    data: msgspec.Raw = NULL
    messages: MessageList | None = None
    message: object = None
    message_key: object = None


class PageHeader(msgspec.Struct, rename="camel"):
    """What a search reports of its page; numbers come as text or as numbers, or are missing."""

    total_count: int | str | None = None
    size: int | str | None = None

    def total(self) -> int | None:
        """Return the number of rows of all pages, or ``None`` if it is not a number."""
        return _whole(self.total_count)

    def page_size(self) -> int | None:
        """Return the size that the tenant has given the page, or ``None`` if it is not a number."""
        return _whole(self.size)


class CancelLine(msgspec.Struct, rename="pascal"):
    """Whether a line is canceled, and its cancel request in both spellings of the vendor."""

    order_line_id: object = None
    is_canceled: object = msgspec.field(default=None, name="IsCancelled")
    cancellation_request_status: object = None
    cancellation_request: object = msgspec.field(default=None, name="cancellationRequestStatus")


class BulkOrder(msgspec.Struct, rename="pascal"):
    """An order that was created in bulk."""

    order_id: object = None


class BulkResult(msgspec.Struct, rename="pascal"):
    """``data`` of a creation in bulk."""

    orders: list[BulkOrder] | None = None


class CancelState(msgspec.Struct, rename="pascal"):
    """What an order shows of cancellations and of a cancel request."""

    is_canceled: bool | None = msgspec.field(default=None, name="IsCancelled")
    max_fulfillment_status_id: Number = None
    post_release_modification_status: object = None
    order_line: list[CancelLine] | None = None

    def words(self) -> set[str]:
        """Return the statuses of the request, of the order and of its lines."""
        statuses = [self.post_release_modification_status]
        for line in self.order_line or ():
            statuses += [line.cancellation_request_status, line.cancellation_request]
        return {folded(status) for status in statuses} - {""}

    def canceled_lines(self) -> set[str]:
        """Return the ids of the lines that are canceled as a whole."""
        return {
            str(line.order_line_id) for line in self.order_line or () if line.is_canceled is True
        }


def _whole(value: int | str | None) -> int | None:
    if isinstance(value, int):
        return value if value >= 0 else None
    return to_whole(value or "")
