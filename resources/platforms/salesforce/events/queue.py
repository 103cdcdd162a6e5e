"""Change events of an org, pulled from a managed subscription and reduced to what changed.

An event is a hint: the record is read by the API. Those of Lockstep's own writes are left out by
their ``changeOrigin``, which names the client that each of its calls states. Source: change data
capture (ChangeEventHeader), Pub/Sub API.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import grpc

from domain.connections import ACTIONS, CUSTOMERS, ORDERS
from domain.errors import AccessRefused
from domain.exchange import QueuedMessage, UnreadEvent, WebhookEvent
from resources.http.oauth import OAuthTokens
from resources.platforms.salesforce.events.avro import Undecodable, header_of
from resources.platforms.salesforce.events.stream import Subscription
from resources.platforms.salesforce.settings import ACTION, CLIENT, EventSettings
from resources.platforms.salesforce.soql import is_id

STREAMS: Mapping[str, str] = {
    "OrderSummary": ORDERS,
    "OrderItemSummary": ORDERS,
    "OrderPaymentSummary": ORDERS,
    "Shipment": ORDERS,
    "Account": CUSTOMERS,
    "Contact": CUSTOMERS,
    "ContactPointAddress": CUSTOMERS,
    ACTION: ACTIONS,
}
"""Object -> the stream that its changes are hints for."""
RECORDS = frozenset({"OrderSummary", "Account", ACTION})
"""Objects whose ids are those of a stream's records; of a child the record is not stated."""
MOST = 100
"""Events of a pull: the most that the vendor hands out at once."""
MOST_SCHEMAS = 200


class ChangeEvents:
    """``domain.ports.EventQueue``: one managed subscription."""

    def __init__(
        self, settings: EventSettings, tokens: OAuthTokens, streams: Collection[str]
    ) -> None:
        """``streams`` are the connection's: what is about others is committed unread."""
        self._settings, self._tokens = settings, tokens
        self._streams = {name: stream for name, stream in STREAMS.items() if stream in streams}
        self._sent: dict[str, str] = {}
        self._channel = (
            grpc.secure_channel(settings.endpoint, grpc.ssl_channel_credentials())
            if settings.secure
            else grpc.insecure_channel(settings.endpoint)
        )
        self._open = Subscription(self._channel, self._metadata, settings.subscription)
        self._schemas: dict[str, str] = {}

    def pull(self) -> Sequence[QueuedMessage]:
        """Return up to a hundred events that wait; a refused token is renewed once."""
        try:
            events = self._open.read(MOST, self._settings.wait)
        except AccessRefused:
            if not self._tokens.invalidate(self._sent):
                raise
            events = self._open.read(MOST, self._settings.wait)
        if not events:
            self._open.close()
        return [self._message(event) for event in events]

    def check(self) -> str:
        """Open the subscription and commit nothing; return what it showed."""
        events = self._open.read(1, self._settings.wait)
        self._open.close()
        return "events wait" if events else "no event waits"

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """Commit up to the last event: they are in their order."""
        if receipts:
            self._open.commit(bytes.fromhex(receipts[-1]), self._settings.timeout)

    def close(self) -> None:
        """Close the connections."""
        self._open.close()
        self._channel.close()

    def _metadata(self) -> dict[str, str]:
        self._sent = self._tokens.headers()
        token = self._sent["Authorization"].removeprefix("Bearer ")
        return {
            "accesstoken": token,
            "instanceurl": self._tokens.address(),
            "tenantid": self._settings.org_id,
        }

    def _message(self, received: Any) -> QueuedMessage:
        event, receipt = received.event, received.replay_id.hex()
        identity = event.id if event.id.isascii() and event.id.isprintable() else ""
        identity = (identity or receipt)[:150]
        try:
            header = header_of(self._schema(event.schema_id), event.payload)
            return QueuedMessage(receipt, tuple(self._events(identity, header)))
        except Undecodable as problem:
            return QueuedMessage(receipt, unread=UnreadEvent(identity, str(problem), event.payload))

    def _schema(self, schema_id: str) -> str:
        if schema_id not in self._schemas:
            if len(self._schemas) >= MOST_SCHEMAS:
                self._schemas.clear()
            self._schemas[schema_id] = self._open.schema(schema_id)
        return self._schemas[schema_id]

    def _events(self, identity: str, header: Mapping[str, Any]) -> list[WebhookEvent]:
        """Return the hints of an event: one for each record. Raises ``Undecodable``."""
        name, kind = header.get("entityName"), header.get("changeType")
        ids, origin = header.get("recordIds"), header.get("changeOrigin")
        if not isinstance(name, str) or not isinstance(kind, str) or not isinstance(ids, list):
            raise Undecodable("its header lacks entityName, changeType or recordIds")
        stream = self._streams.get(name)
        if stream is None or is_own(origin):
            return []
        at = _moment(header.get("commitTimestamp"))
        scope = f"{name} {kind}"[:80]
        found = [each for each in ids if isinstance(each, str) and is_id(each)]
        # Of a child, and of an overflow whose id is all zeros, only that something changed.
        named = [e for e in found if name in RECORDS and e.strip("0")] or [""]
        return [
            WebhookEvent(f"{identity}-{n}", stream, record, scope, at)
            for n, record in enumerate(named)
        ]


def is_own(origin: object) -> bool:
    """Return whether a change was made by a call of Lockstep: such as ``...;client=lockstep``."""
    parts = origin.split(";") if isinstance(origin, str) else []
    return f"client={CLIENT}" in parts


def _moment(written: object) -> datetime | None:
    """Return a time that is in milliseconds since 1970."""
    try:
        return datetime.fromtimestamp(written / 1000, UTC) if isinstance(written, int) else None
    except (ValueError, OverflowError, OSError):
        return None
