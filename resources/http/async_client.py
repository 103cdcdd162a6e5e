"""The asynchronous client, on aiohttp: for delivery's many small writes.

aiohttp needs a third to a seventh of the CPU that httpx needs for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from domain.exchange import ExchangeLog
from resources.http.attempts import RequestAttempts
from resources.http.auth import UNAUTHORIZED
from resources.http.policy import ClientPolicy
from resources.http.reply import Decoder, RawResponse, Reply

MAX_BYTES = 16 * 1024 * 1024
KEEPALIVE_SECONDS = 15.0
NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
UNSENDABLE = (aiohttp.InvalidURL,)
FAULTS = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


class ConnectionDropped(aiohttp.ClientConnectionError):
    """A connection broke after the request may have been sent."""


async def one_attempt(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request once: aiohttp repeats one by itself if a kept connection breaks.

    That attempt would be made without a look at the writer's lock and the quota, would appear in
    no log, and would repeat a GET that changes something. aiohttp only does so for two classes of
    errors, so a middleware raises another.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # nothing was sent
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ConnectionDropped(f"{type(error).__name__}: {error}") from error


class AsyncApiClient:
    """Writes to one remote system; an async context manager that belongs to one event loop.

    ``log`` gets one entry per attempt of a request that changes something. ``opens`` is a seam for
    tests, as ``transport`` is of ``ApiClient``.
    """

    def __init__(
        self,
        policy: ClientPolicy,
        *,
        concurrency: int = 32,
        max_bytes: int = MAX_BYTES,
        log: ExchangeLog | None = None,
        opens: Callable[..., aiohttp.ClientSession] = aiohttp.ClientSession,
    ) -> None:
        self.policy, self._max_bytes, self._log, self._opens = policy, max_bytes, log, opens
        self._slots = asyncio.Semaphore(concurrency)
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # The semaphore bounds the connections: with aiohttp's own bound, a request's time-out
        # would run while it queues.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_SECONDS)
        self._http = self._opens(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self.policy.timeout),
            headers={"Content-Type": "application/json", **self.policy.default_headers},
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(one_attempt,),
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
        has_effect: bool | None = None,
        headers: Mapping[str, str] | None = None,
        decode: Decoder | None = None,
    ) -> Reply:
        """Return the response, whatever its status, unless a retry may help.

        ``idempotent`` and ``has_effect`` default to the method's nature; some APIs change records
        by GET. ``decode`` turns a 2xx body into ``Reply.value``, as in ``ApiClient.request``: the
        body is parsed once. Raises
        ``TransientError`` when the attempts are used up, ``OutcomeUnknown`` when a request that
        isn't idempotent may have taken effect, or any that was answered with a body that can't be
        used, ``PermanentError`` for redirects, oversized reads and untrusted certificates.
        """
        attempts = RequestAttempts(
            self.policy,
            method,
            path,
            content=body,
            correlation_id=correlation_id,
            idempotent=idempotent,
            has_effect=has_effect,
            decode=decode,
            log=self._log,
        )
        own = {**(headers or {}), **attempts.headers}
        while True:
            async with self._slots:
                outcome = await self._attempt(attempts, params or {}, own)
            if isinstance(outcome, Reply):
                return outcome
            await asyncio.sleep(outcome)

    async def _attempt(
        self, attempts: RequestAttempts, params: Mapping[str, str], own: dict[str, str]
    ) -> Reply | float:
        auth, limiter = self.policy.auth, self.policy.limiter
        # A hop into a thread costs as much as the rest of the request: only to fetch a token.
        credentials = auth.cached()
        if credentials is None:
            credentials = await asyncio.to_thread(auth.headers)
        own.update(credentials)
        await limiter.acquire_async()
        attempts.start()
        try:
            response = await self._send(attempts, self._url(attempts.path, params), own)
        except FAULTS as error:
            return attempts.fail(error, never_sent=NEVER_SENT, unsendable=UNSENDABLE)
        attempts.record(response)
        await limiter.observe_async(response.headers)
        if (
            response.status == UNAUTHORIZED
            and attempts.may_renew()
            and await asyncio.to_thread(auth.invalidate, credentials)
        ):
            return 0.0
        return attempts.finish(response)

    def _url(self, path: str, params: Mapping[str, str]) -> URL:
        """Return where a request goes; an address that comes with a token is known by now."""
        url = URL(self.policy.url(path), encoded="%" in path)
        return url.with_query(params) if params else url

    async def _send(
        self, attempts: RequestAttempts, url: URL, headers: Mapping[str, str]
    ) -> RawResponse:
        if self._http is None:
            raise RuntimeError("the client is used outside of its context")
        async with self._http.request(
            attempts.method, url, data=attempts.content, headers=headers, allow_redirects=False
        ) as response:
            received = {name.lower(): value for name, value in response.headers.items()}
            if (response.content_length or 0) > self._max_bytes:
                raise attempts.oversized(self._max_bytes)
            encoded = response.headers.get("Content-Encoding")
            if response.content_length is not None and not encoded:
                return RawResponse(response.status, received, await response.read())
            chunks, size = [], 0
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > self._max_bytes:
                    raise attempts.oversized(self._max_bytes)
                chunks.append(chunk)
            return RawResponse(response.status, received, b"".join(chunks))
