"""Credentials: one token provider for both HTTP clients, and its ``httpx.Auth``."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from domain.errors import AccessRefused, PermanentError, TransientError
from resources.http.redaction import error_text, register_secret
from resources.http.retries import TEMPORARY, TOO_MANY_REQUESTS, is_certificate_fault
from resources.http.urls import checked_base_url, is_within, tls_context

UNAUTHORIZED = 401
RENEW_AT = 0.8
"""Share of its lifetime after which a token is renewed: clocks differ, and a request takes time."""
_REFUSALS = frozenset({400, 401, 403})
_SAME_CLOCK = 5.0
"""Seconds by which two clocks may differ without a signed assertion being refused for it."""


class TokenProvider(Protocol):
    """Credentials of one remote system; used from several threads at once."""

    def headers(self) -> dict[str, str]:
        """Return the headers to send; fetches a token first where needed, over the network."""
        ...

    def cached(self) -> dict[str, str] | None:
        """Return the headers to send, or ``None`` if a token must be fetched; never waits."""
        ...

    def invalidate(self, sent: Mapping[str, str]) -> bool:
        """Drop the token that a 401 refused; return whether one more attempt may help.

        A token that has been renewed since ``sent`` is kept, so that many requests that are
        refused together fetch one token.
        """
        ...


class StaticHeader:
    """A token that doesn't expire, sent in one header."""

    def __init__(self, name: str, value: str) -> None:
        self._headers = {name: value}

    def __repr__(self) -> str:
        return f"StaticHeader({next(iter(self._headers))!r}, ***)"

    def headers(self) -> dict[str, str]:
        """Return the one header."""
        return self._headers

    def cached(self) -> dict[str, str]:
        """Return the one header."""
        return self._headers

    def invalidate(self, sent: Mapping[str, str]) -> bool:
        """Return false: the same token would be refused again."""
        del sent
        return False


class NoAuth:
    """A system that asks for no credentials."""

    def headers(self) -> dict[str, str]:
        """Return no header."""
        return {}

    def cached(self) -> dict[str, str]:
        """Return no header."""
        return {}

    def invalidate(self, sent: Mapping[str, str]) -> bool:
        """Return false: there is nothing to renew."""
        del sent
        return False


class ProviderAuth(httpx.Auth):
    """Adds the provider's headers to a request; sends it again with a new token after a 401."""

    def __init__(self, provider: TokenProvider) -> None:
        self._provider = provider

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Yield the request, and again where a 401 refused a token that can be renewed."""
        sent = self._provider.headers()
        request.headers.update(sent)
        response = yield request
        if response.status_code == UNAUTHORIZED and self._provider.invalidate(sent):
            response.stream = _Unread(response.stream)
            request.headers.update(self._provider.headers())
            yield request


class _Unread(httpx.SyncByteStream):
    """A refusal's body that is closed without being read: httpx would read it without a bound."""

    def __init__(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from ()

    def close(self) -> None:
        """Close the connection's stream."""
        if isinstance(self._stream, httpx.SyncByteStream):
            self._stream.close()


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


class OAuthTokens:
    """A bearer token, renewed before it expires and after a 401; used from several threads."""

    def __init__(
        self,
        grant: OAuthGrant,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._grant, self._clock, self._wall = grant, clock, wall
        self._ahead = 0.0
        """Seconds by which the server's clock is ahead, where a refusal has shown it."""
        self._url = checked_base_url(grant.system, grant.token_url)
        self._http = httpx.Client(
            timeout=grant.timeout,
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            verify=tls_context(),
        )
        self.scope = ""
        """The last token's scope; empty if the server doesn't state it (RFC 6749, 5.1)."""
        self._address = ""
        self._lock = threading.Lock()
        self._token: tuple[dict[str, str], float] | None = None
        """The bearer header and when to renew it, in one value that is read without the lock."""

    def __repr__(self) -> str:
        return f"OAuthTokens({self._url!r}, ***)"

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def headers(self) -> dict[str, str]:
        """Return the bearer header.

        Raises ``PermanentError`` for refused credentials, ``TransientError`` where the server
        fails.
        """
        with self._lock:
            if (headers := self.cached()) is not None:
                return headers
            token, lifetime = self._fetch()
            register_secret(token)
            headers = {"Authorization": f"Bearer {token}"}
            self._token = headers, self._clock() + lifetime * RENEW_AT
            return headers

    def address(self) -> str:
        """Return the address of the API that came with the last token; fetches one at first.

        Raises what ``headers`` raises.
        """
        if not self._address:
            self.headers()
        return self._address

    def cached(self) -> dict[str, str] | None:
        """Return the bearer header where the token need not be renewed yet."""
        token = self._token
        return token[0] if token is not None and self._clock() < token[1] else None

    def invalidate(self, sent: Mapping[str, str]) -> bool:
        """Drop the token that was sent, unless it has been replaced since; return true."""
        with self._lock:
            token = self._token
            if token is not None and token[0]["Authorization"] == sent.get("Authorization"):
                self._token = None
        return True

    def _fetch(self) -> tuple[str, float]:
        where = f"{self._grant.system}: POST {self._url}"
        response = self._post(where)
        if (
            self._grant.signed
            and response.status_code in _REFUSALS
            and self._is_corrected(response)
        ):
            response = self._post(where)
        what = f"{where} answered {response.status_code}"
        if response.status_code in TEMPORARY or response.status_code == TOO_MANY_REQUESTS:
            raise TransientError(
                f"{what}: {error_text(response.content)}; trying again later may help"
            )
        if response.status_code in _REFUSALS:
            text = error_text(response.content)
            raise AccessRefused(f"{what}: {text}; {self._grant.advice(text)}")
        return self._read(response, what)

    def _post(self, where: str) -> httpx.Response:
        grant, form = self._grant, dict(self._grant.form)
        if grant.signed is not None:
            form |= grant.signed(self._wall() + self._ahead)
        has_secret = bool(grant.client_secret)
        basic = (
            httpx.BasicAuth(grant.client_id, grant.client_secret) if has_secret else httpx.Auth()
        )
        headers = {"Accept": "application/json"}
        try:
            return self._http.post(self._url, data=form, auth=basic, headers=headers)
        except httpx.HTTPError as error:
            if is_certificate_fault(error):
                raise PermanentError(
                    f"{where} failed: the server's certificate isn't trusted; "
                    "trying again won't help"
                ) from error
            raise TransientError(
                f"{where} failed ({type(error).__name__}); trying again later may help"
            ) from error

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
        usable = isinstance(token, str) and token.isascii() and token.isprintable()
        if not isinstance(token, str) or not token or not usable:
            raise PermanentError(f"{what} without an access_token; check token_url")
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
                f"{what} {text[:100]!r}, which is no https address in {', '.join(allowed)}; "
                "check token_url"
            )
        return address
