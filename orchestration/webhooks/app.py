"""The endpoint of webhooks: an ASGI application that verifies, stores and acknowledges, and does nothing else.

    POST /hooks/{connection}/{system}    ``system`` is ``platform`` or ``oms``
    GET  /health, /openapi.json

A request's bytes are read up to a limit, verified as they came, reduced to which record of which stream may have changed, and stored in
``sync.inbox``; 200 is said only after the commit. What is refused is counted and logged without anything of its content. The lane's sensor
does the rest, and polling makes up for what never came.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.connections import Installation, SecretRef
from domain.errors import TransientError
from domain.exchange import HookEvent, HookRefused
from domain.ports import HookReceiver
from orchestration.webhooks.openapi import document
from resources.http.signatures import MESSAGE_ID
from resources.ledger.captures.inbox import InboxWriter
from resources.secrets import resolve
from resources.systems import build_receivers

MAX_BODY = 256 * 1024
"""Bytes. Thin events have some hundred; whole orders that an OMS pushes some ten thousand."""
BODY_SECONDS = 10.0
"""A sender that trickles must not hold a place for ever."""
LOG_EVERY = 10.0
"""Seconds: refusals of one kind are one line in so long, so that whoever sends rubbish can't fill the disk."""
STATUSES = {"unsigned": 401, "stale": 401, "forged": 401, "foreign": 403, "malformed": 422}

logger = logging.getLogger("lockstep.webhooks")


class Refusal(Exception):
    """A request ends here with a status."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class Refusals:
    """Counts what is refused, and logs each kind now and then."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._logged: dict[tuple[str, str], tuple[float, int]] = {}

    def note(self, place: str, reason: str, message_id: str) -> None:
        """Count a refusal; ``place`` is the connection and its system, as configured."""
        self.counts[reason] += 1
        key, now = (place, reason), time.monotonic()
        at, silent = self._logged.get(key, (0.0, 0))
        if at and now - at < LOG_EVERY:
            self._logged[key] = (at, silent + 1)
            return
        self._logged[key] = (now, 0)
        shown = message_id if MESSAGE_ID.fullmatch(message_id) else "none"
        logger.warning(
            "refused a webhook of %s: %s (message id %s; %d more of this kind since the last line)",
            place,
            reason,
            shown,
            silent,
        )


class Endpoint:
    """Answers requests on behalf of an installation."""

    def __init__(
        self,
        receivers: Mapping[tuple[str, str], HookReceiver],
        streams: Mapping[str, tuple[str, ...]],
        inbox: InboxWriter,
        max_body: int,
    ) -> None:
        self._receivers, self._streams, self._inbox, self._max_body = (
            receivers,
            streams,
            inbox,
            max_body,
        )
        self._refusals = Refusals()
        self.document = document(max_body)

    async def hook(self, request: Request) -> Response:
        """Take in one webhook."""
        key = (request.path_params["connection"], request.path_params["system"])
        place = "/".join(key) if key in self._receivers else "no connection"
        try:
            events = await self._verified(request, key)
            stored = await self._inbox.put(
                *key, [event for event in events if event.stream in self._streams[key[0]]]
            )
        except Refusal as refusal:
            self._refusals.note(place, refusal.reason, request.headers.get("webhook-id", ""))
            return _refused(refusal)
        except TransientError as error:
            self._refusals.note(place, "not stored", request.headers.get("webhook-id", ""))
            return _answer(
                503, {"error": "unavailable", "detail": str(error)}, {"Retry-After": "30"}
            )
        return _answer(200, {"events": len(events), "stored": stored})

    async def _verified(self, request: Request, key: tuple[str, str]) -> list[HookEvent]:
        receiver = self._receivers.get(key)
        if receiver is None:
            raise Refusal(
                404, "unknown", "There is no such connection, or nothing is taken in for it."
            )
        body = await read_body(request, self._max_body)
        try:
            return receiver.receive(dict(request.headers.items()), body)
        except HookRefused as refused:
            raise Refusal(
                STATUSES[refused.reason], refused.reason, f"Not taken in: {refused}."
            ) from None

    async def health(self, _: Request) -> Response:
        """Tell whether webhooks can be stored, and how many were refused since the start."""
        try:
            await self._inbox.check()
        except TransientError as error:
            return _answer(
                503,
                {
                    "status": "unavailable",
                    "detail": str(error),
                    "refused": dict(self._refusals.counts),
                },
            )
        return _answer(200, {"status": "ok", "detail": "", "refused": dict(self._refusals.counts)})

    async def openapi(self, _: Request) -> Response:
        """Serve the description of this API."""
        return _answer(200, self.document)


async def read_body(request: Request, limit: int) -> bytes:
    """Return the whole body. Raises ``Refusal`` as soon as it is known to be too large, or takes too long."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and (len(told) > 12 or int(told) > limit):
        raise Refusal(413, "oversized", f"The body has more than {limit} bytes.")
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise Refusal(413, "oversized", f"The body has more than {limit} bytes.")
                chunks.append(chunk)
    except TimeoutError:
        raise Refusal(408, "slow", f"The body did not come within {BODY_SECONDS:.0f} s.") from None
    except ClientDisconnect:
        raise Refusal(400, "broken off", "The body was not sent to its end.") from None
    return b"".join(chunks)


def build_app(
    installation: Installation,
    url: str,
    *,
    max_body: int = MAX_BODY,
    secrets: Callable[[SecretRef], str] = resolve,
) -> Starlette:
    """Build the application; secrets are read here. Raises ``PermanentError`` for a missing one."""
    receivers = {
        (name, side): receiver
        for name, connection in installation.connections.items()
        for side, receiver in build_receivers(connection, secrets).items()
    }
    inbox = InboxWriter(url)
    endpoint = Endpoint(
        receivers,
        {name: c.streams for name, c in installation.connections.items()},
        inbox,
        max_body,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with inbox:
            yield

    return Starlette(
        routes=[
            Route("/hooks/{connection}/{system}", endpoint.hook, methods=["POST"]),
            Route("/health", endpoint.health, methods=["GET"]),
            Route("/openapi.json", endpoint.openapi, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _plain},
        lifespan=lifespan,
    )


def _answer(
    status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return JSONResponse(content, status, dict(headers or {}))


def _refused(refusal: Refusal) -> JSONResponse:
    headers = {
        401: {"WWW-Authenticate": "Signature"},
        408: {"Connection": "close"},
        413: {"Connection": "close"},
    }
    return _answer(
        refusal.status,
        {"error": refusal.reason, "detail": str(refusal)},
        headers.get(refusal.status),
    )


async def _plain(_: Request, error: Exception) -> Response:
    """Answer what the router refuses (404, 405) in our own form."""
    status, headers = (
        (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    )
    return _answer(
        status,
        {"error": "unknown", "detail": "There is no such path, or it takes no such method."},
        headers,
    )
