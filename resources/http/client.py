"""The synchronous client, on httpx: for reads and the few writes outside of delivery."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from domain.exchange import ExchangeLog
from resources.http.attempts import RequestAttempts
from resources.http.auth import ProviderAuth
from resources.http.policy import ClientPolicy
from resources.http.reply import Decoder, RawResponse, Reply
from resources.http.urls import tls_context

MAX_BYTES = 64 * 1024 * 1024
"""Larger responses are a fault of the system; the largest page that we ask for has a few MB."""
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
UNSENDABLE = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_ATTEMPTS = "lockstep_attempts"


class ApiClient:
    """Calls one remote system; used from several threads. ``transport`` is httpx's seam for tests.

    ``log`` gets one entry per attempt of a request that changes something, except a refused token.
    """

    def __init__(
        self,
        policy: ClientPolicy,
        *,
        connections: int = 16,
        max_bytes: int = MAX_BYTES,
        log: ExchangeLog | None = None,
        transport: httpx.BaseTransport | None = None,
        auth: httpx.Auth | None = None,
    ) -> None:
        """``auth`` signs each request, instead of the policy's headers."""
        self.policy, self._max_bytes, self._log = policy, max_bytes, log
        self._http = httpx.Client(
            auth=auth or ProviderAuth(policy.auth),
            headers=policy.default_headers,
            timeout=policy.timeout,
            transport=transport,
            follow_redirects=False,
            trust_env=False,  # a .netrc or proxy variable must not redirect credentials
            verify=tls_context(),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            # Hooks, since a request that is repeated with a new token counts on its own.
            event_hooks={"request": [self._before], "response": [self._after]},
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        correlation_id: str = "",
        idempotent: bool | None = None,
        has_effect: bool | None = None,
        decode: Decoder | None = None,
    ) -> Reply:
        """Return the response, whatever its status, unless a retry may help.

        ``decode`` turns a 2xx body into ``Reply.value`` and raises ``ValueError`` on one that can't
        be used (default: JSON); ``has_effect`` is false for a POST that only reads. Raises
        ``TransientError`` when the attempts are used up, ``OutcomeUnknown`` when a request that
        isn't idempotent may have taken effect, or any that was answered with a body that can't be
        used, ``PermanentError`` for redirects, oversized reads and untrusted certificates.
        """
        attempts = RequestAttempts(
            self.policy,
            method,
            path,
            content=None if json is None else orjson.dumps(json),
            correlation_id=correlation_id,
            idempotent=idempotent,
            has_effect=has_effect,
            decode=decode,
            log=self._log,
        )
        while True:
            outcome = self._attempt(attempts, params, headers or {})
            if isinstance(outcome, Reply):
                return outcome
            time.sleep(outcome)

    def _attempt(
        self,
        attempts: RequestAttempts,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Reply | float:
        try:
            response = self._send(attempts, params, headers)
        except httpx.RequestError as error:  # corrupt compression is not a TransportError
            return attempts.fail(error, never_sent=NEVER_SENT, unsendable=UNSENDABLE)
        attempts.record(response)
        return attempts.finish(response)

    def _send(
        self,
        attempts: RequestAttempts,
        params: Mapping[str, Any] | None,
        more: Mapping[str, str],
    ) -> RawResponse:
        headers = attempts.headers
        if attempts.content is not None:
            headers["Content-Type"] = "application/json"
        headers |= more
        with self._http.stream(
            attempts.method,
            self.policy.url(attempts.path),
            params=params,
            content=attempts.content,
            headers=headers,
            extensions={_ATTEMPTS: attempts},
        ) as response:
            received = {name.lower(): value for name, value in response.headers.items()}
            chunks, size = [], 0
            for chunk in response.iter_bytes():
                size += len(chunk)
                if size > self._max_bytes:
                    raise attempts.oversized(self._max_bytes)
                chunks.append(chunk)
            return RawResponse(response.status_code, received, b"".join(chunks))

    def _before(self, request: httpx.Request) -> None:
        self.policy.limiter.acquire()
        attempts: RequestAttempts = request.extensions[_ATTEMPTS]
        attempts.start()

    def _after(self, response: httpx.Response) -> None:
        self.policy.limiter.observe(response.headers)
