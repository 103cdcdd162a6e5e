"""Events of a store: receives its webhooks, which ``hooks`` registers.

Scheme, scopes and payloads: webhooks.v3.yml and the vendor's webhook overview (README.md,
"Webhooks").
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

from domain.connections import CUSTOMERS, ORDERS, Connection
from domain.errors import RecordRejected
from domain.exchange import WebhookEvent, WebhookRefused
from domain.parsing.payload import Decoded
from domain.policies import SecretRef
from resources.http.signatures import StandardVerifier
from resources.platforms.bigcommerce.answers_payload import (
    WEBHOOK_MESSAGES,
    WEBHOOK_SUBJECTS,
    WebhookSubject,
)
from resources.platforms.bigcommerce.settings import BigCommerceSettings

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_SCOPE = re.compile(r"store/[!-~]{1,120}")
"""Any scope of a store, so that a family or an event which the vendor adds is not refused."""
_ORDER_SCOPE = re.compile(r"store/(?:channel/[0-9]+/)?(?P<family>order|shipment)/(?P<event>.+)")
_CUSTOMER_SCOPE = re.compile(r"store/(?:channel/[0-9]+/)?customer/(?P<event>.+)")
_LATEST = 253_402_300_799
"""The last second of the year 9999."""


class Receiver:
    """Receives the webhooks of one store."""

    def __init__(
        self,
        settings: BigCommerceSettings,
        secrets: list[str],
        hook_secret: str,
        streams: Collection[str],
    ) -> None:
        self._settings, self._verifier, self._hook_secret = (
            settings,
            StandardVerifier(secrets),
            hook_secret.encode(),
        )
        self._reads_customers = CUSTOMERS in streams

    def receive(self, headers: Mapping[str, str], body: bytes) -> list[WebhookEvent]:
        """Verify a webhook over its raw body, and return its event, if a stream reads its scope."""
        message_id = self._verifier.verify(headers, body)
        offered = headers.get(self._settings.hook_header.lower(), "").encode()
        if self._hook_secret and not hmac.compare_digest(self._hook_secret, offered):
            raise WebhookRefused(
                "forged",
                f"the header {self._settings.hook_header} does not hold the configured secret",
            )
        events = _events(message_id, body, self._settings.store_hash)
        return [e for e in events if e.stream != CUSTOMERS or self._reads_customers]


def build_receiver(
    settings: BigCommerceSettings, connection: Connection, secrets: Callable[[SecretRef], str]
) -> Receiver | None:
    """Build the receiver of the store's webhooks, ``None`` without a client secret.

    Raises ``PermanentError`` for a missing secret.
    """
    keys = [
        secrets(reference)
        for reference in (settings.client_secret, settings.old_client_secret)
        if reference is not None
    ]
    if not keys:
        return None
    hook_secret = secrets(settings.hook_secret) if settings.hook_secret else ""
    return Receiver(settings, keys, hook_secret, connection.streams)


def _events(message_id: str, body: bytes, store_hash: str) -> list[WebhookEvent]:
    try:
        message = WEBHOOK_MESSAGES.decode(body).document
    except RecordRejected:
        raise WebhookRefused("malformed", "the body is not a JSON object") from None
    try:
        subject = WEBHOOK_SUBJECTS.decode(bytes(message.data))
    except RecordRejected:
        raise WebhookRefused("malformed", "the body has no object data") from None
    # One app's secret may serve many stores: a webhook of another store is genuine, and does not
    # belong here.
    if message.producer != f"stores/{store_hash}":
        raise WebhookRefused("foreign", "the webhook is of another store than the connection's")
    scope = message.scope
    if not isinstance(scope, str) or not _SCOPE.fullmatch(scope):
        raise WebhookRefused("malformed", "the body has no scope of a store")
    stream, found = ORDERS, _order_of(scope, subject)
    if found is None:
        stream, found = CUSTOMERS, _customer_of(scope, subject)
    if found is None:
        return []
    field, number = found
    if (
        isinstance(number, float) and number.is_integer()
    ):  # JSON knows one kind of number: 12.0 is 12
        number = int(number)
    if (
        isinstance(number, bool)
        or not isinstance(number, int | str)
        or not _ID.fullmatch(str(number))
    ):
        raise WebhookRefused("malformed", f"data.{field} is not an id")
    return [WebhookEvent(message_id, stream, str(number), scope, _moment(message.created_at))]


def _order_of(scope: str, subject: Decoded[WebhookSubject]) -> tuple[str, object] | None:
    """Return the field that names the event's order, and its value.

    ``None`` for an event that names no order where the vendor documents it: it is acknowledged, for
    a store that is refused too often sends nothing any more, and polling finds what it was about.
    """
    matched, data = _ORDER_SCOPE.fullmatch(scope), subject.document
    if matched is None:
        return None
    # A transaction's event has the order's id in another field than its own.
    fields: list[tuple[str, object]] = [
        ("order_id", data.order_id),
        ("orderId", data.shipped_order_id),
    ]
    if matched["event"].startswith("metafield/"):
        fields.append(("resource_id", data.resource_id))
    elif matched["family"] == "order" and data.type in (None, "order"):
        fields.append(("id", data.id))
    misfits = {problem.field for problem in subject.problems}
    named = [(field, value) for field, value in fields if value is not None or field in misfits]
    return named[0] if named else None


def _customer_of(scope: str, subject: Decoded[WebhookSubject]) -> tuple[str, object] | None:
    """Return the field that names the event's customer, and its value, as ``_order_of`` does."""
    matched, data = _CUSTOMER_SCOPE.fullmatch(scope), subject.document
    if matched is None:
        return None
    misfits = {problem.field for problem in subject.problems}
    if matched["event"].startswith("address/"):
        if "address" in misfits:
            raise WebhookRefused("malformed", "data.address is not an object")
        owner = data.address.customer_id if data.address is not None else None
        fields = [("address.customer_id", owner), ("customer_id", data.customer_id)]
    else:
        fields = [("id", data.id)] if data.type in (None, "customer") else []
    named = [(field, value) for field, value in fields if value is not None or field in misfits]
    return named[0] if named else None


def _moment(value: object) -> datetime | None:
    """Return the event's time; it is only shown, so a bad one is no reason to refuse."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LATEST:
        return None
    return datetime.fromtimestamp(value, UTC)
