"""A store's webhooks: keeps them registered and switched on, and receives them.

Scheme, scopes and payloads: webhooks.v3.yml and the vendor's webhook overview (README.md,
"Webhooks").
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from domain.connections import CUSTOMERS, ORDERS, Connection
from domain.errors import PermanentError, RecordRejected
from domain.exchange import Check, WebhookEvent, WebhookRefused
from domain.parsing.payload import Decoded, Scalar
from domain.policies import SecretRef
from resources.http.attempts import Reply
from resources.http.client import ApiClient
from resources.http.signatures import StandardVerifier
from resources.platforms.bigcommerce.answers_payload import (
    WEBHOOK_MESSAGES,
    WEBHOOK_SUBJECTS,
    WEBHOOKS,
    WEBHOOKS_ADMIN,
    Webhook,
    WebhookSubject,
)
from resources.platforms.bigcommerce.client import (
    CONTRACT,
    document_of,
    entries_of,
    id_checked,
    pages_of,
    written_data_id,
)
from resources.platforms.bigcommerce.settings import BigCommerceSettings

PAGE = 250
CUSTOMER = "store/customer/"
"""How the scopes of customers and their addresses start."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_SCOPE = re.compile(r"store/[!-~]{1,120}")
"""Any scope of a store, so that a family or an event which the vendor adds is not refused."""
_ORDER_SCOPE = re.compile(r"store/(?:channel/[0-9]+/)?(?P<family>order|shipment)/(?P<event>.+)")
_CUSTOMER_SCOPE = re.compile(r"store/(?:channel/[0-9]+/)?customer/(?P<event>.+)")
_LATEST = 253_402_300_799
"""The last second of the year 9999."""
State = Literal["active", "missing", "switched off", "other headers"]


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook that Lockstep needs, as the store has it."""

    scope: str
    state: State
    number: int | None = None


class Hooks:
    """Registers the webhooks of one store."""

    def __init__(
        self,
        http: ApiClient,
        settings: BigCommerceSettings,
        secrets: Callable[[SecretRef], str],
        streams: Collection[str],
    ) -> None:
        self._http, self._settings, self._secrets = http, settings, secrets
        scopes = settings.hook_scopes
        if CUSTOMERS in streams and not any(scope.startswith(CUSTOMER) for scope in scopes):
            scopes = (*scopes, f"{CUSTOMER}*")
        self._scopes = scopes

    def state(self, destination: str) -> list[Check]:
        """Return whether the store would send each webhook, or has blocked the destination."""
        advice = "'lockstep connect' registers it, and the heartbeat does so while the daemon runs"
        checks = [
            Check(f"webhook {hook.scope}", hook.state == "active", hook.state, advice)
            for hook in self._find(destination)
        ]
        blocked = self._blocked(destination)
        detail = (
            f"blocked by the store for {blocked} s more, since too many calls failed"
            if blocked
            else "not blocked"
        )
        return [
            *checks,
            Check(
                "webhook destination",
                not blocked,
                detail,
                "look at the log of 'lockstep webhooks', and at the proxy before it",
            ),
        ]

    def ensure(self, destination: str) -> list[str]:
        """Register what is missing and correct what differs; return a line for each change."""
        if self._settings.client_secret is None:
            raise PermanentError(
                "BigCommerce's webhooks are signed with the API account's client secret; "
                "name its place as platform.client_secret"
            )
        return [
            self._repair(hook, destination)
            for hook in self._find(destination)
            if hook.state != "active"
        ]

    def _find(self, destination: str) -> list[Hook]:
        params: dict[str, str | int] = {"destination": destination, "limit": PAGE}
        known = {
            str(webhook.scope): webhook
            for page in pages_of(self._http, "/v3/hooks", params, _demand)
            for webhook in entries_of("BigCommerce: GET /v3/hooks", page, WEBHOOKS)
            if webhook.destination == destination
        }
        return [self._to_hook(scope, known.get(scope)) for scope in self._scopes]

    def _to_hook(self, scope: str, webhook: Webhook | None) -> Hook:
        if webhook is None:
            return Hook(scope, "missing")
        headers = {str(name).lower(): value for name, value in (webhook.headers or {}).items()}
        wanted = {name.lower(): value for name, value in self._headers().items()}
        state: State = "active" if headers == wanted else "other headers"
        if webhook.id is None:
            raise PermanentError(f"BigCommerce: GET /v3/hooks gave one without an id: {CONTRACT}")
        return Hook(scope, state if webhook.is_active else "switched off", webhook.id)

    def _repair(self, hook: Hook, destination: str) -> str:
        body = {
            "scope": hook.scope,
            "destination": destination,
            "is_active": True,
            "headers": self._headers(),
        }
        if hook.number is None:
            # A lost or unusable answer leaves it open whether the hook is there: the next look
            # shows it, and the store refuses a second one.
            _demand(self._http.request("POST", "/v3/hooks", json=body, decode=written_data_id))
            return f"webhook {hook.scope}: registered"
        decode = id_checked(written_data_id, str(hook.number))
        _demand(self._http.request("PUT", f"/v3/hooks/{hook.number}", json=body, decode=decode))
        return f"webhook {hook.scope}: was {hook.state}, is active again"

    def _headers(self) -> dict[str, str]:
        reference = self._settings.hook_secret
        return {} if reference is None else {self._settings.hook_header: self._secrets(reference)}

    def _blocked(self, destination: str) -> int:
        """Return for how many seconds the store will send nothing to the destination's domain."""
        reply = self._http.request("GET", "/v3/hooks/admin")
        _demand(reply)
        admin = document_of(reply, WEBHOOKS_ADMIN).data
        if admin is None:
            raise PermanentError(f"{reply.where} answered without data: {CONTRACT}")
        longest = 0
        for entry in admin.blocked_domains or ():
            if entry is None or not isinstance(entry.destination, str):
                raise PermanentError(f"{reply.where} gave a domain without a name: {CONTRACT}")
            if destination.startswith(entry.destination):
                longest = max(longest, _seconds(reply.where, entry.time_left))
        return longest


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
        raise WebhookRefused("malformed", f"data.{field} is no id")
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


def _seconds(where: str, value: Scalar) -> int:
    try:
        return int(value or 0)
    except (ValueError, OverflowError):
        raise PermanentError(f"{where} gave a time that can't be read: {CONTRACT}") from None


def _demand(reply: Reply) -> None:
    if not reply.ok:
        raise PermanentError(
            f"{reply.error_summary()}; check the token (webhooks need no scope of their own) "
            "and webhooks.destination"
        )
