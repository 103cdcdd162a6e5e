"""Events that a tenant sends over HTTP: order and inventory events, reduced to what changed.

The vendor publishes to queues; a relay of the tenant's own signs the messages and forwards them
(README.md, "Events"). Their shapes are those of ``PublishOrderEventMSGType`` and of availability
events: bare, in ``OriginalPayload``, or several in ``data``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import orjson

from domain.connections import RETURNS, SHIPMENTS, Connection
from domain.exchange import WebhookEvent, WebhookRefused
from domain.policies import SecretRef
from resources.http.signatures import HmacVerifier
from resources.oms.manhattan.parsing import to_moment
from resources.oms.manhattan.payload import MOST_WRAPPINGS
from resources.oms.manhattan.settings import EventScheme, ManhattanSettings

_ID = re.compile(r"[\x20-\x7e]{1,100}")
_STAMPS = ("EventSubmitTimestamp", "EventSubmitTime", "UpdatedTimestamp", "TransactionDateTime")


class Receiver:
    """Receives the events of one tenant."""

    def __init__(
        self,
        settings: ManhattanSettings,
        scheme: EventScheme,
        secrets: list[str],
        *,
        has_returns: bool = False,
    ) -> None:
        """``has_returns``: the connection reads returns, so that their events are theirs, too."""
        self._zone, self._verifier = settings.zone, HmacVerifier(scheme, secrets)
        self._has_returns = has_returns
        self._ids = [
            (scheme.order_id, SHIPMENTS, "order event"),
            *((name, "inventory", "inventory event") for name in scheme.inventory_ids),
        ]

    def receive(self, headers: Mapping[str, str], body: bytes) -> list[WebhookEvent]:
        """Verify a request by its raw body; return one event per order, and one for all items.

        Stock is read as a whole, so one event for it is enough. A message that names neither is
        passed over where it came with others; alone it is refused: ``push`` names no id of it.
        """
        message_id = self._verifier.verify(headers, body)
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise WebhookRefused("malformed", "the body is not JSON") from None
        events: dict[tuple[str, str], WebhookEvent] = {}
        for message in _messages(content, MOST_WRAPPINGS):
            event = self._event(message, f"{message_id}:{len(events)}")
            if event is None:
                continue
            key = (event.stream, event.source_id if event.stream == SHIPMENTS else "")
            events.setdefault(key, event)
            if self._has_returns and event.stream == SHIPMENTS and _has_parent(message):
                number = f"{message_id}:{len(events)}"
                of_return = replace(event, event_id=number, stream=RETURNS, scope="return event")
                events.setdefault((RETURNS, event.source_id), of_return)
        if not events:
            names = ", ".join(name for name, _, _ in self._ids)
            raise WebhookRefused("malformed", f"no message has one of the ids {names}")
        return list(events.values())

    def _event(self, message: Mapping[str, object], event_id: str) -> WebhookEvent | None:
        for name, stream, scope in self._ids:
            value = message.get(name)
            if not isinstance(value, int | str) or isinstance(value, bool):
                continue
            source_id = str(value).strip()
            if _ID.fullmatch(source_id):
                return WebhookEvent(event_id, stream, source_id, scope, self._moment(message))
        return None

    def _moment(self, message: Mapping[str, object]) -> datetime | None:
        """Return the event's time; it is only shown, so an unreadable one is left out."""
        stamps = (message.get(name) for name in _STAMPS)
        stamp = next((value for value in stamps if isinstance(value, str)), None)
        try:
            return to_moment(stamp, self._zone) if stamp else None
        except ValueError:
            return None


def build_receiver(
    settings: ManhattanSettings, connection: Connection, secrets: Callable[[SecretRef], str]
) -> Receiver | None:
    """Build the receiver of the tenant's events, ``None`` if ``push`` is not configured.

    Raises ``PermanentError`` for a missing secret.
    """
    scheme = settings.push
    if scheme is None:
        return None
    refs = (scheme.secret, scheme.old_secret)
    return Receiver(
        settings,
        scheme,
        [secrets(ref) for ref in refs if ref is not None],
        has_returns=RETURNS in connection.streams,
    )


def _has_parent(message: Mapping[str, object]) -> bool:
    """Return whether an order's event is of a return: a line of it names the order it is of."""
    lines = message.get("OrderLine")
    return isinstance(lines, list) and any(
        isinstance(line, dict) and (line.get("ParentOrderId") or line.get("IsReturn"))
        for line in lines
    )


def _messages(content: object, depth: int) -> Iterator[Mapping[str, object]]:
    """Yield the messages in any of their wrappings; raises ``WebhookRefused`` for anything else."""
    if depth == 0 or not isinstance(content, dict | list) or not content:
        raise WebhookRefused("malformed", "the body has no message, or wraps it too deep")
    if isinstance(content, list):
        for part in content:
            yield from _messages(part, depth - 1)
    elif content.get("OriginalPayload") is not None:
        yield from _messages(_unquoted(content["OriginalPayload"]), depth - 1)
    elif isinstance(content.get("data"), dict | list):
        yield from _messages(content["data"], depth - 1)
    else:
        yield content


def _unquoted(payload: object) -> object:
    """Return a payload that was wrapped as JSON or as the text of it."""
    if not isinstance(payload, str):
        return payload
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise WebhookRefused("malformed", "OriginalPayload is not JSON") from None
