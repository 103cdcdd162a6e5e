"""Clients without a network, for targets whose answers are spoilt, and the use of their writers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson

from domain.delivery import Claimed, Intent
from domain.errors import TransientError
from domain.refunds import StoreRefund
from resources.http.async_client import AsyncApiClient
from resources.http.auth import NoAuth
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.http.reply import Reply
from tests.bad_input.outcomes import assert_is_bounded, defect_of
from tests.bad_input.systems import ONCE

KEY = UUID("0123456789abcdef0123456789abcdef")
STATES = {"done", "partly", "refused", "retry", "unknown"}
Answers = Callable[[str, str, bytes], tuple[int, bytes]]
"""Method, path and body -> status and body."""
Posts = list[tuple[str, Any]]
"""Path and body of each write."""
STATUSES = (200, 200, 200, 201, 207, 400, 409, 422, 500)
"""Of spoilt answers to writes, in turn."""


class Session:
    """``aiohttp.ClientSession`` without a network."""

    answers: Answers

    @asynccontextmanager
    async def request(self, method: str, url: Any, *, data: bytes | None = None, **_: Any) -> Any:
        """Answer a request."""
        status, body = self.answers(method, url.path, data or b"")

        async def read() -> bytes:
            return body

        headers = {"Content-Type": "application/json"}
        yield SimpleNamespace(status=status, headers=headers, content_length=len(body), read=read)

    async def close(self) -> None:
        """Do nothing."""


class Reading:
    """``ApiClient`` without a network: httpx would take most of a test's time."""

    answers: Answers

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        decode: Callable[[bytes], Any] | None = None,
        **_: Any,
    ) -> Reply:
        """Answer a request; a list has one page."""
        where = f"bad: {method} {path}"
        status, body = self.answers(method, path, b"")
        asked = params or {}
        if int(asked.get("page", 1)) > 1 or int(asked.get("id:greater", 0)):
            status, body = 200, b'{"data":[]}'
        if any(" > " in each for each in asked.get("where", ())):
            status, body = 200, b'{"results":[]}'
        if decode is None or status >= 400:
            return Reply(status, {}, body, 1.0, where)
        try:
            return Reply(status, {}, body, 1.0, where, value=decode(body) if body else None)
        except (ValueError, RecursionError) as error:
            raise TransientError(f"{where} gave a body that can't be used") from error


def answers_of(
    plain: Mapping[str, bytes], spoilt: str, answer: tuple[int, bytes], posts: Posts
) -> Answers:
    """Answer what is asked, one question with a spoilt answer, and note what is written.

    ``plain`` are the good answers by method and path; a spoilt answer to a read is a success.
    """

    def answered(method: str, path: str, data: bytes) -> tuple[int, bytes]:
        if method != "GET":
            posts.append((path, orjson.loads(data)))
        asked = f"{method} {path}"
        name = max((name for name in plain if name in asked), key=len)
        status, body = answer if name == spoilt else (200, plain[name])
        return (200 if method == "GET" else status), body

    return answered


def pushing(session: Session) -> AsyncApiClient:
    """Return a client for writes whose answers are the session's."""
    limiter = Limiter(LocalQuota(), "bad", quota=10_000_000, window_seconds=1.0)
    policy = ClientPolicy(
        system="bad", base_url="https://bad.example", auth=NoAuth(), limiter=limiter, retry=ONCE
    )
    return AsyncApiClient(policy, concurrency=1, opens=lambda **_: session)  # type: ignore[arg-type]


async def use(writer: Any, contents: Sequence[Any], outcomes: Counter[str]) -> list[str]:
    """Send contents, check each outcome and count it; return the states."""
    claimed = [Claimed(Intent("any", KEY, "1", content), "ret-1") for content in contents]
    states = []
    for outcome in await writer.apply(claimed):
        assert outcome.state in STATES
        assert outcome.problems or outcome.state != "refused"
        for problem in outcome.problems:
            assert defect_of(problem) == ""
        if outcome.error:
            assert_is_bounded(outcome.error)
        if outcome.succeeded and isinstance(outcome.held, StoreRefund):
            assert outcome.held.amount >= 0
        outcomes[outcome.state] += 1
        states.append(outcome.state)
    return states
