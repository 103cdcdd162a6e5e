"""A store's webhooks: registered where they are missing, and switched on again.

Scheme and scopes: webhooks.v3.yml and the vendor's webhook overview (README.md, "Webhooks").
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from domain.connections import CUSTOMERS
from domain.errors import PermanentError
from domain.exchange import Check
from domain.parsing.answers import CONTRACT
from domain.parsing.payload import Scalar
from domain.policies import SecretRef
from resources.http.client import ApiClient
from resources.http.reply import Reply
from resources.platforms.bigcommerce.answers_payload import (
    WEBHOOKS,
    WEBHOOKS_ADMIN,
    Webhook,
)
from resources.platforms.bigcommerce.client import (
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
                "check the log of 'lockstep webhooks', and at the proxy in front of it",
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
