"""The client for reads and rare calls: synchronous, on httpx, with retries, quota, authentication and bounds in one place."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from domain.errors import PermanentError
from domain.exchange import ExchangeLog
from resources.http.attempts import Answer, Call, Caller, Decoder, Reply
from resources.http.auth import Auth
from resources.http.clock import SourceClock
from resources.http.rate_limit import Limiter
from resources.http.retries import RetryPolicy, Verdict, verdict

__all__ = [
    "ApiClient",
    "Reply",
    "RetryPolicy",
    "Verdict",
    "base_headers",
    "checked_base_url",
    "verdict",
]

MAX_BYTES = 64 * 1024 * 1024
"""Larger answers are a fault of the other side; the largest page that we ask for has a few megabytes."""
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
UNSENDABLE = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


def base_headers() -> dict[str, str]:
    """Return the headers of every request: what is accepted, and who asks."""
    try:
        release = version("lockstep")
    except PackageNotFoundError:
        release = "dev"
    return {"Accept": "application/json", "User-Agent": f"Lockstep/{release}"}


def checked_base_url(system: str, url: str) -> str:
    """Return the URL without a trailing slash; raises ``PermanentError`` where credentials would travel unencrypted."""
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("https", "http") or parts.query or parts.username:
        raise PermanentError(
            f"{system}: the base URL must be like https://host/path, without user, password or query"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise PermanentError(
            f"{system}: the base URL http://{parts.hostname} must be https, or credentials travel in the clear"
        )
    return url.rstrip("/")


def checked_path(system: str, path: str) -> None:
    """Check that a path stays below the base URL; raises ``PermanentError`` for what makes another host of it, such as ``@host/``."""
    if not path.startswith("/"):
        raise PermanentError(
            f"{system}: the path {path[:80]!r} does not begin with a slash, so the request could go to another host"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class ApiClient:
    """Calls one remote system; used from several threads at once. ``transport`` is httpx's seam for tests."""

    def __init__(
        self,
        *,
        system: str,
        base_url: str,
        auth: Auth,
        limiter: Limiter,
        retry: RetryPolicy | None = None,
        timeout: float = 30.0,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        log: ExchangeLog | None = None,
        max_bytes: int = MAX_BYTES,
        connections: int = 16,
        clock: SourceClock | None = None,
    ) -> None:
        self.system, self._base = system, checked_base_url(system, base_url)
        self._auth, self._limiter, self._max_bytes = auth, limiter, max_bytes
        self.clock = clock or SourceClock()
        self._caller = Caller(system, retry or RetryPolicy(), self.clock, log)
        self._http = httpx.Client(
            headers={**base_headers(), **(headers or {})},
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
            trust_env=False,  # a .netrc or proxy variable must not redirect credentials
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        correlation_id: str = "",
        idempotent: bool | None = None,
        decode: Decoder | None = None,
    ) -> Reply:
        """Return the answer, whatever its status, unless another try may help.

        Raises ``TransientError`` when the tries are used up, ``OutcomeUnknown`` when a call that isn't idempotent may have taken
        effect, ``PermanentError`` for redirects, oversized answers and untrusted certificates. ``decode`` turns a 2xx body into
        ``Reply.value`` and raises ``ValueError`` on a malformed one, which is asked for again (default: JSON).
        """
        checked_path(self.system, path)
        content = None if json is None else orjson.dumps(json)
        call = Call(
            self._caller,
            method,
            path,
            content=content,
            correlation_id=correlation_id,
            idempotent=idempotent,
            decode=decode,
        )
        while True:
            outcome = self._try(call, params)
            if isinstance(outcome, Reply):
                return outcome
            time.sleep(outcome)

    def _try(self, call: Call, params: Mapping[str, Any] | None) -> Reply | float:
        credentials = self._auth.headers()
        self._limiter.acquire()
        call.begin()
        try:
            answer = self._send(call, params, credentials)
        except httpx.RequestError as error:  # a broken compression is no TransportError
            return call.failed(error, never_sent=NEVER_SENT, unsendable=UNSENDABLE)
        may_renew = call.note(answer)
        self._limiter.observe(answer.headers)
        if may_renew and self._auth.refused(credentials):
            return 0.0
        return call.judge(answer)

    def _send(
        self, call: Call, params: Mapping[str, Any] | None, credentials: Mapping[str, str]
    ) -> Answer:
        headers = {**call.headers, **credentials}
        if call.content is not None:
            headers["Content-Type"] = "application/json"
        with self._http.stream(
            call.method,
            self._base + call.path,
            params=params,
            content=call.content,
            headers=headers,
        ) as answer:
            received = {name.lower(): value for name, value in answer.headers.items()}
            chunks, size = [], 0
            for chunk in answer.iter_bytes():
                size += len(chunk)
                if size > self._max_bytes:
                    raise call.oversized(self._max_bytes)
                chunks.append(chunk)
            return Answer(answer.status_code, received, b"".join(chunks))
