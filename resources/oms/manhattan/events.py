"""Takes in what a tenant pushes over HTTP: published orders and inventory events, reduced to which of them changed.

The vendor publishes to queues; a relay of the tenant's own brings the messages here and signs them (README.md, "Pushes"). The shapes are
those of ``PublishOrderEventMSGType`` and of availability events: bare, in ``OriginalPayload``, or several in ``data``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from domain.connections import Connection, SecretRef
from domain.exchange import HookEvent, HookRefused
from resources.http.signatures import HmacVerifier
from resources.oms.manhattan.payload import to_moment
from resources.oms.manhattan.settings import ManhattanPush, ManhattanSettings

_DEPTH = 4
_ID = re.compile(r"[\x20-\x7e]{1,100}")
_STAMPS = ("EventSubmitTimestamp", "EventSubmitTime", "UpdatedTimestamp", "TransactionDateTime")


class Receiver:
    """Takes in the pushes of one tenant."""

    def __init__(
        self, settings: ManhattanSettings, push: ManhattanPush, secrets: list[str]
    ) -> None:
        self._settings, self._push, self._verifier = settings, push, HmacVerifier(push, secrets)

    def receive(self, headers: Mapping[str, str], body: bytes) -> list[HookEvent]:
        """Verify a push over its raw body; return one event for each order, and one for all items together: stock is read as a whole."""
        message_id = self._verifier.verify(headers, body)
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise HookRefused("malformed", "the body is not JSON") from None
        events: dict[tuple[str, str], HookEvent] = {}
        for message in _messages(content, _DEPTH):
            event = self._event(message, f"{message_id}:{len(events)}")
            key = (event.stream, event.source_id if event.stream == "shipments" else "")
            events.setdefault(key, event)
        return list(events.values())

    def _event(self, message: Mapping[str, Any], event_id: str) -> HookEvent:
        push = self._push
        names = [
            (push.order_id, "shipments", "order event"),
            *((key, "inventory", "inventory event") for key in push.inventory_ids),
        ]
        for name, stream, scope in names:
            value = message.get(name)
            if (
                isinstance(value, int | str)
                and not isinstance(value, bool)
                and _ID.fullmatch(str(value).strip())
            ):
                return HookEvent(event_id, stream, str(value).strip(), scope, self._moment(message))
        raise HookRefused(
            "malformed", f"a message has none of the ids {', '.join(name for name, _, _ in names)}"
        )

    def _moment(self, message: Mapping[str, Any]) -> datetime | None:
        """Return the event's time; only for the eye, so an odd one is no reason to refuse."""
        stamp = next(
            (message[name] for name in _STAMPS if isinstance(message.get(name), str)), None
        )
        try:
            return to_moment(stamp, self._settings.zone) if stamp else None
        except ValueError:
            return None


def build_receiver(
    settings: ManhattanSettings, connection: Connection, secrets: Callable[[SecretRef], str]
) -> Receiver | None:
    """Return what takes in the tenant's pushes, ``None`` without ``push``. Raises ``PermanentError`` for a missing secret."""
    del connection
    push = settings.push
    if push is None:
        return None
    return Receiver(
        settings, push, [secrets(ref) for ref in (push.secret, push.old_secret) if ref is not None]
    )


def _messages(content: object, depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield the messages in any of their wrappings. Raises ``HookRefused`` where there is anything else."""
    if depth == 0 or not isinstance(content, dict | list) or not content:
        raise HookRefused("malformed", "the body holds no message, or wraps it too deep")
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
        raise HookRefused("malformed", "OriginalPayload is not JSON") from None
