"""The client for writes: many small calls bound by latency, on aiohttp, which costs a third to a seventh of httpx's CPU for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from domain.exchange import Exchange, ExchangeLog
from resources.auth import Auth
from resources.clock import SourceClock
from resources.http import CORRELATION_HEADER, Decoder, Reply, base_headers, checked_base_url, checked_path, decoded, is_certificate_fault
from resources.ratelimit import Limiter
from resources.redaction import error_text, request_id
from resources.retries import SAFE_METHODS, Attempts, RetryPolicy

MAX_BYTES = 16 * 1024 * 1024
NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
FAULTS = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


class PushClient:
    """Writes to one remote system; an async context manager that belongs to one event loop."""

    def __init__(
        self,
        *,
        system: str,
        base_url: str,
        auth: Auth,
        limiter: Limiter,
        concurrency: int = 32,
        retry: RetryPolicy | None = None,
        timeout: float = 30.0,
        headers: Mapping[str, str] | None = None,
        log: ExchangeLog | None = None,
        max_bytes: int = MAX_BYTES,
        clock: SourceClock | None = None,
    ) -> None:
        self.system, self._base = system, checked_base_url(system, base_url)
        self._auth, self._limiter, self._retry, self._log, self._max_bytes = auth, limiter, retry or RetryPolicy(), log, max_bytes
        self._clock = clock or SourceClock()
        self._headers = {**base_headers(), "Content-Type": "application/json", **(headers or {})}
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # The semaphore bounds the connections: aiohttp's own bound would let a request's time run out while it queues.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=15.0)
        self._http = aiohttp.ClientSession(
            connector=connector, timeout=self._timeout, headers=self._headers, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        params: Mapping[str, str] | None = None,
        correlation_id: str = "",
        idempotent: bool | None = None,
        headers: Mapping[str, str] | None = None,
        decode: Decoder | None = None,
    ) -> Reply:
        """Return the answer, whatever its status, unless another try may help.

        ``idempotent`` defaults to the method's nature. Raises ``TransientError`` when the tries are used up, ``OutcomeUnknown`` when a
        call that isn't idempotent may have taken effect, ``PermanentError`` for redirects, oversized answers, untrusted certificates.
        ``decode`` turns a 2xx body into ``Reply.value``, as in ``ApiClient.request``: the body is parsed once.
        """
        safe = method in SAFE_METHODS if idempotent is None else idempotent
        checked_path(self.system, path)
        attempts = Attempts(self._retry, self.system, method, path, idempotent=safe, correlation_id=correlation_id)
        url = URL(self._base + path, encoded="%" in path)
        if params:
            url = url.with_query(params)
        own = {**(headers or {}), CORRELATION_HEADER: correlation_id} if correlation_id else dict(headers or {})
        while True:
            async with self._slots:
                outcome = await self._try(attempts, method, path, url, body, own, correlation_id, decode)
            if isinstance(outcome, Reply):
                return outcome
            await asyncio.sleep(outcome)

    async def _try(
        self,
        attempts: Attempts,
        method: str,
        path: str,
        url: URL,
        body: bytes | None,
        own: dict[str, str],
        correlation_id: str,
        decode: Decoder | None,
    ) -> Reply | float:
        # A hop into a thread costs as much as the rest of the call, so it is made only where a token must be fetched.
        credentials = self._auth.held()
        if credentials is None:
            credentials = await asyncio.to_thread(self._auth.headers)
        own.update(credentials)
        await self._limiter.acquire_async()
        attempts.begin()
        started, sent_at = time.perf_counter(), datetime.now(UTC)
        try:
            status, received, content = await self._send(attempts, method, url, body, own)
        except FAULTS as error:
            self._record(attempts, method, path, correlation_id, started, 0, {}, type(error).__name__)
            if is_certificate_fault(error):
                raise attempts.permanent("failed: the server's certificate isn't trusted") from error
            if isinstance(error, aiohttp.InvalidURL):
                raise attempts.permanent("can't be sent: the URL is invalid") from error
            return attempts.unanswered(error, effect_possible=not isinstance(error, NEVER_SENT))
        milliseconds = (time.perf_counter() - started) * 1000
        told = error_text(content, sent=body or b"") if status >= 400 else ""
        self._record(attempts, method, path, correlation_id, started, status, received, told)
        await self._limiter.observe_async(received)
        if status == 401 and attempts.may_renew() and await asyncio.to_thread(self._auth.refused, credentials):
            return 0.0
        delay = attempts.answered(status, received, content, body or b"")
        if delay is not None:
            return delay
        where = f"{self.system}: {method} {path}"
        if not 200 <= status < 300:
            return Reply(status, received, content, milliseconds, where, sent=body or b"")
        self._clock.observe(received, sent_at, datetime.now(UTC))
        try:
            return Reply(status, received, content, milliseconds, where, decoded(content, received, decode), body or b"")
        except ValueError:
            return attempts.malformed(status)

    async def _send(
        self, attempts: Attempts, method: str, url: URL, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        if self._http is None:
            raise RuntimeError("the client is used outside of its context")
        async with self._http.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
            received = {name.lower(): value for name, value in answer.headers.items()}
            if (answer.content_length or 0) > self._max_bytes:
                raise attempts.permanent(f"answered more than {self._max_bytes} bytes")
            if answer.content_length is not None and not answer.headers.get("Content-Encoding"):
                return answer.status, received, await answer.read()
            chunks, size = [], 0
            async for chunk in answer.content.iter_any():
                size += len(chunk)
                if size > self._max_bytes:
                    raise attempts.permanent(f"answered more than {self._max_bytes} bytes")
                chunks.append(chunk)
            return answer.status, received, b"".join(chunks)

    def _record(
        self,
        attempts: Attempts,
        method: str,
        path: str,
        correlation_id: str,
        started: float,
        status: int,
        received: Mapping[str, Any],
        error: str,
    ) -> None:
        if self._log is None or method in ("GET", "HEAD"):
            return
        elapsed = (time.perf_counter() - started) * 1000
        trace = request_id(received)
        self._log(Exchange(datetime.now(UTC), self.system, method, path, status, elapsed, attempts.number, correlation_id, trace, error))
