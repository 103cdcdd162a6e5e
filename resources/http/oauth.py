"""OAuth 2.0 tokens: by a secret, a password or a signed assertion."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from domain.errors import AccessRefused, PermanentError
from resources.http.auth import FetchedToken, TokenMissing, is_sendable
from resources.http.redaction import error_text
from resources.http.urls import checked_base_url, is_within

_REFUSALS = frozenset({400, 401, 403})
_SAME_CLOCK = 5.0
"""Seconds by which two clocks may differ without a signed assertion being refused for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthGrant:
    """What an OAuth 2.0 token is asked for with (RFC 6749); secrets are not in its ``repr``."""

    system: str
    token_url: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    """Empty where a signed assertion stands for it."""
    form: Mapping[str, str] = field(repr=False)
    """The request's fields, such as ``grant_type``, and user name and password where needed."""
    signed: Callable[[float], Mapping[str, str]] | None = field(default=None, repr=False)
    """Returns the fields that are made again for a request at a time (seconds since 1970), such as
    an assertion that expires; raises ``PermanentError``."""
    fallback_seconds: int
    """The token's lifetime where the server doesn't state it."""
    timeout: float = 30.0
    address_field: str = ""
    """The answer's field with the address of the API, where the server states it."""
    address_domains: tuple[str, ...] = ()
    """Domains that such an address may be in, besides the host of ``token_url``."""
    advice: Callable[[str], str] = lambda _: (
        "check grant, client_id, client_secret, username and password"
    )
    """What to do about a refusal, by its text."""


class OAuthTokens(FetchedToken):
    """A bearer token (RFC 6749)."""

    def __init__(
        self,
        grant: OAuthGrant,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        url = checked_base_url(grant.system, grant.token_url)
        super().__init__(grant.system, url, timeout=grant.timeout, transport=transport, clock=clock)
        self._grant, self._wall = grant, wall
        self._ahead = 0.0
        """Seconds by which the server's clock is ahead, where a refusal has shown it."""
        self.scope = ""
        """The last token's scope; empty if the server doesn't state it (RFC 6749, 5.1)."""
        self._address = ""

    def address(self) -> str:
        """Return the address of the API that came with the last token; fetches one at first.

        Raises what ``headers`` raises.
        """
        if not self._address:
            self.headers()
        return self._address

    def _header(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    def _fetch(self) -> tuple[str, float]:
        response = self._ask()
        if (
            self._grant.signed
            and response.status_code in _REFUSALS
            and self._is_corrected(response)
        ):
            response = self._ask()
        what = self._answered(response)
        if response.status_code in _REFUSALS:
            text = error_text(response.content)
            raise AccessRefused(f"{what}: {text}; {self._grant.advice(text)}")
        return self._read(response, what)

    def _ask(self) -> httpx.Response:
        grant, form = self._grant, dict(self._grant.form)
        if grant.signed is not None:
            form |= grant.signed(self._wall() + self._ahead)
        has_secret = bool(grant.client_secret)
        basic = (
            httpx.BasicAuth(grant.client_id, grant.client_secret) if has_secret else httpx.Auth()
        )
        return self._post(data=form, auth=basic)

    def _is_corrected(self, response: httpx.Response) -> bool:
        """Take the server's time from a refusal; return whether the assertion had another.

        An assertion is valid for minutes: a machine whose clock is wrong could not get a token.
        """
        try:
            dated = parsedate_to_datetime(response.headers.get("date", "")).timestamp()
        except ValueError:
            return False
        ahead = dated - self._wall()
        differs = abs(ahead - self._ahead) > _SAME_CLOCK
        if differs:
            self._ahead = ahead
        return differs

    def _read(self, response: httpx.Response, what: str) -> tuple[str, float]:
        try:
            body = response.json() if response.is_success else None
        except ValueError:
            body = None
        fields: dict[str, object] = body if isinstance(body, dict) else {}
        token, scope = fields.get("access_token"), fields.get("scope")
        self.scope = scope[:300] if isinstance(scope, str) else ""
        if not is_sendable(token):
            kind = TokenMissing if response.is_success else PermanentError
            raise kind(f"{what} without an access_token; check token_url")
        if name := self._grant.address_field:
            self._address = self._checked_address(fields.get(name), f"{what} with {name}")
        try:
            lifetime = float(str(fields.get("expires_in") or self._grant.fallback_seconds))
        except ValueError:
            lifetime = float(self._grant.fallback_seconds)
        return token, max(0.0, lifetime)

    def _checked_address(self, value: object, what: str) -> str:
        """Return the address of an answer; credentials are sent to no other domain than stated."""
        grant, text = self._grant, value if isinstance(value, str) else ""
        allowed = (urlsplit(grant.token_url).hostname or "", *grant.address_domains)
        try:
            address = checked_base_url(grant.system, text)
        except PermanentError:
            address = ""
        if not address or not is_within(address, allowed):
            raise PermanentError(
                f"{what} {text[:100]!r}, which is not an https address in {', '.join(allowed)}; "
                "check token_url"
            )
        return address
