"""Credentials: one token provider for both HTTP clients, and its ``httpx.Auth``."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, Protocol, TypeGuard

import httpx

from domain.errors import PermanentError, TransientError
from resources.http.redaction import error_text, register_secret
from resources.http.retries import TEMPORARY, TOO_MANY_REQUESTS, is_certificate_fault
from resources.http.urls import tls_context

UNAUTHORIZED = 401
RENEW_AT = 0.8
"""Share of its lifetime after which a token is renewed: clocks differ, and a request takes time."""


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


class TokenMissing(PermanentError):
    """A successful answer has no token: it is another service's, or was spoilt on its way."""


class FetchedToken(ABC):
    """A token that one POST returns, renewed before it expires and after a 401; for all threads."""

    def __init__(
        self,
        system: str,
        url: str,
        *,
        timeout: float,
        transport: httpx.BaseTransport | None,
        clock: Callable[[], float],
    ) -> None:
        self._clock, self._url = clock, url
        self._where = f"{system}: POST {url}"
        self._http = httpx.Client(
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            verify=tls_context(),
        )
        self._lock = threading.Lock()
        self._token: tuple[dict[str, str], float] | None = None
        """The header and when to renew it, in one value that is read without the lock."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r}, ***)"

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def headers(self) -> dict[str, str]:
        """Return the header with the token.

        Raises ``PermanentError`` for refused credentials, ``TransientError`` where the server
        fails.
        """
        with self._lock:
            if (headers := self.cached()) is not None:
                return headers
            try:
                token, lifetime = self._fetch()
            except TokenMissing:  # once more: another service would answer the same again
                token, lifetime = self._fetch()
            register_secret(token)
            headers = self._header(token)
            self._token = headers, self._clock() + lifetime * RENEW_AT
            return headers

    def cached(self) -> dict[str, str] | None:
        """Return the header where the token need not be renewed yet."""
        token = self._token
        return token[0] if token is not None and self._clock() < token[1] else None

    def invalidate(self, sent: Mapping[str, str]) -> bool:
        """Drop the token that was sent, unless it has been replaced since; return true."""
        with self._lock:
            token = self._token
            if token is not None and token[0].items() <= sent.items():
                self._token = None
        return True

    @abstractmethod
    def _fetch(self) -> tuple[str, float]:
        """Return a new token and its lifetime in seconds."""

    @abstractmethod
    def _header(self, token: str) -> dict[str, str]:
        """Return the header in which the token is sent."""

    def _post(self, **request: Any) -> httpx.Response:
        """Ask for a token. Raises ``PermanentError`` and ``TransientError``."""
        headers = {"Accept": "application/json"}
        try:
            return self._http.post(self._url, headers=headers, **request)
        except httpx.HTTPError as error:
            if is_certificate_fault(error):
                raise PermanentError(
                    f"{self._where} failed: the server's certificate isn't trusted; "
                    "trying again won't help"
                ) from error
            raise TransientError(
                f"{self._where} failed ({type(error).__name__}); trying again later may help"
            ) from error

    def _answered(self, response: httpx.Response) -> str:
        """Return an answer in words. Raises ``TransientError`` if another may come later."""
        what = f"{self._where} answered {response.status_code}"
        if response.status_code in TEMPORARY or response.status_code == TOO_MANY_REQUESTS:
            raise TransientError(
                f"{what}: {error_text(response.content)}; trying again later may help"
            )
        return what


def is_sendable(token: object) -> TypeGuard[str]:
    """Return whether a value can be sent as a token."""
    return isinstance(token, str) and bool(token) and token.isascii() and token.isprintable()
