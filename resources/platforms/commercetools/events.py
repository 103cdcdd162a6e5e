"""Events of a project's subscription, pulled from its queue and reduced to what changed.

Both formats are read, ``Platform`` and ``CloudEvents``, with messages and with changes. They come
at least once and in any order, and a body that is too large for the queue is left out
(``payloadNotIncluded``): all the same to a hint, whose record is read from the project. Source:
raml/types/subscription.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

import msgspec

from domain.connections import CUSTOMERS, ORDERS
from domain.exchange import QueuedMessage, UnreadEvent, WebhookEvent
from domain.parsing.scalars import to_moment
from resources.http.sqs import SqsMessage, SqsQueue
from resources.platforms.commercetools.reader import is_id

STREAMS: Mapping[str, str] = {"order": ORDERS, "customer": CUSTOMERS}
"""Kind of resource -> the stream that its events are hints for."""
CLOUD_TYPE = "com.commercetools."
MESSAGE = "Message"
CHANGES = frozenset({"ResourceCreated", "ResourceUpdated", "ResourceDeleted"})
MOST_OF_A_NAME = 80
"""Characters of a message's type that are kept; the longest of the vendor's has 60."""


class _Subject(msgspec.Struct, rename="camel"):
    type_id: object = None
    id: object = None


class _Notification(msgspec.Struct, rename="camel"):
    """The fields that are read of a notification, in either format."""

    notification_type: object = None
    project_key: object = None
    id: object = None
    type: object = None
    resource: _Subject | None = None
    version: object = None
    created_at: object = None
    modified_at: object = None


class _CloudEvent(msgspec.Struct, rename="lower"):
    specversion: object = None
    id: object = None
    time: object = None
    data: msgspec.Raw = msgspec.Raw()


_CLOUD_EVENTS = msgspec.json.Decoder(_CloudEvent)
_NOTIFICATIONS = msgspec.json.Decoder(_Notification)


class Unreadable(ValueError):
    """Why a message's event can't be read, without any of its content."""


class SubscriptionQueue:
    """``domain.ports.EventQueue``: the queue of one subscription."""

    def __init__(self, queue: SqsQueue, project_key: str, streams: Collection[str]) -> None:
        """``streams`` are the connection's: what is about others is taken off unread."""
        self._queue, self._project_key = queue, project_key
        self._streams = {kind: name for kind, name in STREAMS.items() if name in streams}

    def pull(self) -> Sequence[QueuedMessage]:
        """Return up to ten messages that wait."""
        return [self.to_message(received) for received in self._queue.receive()]

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """Delete messages."""
        self._queue.delete(receipts)

    def attributes(self) -> Mapping[str, str]:
        """Return what the queue states of itself."""
        return self._queue.attributes()

    def close(self) -> None:
        """Close the connections."""
        self._queue.close()

    def to_message(self, received: SqsMessage) -> QueuedMessage:
        """Reduce a received message to its event, if a stream uses it. Pure."""
        body = received.body.encode(errors="surrogatepass")
        try:
            event = self._event(body)
        except Unreadable as problem:
            unread = UnreadEvent(_ascii_id(received.message_id), str(problem), body)
            return QueuedMessage(received.receipt_handle, unread=unread)
        return QueuedMessage(received.receipt_handle, () if event is None else (event,))

    def _event(self, body: bytes) -> WebhookEvent | None:
        try:
            cloud = _CLOUD_EVENTS.decode(body)
            is_cloud = cloud.specversion is not None
            notice = _NOTIFICATIONS.decode(cloud.data if is_cloud else body)
        except (ValueError, RecursionError):
            raise Unreadable("the body is not JSON in a subscription's format") from None
        kind = notice.notification_type
        if not isinstance(kind, str):
            raise Unreadable("notificationType is missing")
        if kind != MESSAGE and kind not in CHANGES:
            return None  # events of the Import API and of what the vendor adds name no record
        self._check_project(notice)
        subject = notice.resource
        if subject is None or not isinstance(subject.type_id, str):
            raise Unreadable("resource.typeId is missing")
        stream = self._streams.get(subject.type_id)
        if stream is None:
            return None
        if not isinstance(subject.id, str) or not is_id(subject.id):
            raise Unreadable("resource.id is not an id of commercetools")
        moment = cloud.time if is_cloud else notice.modified_at or notice.created_at
        return WebhookEvent(
            _event_id(cloud.id if is_cloud else notice.id, notice, subject.id),
            stream,
            subject.id,
            _scope(notice),
            to_moment(moment) if isinstance(moment, str) else None,
        )

    def _check_project(self, notice: _Notification) -> None:
        if notice.project_key is not None and notice.project_key != self._project_key:
            raise Unreadable(
                f"it is of another project than {self._project_key}: give each connection a queue "
                "of its own"
            )


def _event_id(given: object, notice: _Notification, subject: str) -> str:
    """Return an id that is equal each time the event is delivered: changes have none of theirs."""
    if isinstance(given, str) and is_id(given):
        return given
    parts = (
        given,
        notice.notification_type,
        notice.type,
        subject,
        notice.version,
        notice.modified_at,
    )
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _scope(notice: _Notification) -> str:
    """Return the vendor's name of the kind of event."""
    name = notice.type if notice.notification_type == MESSAGE else notice.notification_type
    return _ascii(name)[:MOST_OF_A_NAME] if isinstance(name, str) and name else MESSAGE


def _ascii(text: str) -> str:
    return "".join(c if " " < c <= "~" else "?" for c in text)


def _ascii_id(text: str) -> str:
    return _ascii(text)[:100] or hashlib.sha256(text.encode()).hexdigest()
