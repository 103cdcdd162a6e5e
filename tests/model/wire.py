"""Carries Lockstep's requests to the simulated systems in this process, without sockets.

It injects what a network does: the sandbox's faults, requests that take effect late, and the death
of the process before or after a request.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import aiohttp
import httpx
from yarl import URL

from sandbox.faults import Faults, Rule, corrupt, refusal
from sandbox.system import Request, Response, System
from tests.model.clock import Clock
from tests.model.ledger import CrashedError

HOST = "http://127.0.0.1:1"
"""Nothing listens there: a request that left this process would fail."""
LATE = "late"
"""A body of a rule ``drop_before`` that marks it: the request takes effect later, unanswered."""


@dataclass(slots=True)
class RuleOf(Rule):
    """A fault of the requests that a function chooses."""

    only: Callable[[Request], bool] = lambda _: True

    def fires(self, request: Request) -> bool:
        """Return whether this request is hit, and count it."""
        return self.only(request) and Rule.fires(self, request)


class LostError(Exception):
    """No answer came; the effect may have happened."""


@dataclass
class Pending:
    """A request that takes effect late."""

    system: System
    request: Request
    at: datetime


@dataclass
class Wire:
    """All requests between Lockstep and the simulated systems of one program."""

    clock: Clock
    systems: dict[tuple[str, str], System] = field(default_factory=dict)
    faults: dict[tuple[str, str], Faults] = field(default_factory=dict)
    late: list[Pending] = field(default_factory=list)
    late_paths: set[str] = field(default_factory=set)
    """Paths of the requests that took effect late."""
    before: Callable[[Request], None] = lambda _: None
    """Called before a request has its effect."""
    after: Callable[[Request], None] = lambda _: None
    """Called after it, before its answer arrives."""
    between: Callable[[Request], None] = lambda _: None
    """Called after an exchange, when another process can make its own and none of ours waits."""
    waiting: int = 0
    """Requests of the asynchronous client that are about to be sent."""
    is_dead: bool = False
    mutex: threading.RLock = field(default_factory=threading.RLock)

    def put(self, system: System) -> None:
        """Connect a system."""
        self.systems[system.kind, system.instance] = system
        self.faults[system.kind, system.instance] = Faults()

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Return the answer to a request; raises ``LostError`` if none comes."""
        parts = urlsplit(url)
        _, kind, name, path = parts.path.split("/", 3)
        query = parse_qs(parts.query, keep_blank_values=True) if parts.query else {}
        request = Request(
            method,
            "/" + unquote(path),
            query,
            {key.lower(): value for key, value in headers.items()},
            body,
        )
        with self.mutex:
            if self.is_dead:
                raise CrashedError
            self.take_effect()
            self.before(request)
            answer = self._answer(self.systems[kind, name], self.faults[kind, name], request)
            self.after(request)
        if not self.waiting:
            self.between(request)
        return answer

    def _answer(self, system: System, faults: Faults, request: Request) -> Response:
        decision = faults.decide(request) if faults.rules else None
        if decision is None:
            return system.handle(request)
        rule = decision.fault
        if rule is None or rule.body != LATE:
            self.clock.sleep(decision.delay_ms / 1000)
        return system.handle(request) if rule is None else self._faulty(system, rule, request)

    def _faulty(self, system: System, rule: Rule, request: Request) -> Response:
        if rule.kind == "status":
            return refusal(rule)
        if rule.kind == "drop_before":
            if rule.body == LATE:
                takes = timedelta(seconds=rule.delay_ms / 1000 or 20.0)
                self.late.append(Pending(system, request, self.clock.now() + takes))
            raise LostError
        answer = system.handle(request)
        if rule.kind == "drop_after":
            raise LostError
        if rule.kind == "replaced":
            return refusal(rule)
        if rule.kind == "delay_after":
            self.clock.sleep(rule.delay_ms / 1000)
            return answer
        return corrupt(rule, answer)

    def take_effect(self) -> None:
        """Let late requests take effect whose time has come."""
        with self.mutex:
            waiting, self.late = self.late, []
            for one in waiting:
                if one.at <= self.clock.now():
                    one.system.handle(one.request)
                    self.late_paths.add(one.request.path)
                else:
                    self.late.append(one)


class Transport(httpx.BaseTransport):
    """The wire, for the synchronous client."""

    def __init__(self, wire: Callable[[], Wire]) -> None:
        self._wire = wire

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        try:
            answer = self._wire().exchange(
                request.method, str(request.url), request.headers, request.read()
            )
        except LostError:
            raise httpx.RemoteProtocolError("the connection was closed", request=request) from None
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)


class WireSession:
    """The wire, for the asynchronous client: as much of aiohttp's session as it uses."""

    def __init__(
        self, wire: Callable[[], Wire], *, connector: aiohttp.BaseConnector, headers: Any, **_: Any
    ) -> None:
        self._wire, self._connector, self._headers = wire, connector, dict(headers)

    def request(
        self, method: str, url: URL, *, data: bytes | None, headers: Mapping[str, str], **_: Any
    ) -> _Exchange:
        """Return the context of one exchange."""
        return _Exchange(self._wire(), method, str(url), {**self._headers, **headers}, data or b"")

    async def close(self) -> None:
        """Close the connector."""
        await self._connector.close()


@dataclass
class _Exchange:
    wire: Wire
    method: str
    url: str
    sent: Mapping[str, str]
    data: bytes
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def content_length(self) -> int:
        """Return the size of the body."""
        return len(self.body)

    async def read(self) -> bytes:
        """Return the body."""
        return self.body

    async def __aenter__(self) -> Self:
        self.wire.waiting += 1
        await asyncio.sleep(0)
        self.wire.waiting -= 1
        try:
            answer = self.wire.exchange(self.method, self.url, self.sent, self.data)
        except LostError:
            raise aiohttp.ServerDisconnectedError from None
        self.status, self.headers, self.body = answer.status, answer.headers, answer.body
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the exchange."""
