"""The client for writes: many small calls bound by latency, on aiohttp, which costs a third to a seventh of httpx's CPU for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from domain.exchange import ExchangeLog
from resources.http.attempts import Answer, Call, Caller, Decoder, Reply
from resources.http.auth import Auth
from resources.http.client import base_headers, checked_base_url, checked_path
from resources.http.clock import SourceClock
from resources.http.rate_limit import Limiter
from resources.http.retries import RetryPolicy

MAX_BYTES = 16 * 1024 * 1024
NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
UNSENDABLE = (aiohttp.InvalidURL,)
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
        self._auth, self._limiter, self._max_bytes = auth, limiter, max_bytes
        self._caller = Caller(system, retry or RetryPolicy(), clock or SourceClock(), log)
        self._headers = {**base_headers(), "Content-Type": "application/json", **(headers or {})}
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # The semaphore bounds the connections: aiohttp's own bound would let a request's time run out while it queues.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=15.0)
        self._http = aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
        checked_path(self.system, path)
        call = Call(
            self._caller,
            method,
            path,
            content=body,
            correlation_id=correlation_id,
            idempotent=idempotent,
            decode=decode,
        )
        url = URL(self._base + path, encoded="%" in path)
        if params:
            url = url.with_query(params)
        own = {**(headers or {}), **call.headers}
        while True:
            async with self._slots:
                outcome = await self._try(call, url, own)
            if isinstance(outcome, Reply):
                return outcome
            await asyncio.sleep(outcome)

    async def _try(self, call: Call, url: URL, own: dict[str, str]) -> Reply | float:
        # A hop into a thread costs as much as the rest of the call, so it is made only where a token must be fetched.
        credentials = self._auth.held()
        if credentials is None:
            credentials = await asyncio.to_thread(self._auth.headers)
        own.update(credentials)
        await self._limiter.acquire_async()
        call.begin()
        try:
            answer = await self._send(call, url, own)
        except FAULTS as error:
            return call.failed(error, never_sent=NEVER_SENT, unsendable=UNSENDABLE)
        may_renew = call.note(answer)
        await self._limiter.observe_async(answer.headers)
        if may_renew and await asyncio.to_thread(self._auth.refused, credentials):
            return 0.0
        return call.judge(answer)

    async def _send(self, call: Call, url: URL, headers: Mapping[str, str]) -> Answer:
        if self._http is None:
            raise RuntimeError("the client is used outside of its context")
        async with self._http.request(
            call.method, url, data=call.content, headers=headers, allow_redirects=False
        ) as answer:
            received = {name.lower(): value for name, value in answer.headers.items()}
            if (answer.content_length or 0) > self._max_bytes:
                raise call.oversized(self._max_bytes)
            if answer.content_length is not None and not answer.headers.get("Content-Encoding"):
                return Answer(answer.status, received, await answer.read())
            chunks, size = [], 0
            async for chunk in answer.content.iter_any():
                size += len(chunk)
                if size > self._max_bytes:
                    raise call.oversized(self._max_bytes)
                chunks.append(chunk)
            return Answer(answer.status, received, b"".join(chunks))
