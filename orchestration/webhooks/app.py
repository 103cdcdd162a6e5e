"""The webhook endpoint: a FastAPI application that verifies, stores and acknowledges.

    POST /hooks/{connection}/{system}    ``system`` is ``platform`` or ``oms``
    GET  /health, /openapi.json

A request's bytes are read up to a limit, verified as they came, reduced to which record of which
stream may have changed, and stored in ``sync.inbox``; 200 is answered only after the commit. What
is refused is counted and logged without any of its content. The lane's sensor does the rest, and
polling finds what never came.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from domain.connections import ConnectionName, Installation
from domain.errors import TransientError
from domain.exchange import WebhookEvent, WebhookRefused
from domain.policies import SecretRef
from domain.ports import WebhookReceiver
from orchestration.webhooks import models
from resources.http.signatures import MESSAGE_ID
from resources.ledger.captures.inbox import InboxWriter
from resources.secrets import resolve
from resources.systems import build_receivers

MAX_BODY = 256 * 1024
"""Bytes. Thin events have some hundred; whole orders that an OMS pushes some ten thousand."""
BODY_SECONDS = 10.0
"""A sender that sends slowly must not occupy a connection forever."""
LOG_EVERY = 10.0
"""Seconds between log lines for refusals of one kind, so that bad requests can't fill the disk."""
RETRY_AFTER_SECONDS = 30
STATUSES = {"unsigned": 401, "stale": 401, "forged": 401, "foreign": 403, "malformed": 422}
HEADERS = {
    401: {"WWW-Authenticate": "Signature"},
    408: {"Connection": "close"},
    413: {"Connection": "close"},
}
NOT_FOUND = "There is no such path, or it does not allow this method."

logger = logging.getLogger("lockstep.webhooks")


class Refusal(Exception):
    """Ends a request with a status."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class Refusals:
    """Counts refusals, and logs each kind from time to time."""

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
    """Answers requests for an installation."""

    def __init__(
        self,
        receivers: Mapping[tuple[str, str], WebhookReceiver],
        streams: Mapping[str, tuple[str, ...]],
        inbox: InboxWriter,
        max_body: int,
    ) -> None:
        self._receivers, self._streams = receivers, streams
        self._inbox, self._max_body = inbox, max_body
        self._refusals = Refusals()

    async def receive_webhook(
        self,
        request: Request,
        connection: ConnectionName,
        system: Literal["platform", "oms"],
    ) -> Response:
        """Receive one webhook.

        Verified over the raw body, and acknowledged after its events are committed; repetitions
        are acknowledged, too. Stores sign by Standard Webhooks, order management systems by their
        configured HMAC scheme.
        """
        key = (connection, system)
        place = "/".join(key) if key in self._receivers else "no connection"
        try:
            events = await self._verified(request, key)
            wanted = [event for event in events if event.stream in self._streams[connection]]
            stored = await self._inbox.put(connection, system, wanted)
        except Refusal as refusal:
            self._refusals.note(place, refusal.reason, request.headers.get("webhook-id", ""))
            return _refused(refusal.status, refusal.reason, str(refusal))
        except TransientError as error:
            self._refusals.note(place, "not stored", request.headers.get("webhook-id", ""))
            return _refused(
                503, "unavailable", str(error), {"Retry-After": str(RETRY_AFTER_SECONDS)}
            )
        return JSONResponse({"events": len(events), "stored": stored})

    async def _verified(self, request: Request, key: tuple[str, str]) -> list[WebhookEvent]:
        receiver = self._receivers.get(key)
        if receiver is None:
            raise Refusal(
                404, "unknown", "There is no such connection, or it receives no webhooks."
            )
        body = await read_body(request, self._max_body)
        try:
            return receiver.receive(dict(request.headers.items()), body)
        except WebhookRefused as refused:
            raise Refusal(
                STATUSES[refused.reason], refused.reason, f"Refused: {refused}."
            ) from None

    async def malformed_path(self, request: Request, error: Exception) -> Response:
        """Count and refuse a path that can't be a connection's."""
        del error
        self._refusals.note("no connection", "unknown", request.headers.get("webhook-id", ""))
        return _refused(404, "unknown", NOT_FOUND)

    async def health(self) -> Response:
        """Return whether webhooks can be stored, and how many were refused since the start."""
        refused = dict(self._refusals.counts)
        try:
            await self._inbox.check()
        except TransientError as error:
            content = {"status": "unavailable", "detail": str(error), "refused": refused}
            return JSONResponse(content, 503)
        return JSONResponse({"status": "ok", "detail": "", "refused": refused})


async def read_body(request: Request, limit: int) -> bytes:
    """Return the whole body.

    Raises ``Refusal`` as soon as it is known to be too large, or takes too long.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 12 or int(announced) > limit):
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
        raise Refusal(
            408, "slow", f"The body did not arrive within {BODY_SECONDS:.0f} s."
        ) from None
    except ClientDisconnect:
        raise Refusal(400, "broken off", "The body is incomplete.") from None
    return b"".join(chunks)


def build_app(
    installation: Installation,
    url: str,
    *,
    max_body: int = MAX_BODY,
    secrets: Callable[[SecretRef], str] = resolve,
) -> FastAPI:
    """Build the application; secrets are read here. Raises ``PermanentError`` for a missing one."""
    receivers = {
        (name, side): receiver
        for name, connection in installation.connections.items()
        for side, receiver in build_receivers(connection, secrets).items()
    }
    inbox = InboxWriter(url)
    streams = {name: c.streams for name, c in installation.connections.items()}
    endpoint = Endpoint(receivers, streams, inbox, max_body)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with inbox:
            yield

    app = FastAPI(
        title="Lockstep webhooks",
        version="1",
        summary="Receives signed webhooks of commerce platforms and order management systems.",
        description=f"A body has at most {max_body} bytes.",
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
        openapi_url=None,  # a path of its own, so that the document describes it too
        exception_handlers={
            HTTPException: _not_found,
            RequestValidationError: endpoint.malformed_path,
        },
    )
    _add_paths(app, endpoint)
    return app


def _add_paths(app: FastAPI, endpoint: Endpoint) -> None:
    app.post(
        "/hooks/{connection}/{system}",
        response_model=models.Acknowledged,
        response_description=models.Acknowledged.__doc__ or "",
        responses=models.REFUSALS,
        openapi_extra=models.SIGNED_BODY,
    )(endpoint.receive_webhook)
    app.get(
        "/health",
        response_model=models.Healthy,
        response_description=models.Healthy.__doc__ or "",
        responses={503: {"model": models.Unhealthy, "description": models.Unhealthy.__doc__}},
    )(endpoint.health)

    @app.get("/openapi.json", response_model=models.Description)
    async def openapi() -> Response:
        """Return this document."""
        return JSONResponse(app.openapi())

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                routes=app.routes,
            )
            app.openapi_schema["components"]["schemas"] |= models.EVENT_COMPONENTS
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _refused(
    status: int, reason: str, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    content = {"error": reason, "detail": detail}
    return JSONResponse(content, status, dict(headers or HEADERS.get(status, {})))


async def _not_found(_: Request, error: Exception) -> Response:
    """Answer what the router refuses (404, 405) as any refusal."""
    if not isinstance(error, HTTPException):
        raise error
    return _refused(error.status_code, "unknown", NOT_FOUND, error.headers)
