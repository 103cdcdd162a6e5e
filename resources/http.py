"""The client for reads and rare calls: synchronous, on httpx, with retries, quota, authentication and bounds in one place."""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx
import orjson

from domain.errors import PermanentError
from domain.exchange import Exchange, ExchangeLog
from resources.auth import Auth
from resources.clock import SourceClock
from resources.ratelimit import Limiter
from resources.redaction import error_text, request_id
from resources.retries import SAFE_METHODS, Attempts, RetryPolicy, Verdict, verdict

__all__ = ["ApiClient", "Reply", "RetryPolicy", "Verdict", "base_headers", "checked_base_url", "verdict"]

CORRELATION_HEADER = "X-Correlation-Id"
MAX_BYTES = 64 * 1024 * 1024
"""Larger answers are a fault of the other side; the largest page that we ask for has a few megabytes."""
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_MISSING: Any = object()

Decoder: TypeAlias = Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    milliseconds: float
    where: str = ""
    """System, method and endpoint, for messages."""
    value: Any = _MISSING
    """The body as the client decoded it, where it did."""
    sent: bytes = b""
    """The request's body, of which nothing personal may be told."""

    @property
    def ok(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the decoded body (``None`` if empty); raises ``PermanentError`` on malformed JSON."""
        if self.value is not _MISSING:
            return self.value
        if not self.body:
            return None
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise PermanentError(f"{self.where} answered {self.status} with a body that isn't JSON ({len(self.body)} bytes)") from None

    def complaint(self) -> str:
        """Return status, request id and the vendor's messages in one masked line."""
        vendor_id = request_id(self.headers)
        told = error_text(self.body, sent=self.sent)
        return f"{self.where} answered {self.status}" + (f" (request id {vendor_id})" if vendor_id else "") + (f": {told}" if told else "")


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
        raise PermanentError(f"{system}: the base URL must be like https://host/path, without user, password or query")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise PermanentError(f"{system}: the base URL http://{parts.hostname} must be https, or credentials travel in the clear")
    return url.rstrip("/")


def checked_path(system: str, path: str) -> None:
    """Check that a path stays below the base URL; raises ``PermanentError`` for what makes another host of it, such as ``@host/``."""
    if not path.startswith("/"):
        raise PermanentError(f"{system}: the path {path[:80]!r} does not begin with a slash, so the request could go to another host")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def decoded(body: bytes, headers: Mapping[str, str], decode: Decoder | None) -> Any:
    """Return a good answer's decoded body; raises ``ValueError`` if malformed. An answer that isn't JSON is left alone."""
    if decode is not None:
        try:
            return decode(body) if body else None
        except RecursionError as error:  # nested a thousand deep: no system means that
            raise ValueError("nested too deep") from error
    return orjson.loads(body) if body and "json" in headers.get("content-type", "") else _MISSING


def is_certificate_fault(error: BaseException | None) -> bool:
    """Tell whether a connection failed since the server's certificate isn't trusted, which no further try cures."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


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
        self._auth, self._limiter, self._retry, self._log, self._max_bytes = auth, limiter, retry or RetryPolicy(), log, max_bytes
        self.clock = clock or SourceClock()
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
        safe = method in SAFE_METHODS if idempotent is None else idempotent
        checked_path(self.system, path)
        attempts = Attempts(self._retry, self.system, method, path, idempotent=safe, correlation_id=correlation_id)
        content = None if json is None else orjson.dumps(json)
        headers = {CORRELATION_HEADER: correlation_id} if correlation_id else {}
        if content is not None:
            headers["Content-Type"] = "application/json"
        while True:
            outcome = self._try(attempts, method, path, params, content, headers, decode)
            if isinstance(outcome, Reply):
                return outcome
            time.sleep(outcome)

    def _try(
        self,
        attempts: Attempts,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        content: bytes | None,
        headers: Mapping[str, str],
        decode: Decoder | None,
    ) -> Reply | float:
        credentials = self._auth.headers()
        sent = {**headers, **credentials}
        self._limiter.acquire()
        attempts.begin()
        started, sent_at = time.perf_counter(), datetime.now(UTC)
        try:
            status, received, body = self._send(attempts, method, path, params, content, sent)
        except httpx.RequestError as error:  # a broken compression is no TransportError
            self._record(attempts, method, path, headers, started, 0, {}, type(error).__name__)
            if is_certificate_fault(error):
                raise attempts.permanent("failed: the server's certificate isn't trusted") from error
            if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
                raise attempts.permanent(f"can't be sent: {type(error).__name__}") from error
            return attempts.unanswered(error, effect_possible=not isinstance(error, NEVER_SENT))
        milliseconds = (time.perf_counter() - started) * 1000
        told = error_text(body, sent=content or b"") if status >= 400 else ""
        self._record(attempts, method, path, headers, started, status, received, told)
        self._limiter.observe(received)
        if status == 401 and attempts.may_renew() and self._auth.refused(credentials):
            return 0.0
        delay = attempts.answered(status, received, body, content or b"")
        if delay is not None:
            return delay
        where = f"{self.system}: {method} {path}"
        if not 200 <= status < 300:
            return Reply(status, received, body, milliseconds, where, sent=content or b"")
        self.clock.observe(received, sent_at, datetime.now(UTC))
        try:
            return Reply(status, received, body, milliseconds, where, decoded(body, received, decode), content or b"")
        except ValueError:
            return attempts.malformed(status)

    def _send(
        self,
        attempts: Attempts,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> tuple[int, dict[str, str], bytes]:
        with self._http.stream(method, self._base + path, params=params, content=content, headers=dict(headers)) as answer:
            received = {name.lower(): value for name, value in answer.headers.items()}
            chunks, size = [], 0
            for chunk in answer.iter_bytes():
                size += len(chunk)
                if size > self._max_bytes:
                    raise attempts.permanent(f"answered more than {self._max_bytes} bytes")
                chunks.append(chunk)
            return answer.status_code, received, b"".join(chunks)

    def _record(
        self,
        attempts: Attempts,
        method: str,
        path: str,
        headers: Mapping[str, str],
        started: float,
        status: int,
        received: Mapping[str, str],
        error: str,
    ) -> None:
        if self._log is None or method in ("GET", "HEAD"):
            return
        elapsed = (time.perf_counter() - started) * 1000
        correlation = headers.get(CORRELATION_HEADER, "")
        trace = request_id(received)
        self._log(Exchange(datetime.now(UTC), self.system, method, path, status, elapsed, attempts.number, correlation, trace, error))
