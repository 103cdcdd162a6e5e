"""The asynchronous client, against a server that misbehaves on purpose."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import pytest
from aiohttp import web

from domain.errors import PermanentError, TransientError, WriterLost
from domain.exchange import Exchange, OutcomeUnknown, before_effect
from resources.http.async_client import AsyncApiClient
from resources.http.auth import StaticHeader, TokenProvider
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.http.reply import QuotaUsedUp
from resources.http.retries import RetryPolicy

QUICK = RetryPolicy(attempts=3, total_seconds=5, base=0.001, cap=0.002)
Handler = Callable[[web.BaseRequest, int], Awaitable[web.StreamResponse]]


def policy_of(base: str, **fields: Any) -> ClientPolicy:
    """Return a policy with quick retries and a quota that is never used up."""
    limiter = Limiter(LocalQuota(), "t", quota=100_000, window_seconds=30)
    return ClientPolicy(system="t", base_url=base, limiter=limiter, retry=QUICK, **fields)


async def run(
    handle: Handler,
    use: Callable[[AsyncApiClient], Awaitable[None]],
    *,
    auth: TokenProvider | None = None,
    seconds: float = 30.0,
    **client: Any,
) -> list[web.BaseRequest]:
    """Serve on a free port, let ``use`` call, and return the requests that arrived."""
    seen: list[web.BaseRequest] = []

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request)
        await request.read()
        return await handle(request, len(seen))

    runner = web.ServerRunner(web.Server(serve))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}/v2"
    policy = policy_of(base, auth=auth or StaticHeader("x-token", "s"), timeout=seconds)
    try:
        async with AsyncApiClient(policy, **client) as push:
            await use(push)
    finally:
        await runner.cleanup()
    return seen


class Tokens:
    """Credentials that record how often, and in which thread, they were fetched."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.token: dict[str, str] | None = None

    def cached(self) -> dict[str, str] | None:
        """Return the token, if there is one."""
        return self.token

    def headers(self) -> dict[str, str]:
        """Fetch it if it is missing."""
        self.fetched.append(threading.current_thread().name)
        self.token = self.token or {"Authorization": f"Bearer {len(self.fetched)}"}
        return self.token

    def invalidate(self, sent: Mapping[str, str]) -> bool:
        """Drop it, if it is the one that was sent."""
        self.token = None if self.token == sent else self.token
        return True


def test_a_cached_token_needs_no_thread_and_a_missing_one_does_not_block_the_loop() -> None:
    """Only the first call fetches, outside the event loop's thread."""
    tokens = Tokens()

    async def handle(_: web.BaseRequest, __: int) -> web.StreamResponse:
        return web.json_response({})

    async def use(push: AsyncApiClient) -> None:
        for _ in range(20):
            await push.request("PUT", "/x", body=b"{}")

    seen = asyncio.run(run(handle, use, auth=tokens))
    assert {request.headers["Authorization"] for request in seen} == {"Bearer 1"}
    assert len(tokens.fetched) == 1
    assert tokens.fetched[0] != threading.current_thread().name


def test_a_refusal_drops_only_the_token_that_was_sent() -> None:
    """The second call's refusal of the old token comes after it was renewed, and drops nothing."""
    tokens = Tokens()

    async def handle(request: web.BaseRequest, _: int) -> web.StreamResponse:
        await asyncio.sleep(0.02)
        return web.json_response(
            {}, status=401 if request.headers["Authorization"] == "Bearer 1" else 200
        )

    async def use(push: AsyncApiClient) -> None:
        await push.request("PUT", "/warm", body=b"{}")
        tokens.token = {"Authorization": "Bearer 1"}
        replies = await asyncio.gather(
            *(push.request("PUT", f"/{n}", body=b"{}") for n in range(8))
        )
        assert {reply.status for reply in replies} == {200}

    asyncio.run(run(handle, use, auth=tokens))
    assert tokens.token != {"Authorization": "Bearer 1"}


def test_a_response_is_decoded_once_and_an_unreadable_one_is_requested_again() -> None:
    """``decode`` makes the reply's value; a body that it can't read counts as lost."""
    bodies = [b"[1", b"[1]"]

    async def handle(_: web.BaseRequest, count: int) -> web.StreamResponse:
        return web.Response(body=bodies[count - 1], content_type="application/json")

    async def use(push: AsyncApiClient) -> None:
        reply = await push.request(
            "PUT", "/x", body=b"{}", decode=lambda body: ("mine", orjson.loads(body))
        )
        assert reply.value == reply.json() == ("mine", [1])

    assert len(asyncio.run(run(handle, use))) == 2


async def drop(request: web.BaseRequest) -> web.StreamResponse:
    """Cut the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def test_a_write_carries_credentials_and_correlation_and_is_logged() -> None:
    """What the server sees, and what the log keeps."""
    log: list[Exchange] = []

    async def handle(_: web.BaseRequest, __: int) -> web.StreamResponse:
        return web.json_response({"id": 7}, status=201, headers={"X-Request-Id": "r-1"})

    async def use(push: AsyncApiClient) -> None:
        reply = await push.request(
            "POST", "/orders/1/shipments", body=b"{}", correlation_id="ord-9", idempotent=False
        )
        assert (reply.status, reply.json()) == (201, {"id": 7})

    seen = asyncio.run(run(handle, use, log=log.append))
    assert seen[0].headers["x-token"] == "s"
    assert seen[0].headers["X-Correlation-Id"] == "ord-9"
    assert [(e.method, e.endpoint, e.status, e.correlation_id, e.trace_id) for e in log] == [
        ("POST", "/orders/1/shipments", 201, "ord-9", "r-1")
    ]


def test_a_lost_answer_is_not_sent_twice() -> None:
    """A connection that drops after a POST leaves its outcome unknown."""

    async def handle(request: web.BaseRequest, _: int) -> web.StreamResponse:
        return await drop(request)

    async def use(push: AsyncApiClient) -> None:
        with pytest.raises(OutcomeUnknown):
            await push.request("POST", "/x", body=b"{}")

    assert len(asyncio.run(run(handle, use))) == 1


def test_a_lost_answer_to_an_upsert_is_sent_again() -> None:
    """A call that is safe to repeat survives a drop, a failing server and a malformed answer."""

    async def handle(request: web.BaseRequest, number: int) -> web.StreamResponse:
        if number == 1:
            return await drop(request)
        if number == 2:
            return web.Response(body=b'{"half', content_type="application/json")
        return web.json_response({"ok": True})

    async def use(push: AsyncApiClient) -> None:
        assert (await push.request("POST", "/x", body=b"{}", idempotent=True)).json() == {
            "ok": True
        }

    assert len(asyncio.run(run(handle, use))) == 3


def test_a_time_out_after_sending_is_unknown_and_a_refused_connection_is_not() -> None:
    """Only where the server can't have read the request is there nothing to look up."""
    given_up = asyncio.Event()

    async def handle(_: web.BaseRequest, __: int) -> web.StreamResponse:
        await given_up.wait()
        return web.Response()

    async def use(push: AsyncApiClient) -> None:
        with pytest.raises(OutcomeUnknown):
            await push.request("POST", "/x", body=b"{}")
        given_up.set()

    asyncio.run(run(handle, use, seconds=0.5))

    async def refused() -> None:
        policy = policy_of("http://127.0.0.1:9", auth=StaticHeader("a", "b"))
        async with AsyncApiClient(policy) as push:
            with pytest.raises(TransientError) as raised:
                await push.request("POST", "/x", body=b"{}")
        assert not isinstance(raised.value, OutcomeUnknown)

    asyncio.run(refused())


def test_waits_for_the_quota_and_returns_refusals() -> None:
    """A 429 is waited for, a 400 is returned."""

    async def handle(_: web.BaseRequest, number: int) -> web.StreamResponse:
        return (
            web.Response(status=429, headers={"Retry-After": "0"})
            if number == 1
            else web.json_response({}, status=400)
        )

    async def use(push: AsyncApiClient) -> None:
        assert (await push.request("POST", "/x", body=b"{}")).status == 400

    assert len(asyncio.run(run(handle, use))) == 2


def test_an_oversized_answer_is_cut_off() -> None:
    """Memory is bounded whatever the server sends."""

    async def handle(_: web.BaseRequest, __: int) -> web.StreamResponse:
        return web.Response(body=b"x" * 100)

    async def use(push: AsyncApiClient) -> None:
        with pytest.raises(PermanentError, match="more than 10 bytes"):
            await push.request("GET", "/x")

    asyncio.run(run(handle, use, max_bytes=10))


def test_concurrency_is_bounded() -> None:
    """No more requests are open than allowed."""
    now, most = 0, 0

    async def handle(_: web.BaseRequest, __: int) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return web.json_response({})

    async def use(push: AsyncApiClient) -> None:
        await asyncio.gather(*[push.request("PUT", "/x", body=b"{}") for _ in range(20)])

    asyncio.run(run(handle, use, concurrency=4))
    assert most == 4


def test_a_quota_refused_inside_a_success_is_waited_for() -> None:
    """Nothing was done, so even a request that is not idempotent is sent again."""

    def decode(body: bytes) -> str:
        text = body.decode()
        if text == "limit":
            raise QuotaUsedUp(text)
        return text

    async def answer(_: web.BaseRequest, number: int) -> web.StreamResponse:
        return web.Response(text="limit" if number < 3 else "done")

    log: list[Exchange] = []

    async def use(push: AsyncApiClient) -> None:
        reply = await push.request("POST", "/x", body=b"{}", idempotent=False, decode=decode)
        assert reply.json() == "done"

    assert len(asyncio.run(run(answer, use, log=log.append))) == 3
    assert [(one.error, one.is_lost) for one in log] == [("refused: limit", False)] * 2 + [
        ("", False)
    ]


def test_a_get_with_an_effect_is_logged_and_its_lost_answer_is_unknown() -> None:
    """Some APIs cancel by GET; an unusable answer leaves it open whether that was done."""

    async def answer(_: web.BaseRequest, number: int) -> web.StreamResponse:
        del number
        return web.Response(text="<html>")

    log: list[Exchange] = []

    async def use(push: AsyncApiClient) -> None:
        with pytest.raises(OutcomeUnknown):
            await push.request("GET", "/cancel", has_effect=True, decode=orjson.loads)

    asyncio.run(run(answer, use, log=log.append))
    assert {one.method for one in log} == {"GET"}


@pytest.mark.parametrize(("method", "sent"), [("PUT", 1), ("GET", 3)])
def test_no_attempt_with_an_effect_is_made_once_it_is_forbidden(method: str, sent: int) -> None:
    """A process that wakes up between two attempts asks first; what only reads goes on."""

    def lost() -> None:
        raise WriterLost("the writer's lock was lost")

    async def handle(_: web.BaseRequest, number: int) -> web.StreamResponse:
        if number == 1:
            forbidden.append(lost)
        return web.Response(status=503)

    async def use(push: AsyncApiClient) -> None:
        before_effect.set(lambda: forbidden[0]() if forbidden else None)
        with pytest.raises(TransientError) as ended:
            await push.request(method, "/orders/1", idempotent=True)
        assert isinstance(ended.value, WriterLost) == (method == "PUT")

    forbidden: list[Callable[[], None]] = []
    assert len(asyncio.run(run(handle, use))) == sent


@pytest.mark.parametrize(
    ("method", "idempotent", "sent"), [("PUT", True, 4), ("GET", False, 2), ("DELETE", True, 4)]
)
def test_each_attempt_is_logged_where_a_kept_connection_breaks(
    method: str, idempotent: bool, sent: int
) -> None:
    """The HTTP library repeats nothing by itself: not unseen, and no GET that changes something."""
    log: list[Exchange] = []

    async def handle(request: web.BaseRequest, count: int) -> web.StreamResponse:
        return web.json_response({"id": count}) if count == 1 else await drop(request)

    async def use(push: AsyncApiClient) -> None:
        await push.request("PUT", "/orders/1", body=b"{}", idempotent=True)
        with pytest.raises(TransientError if idempotent else OutcomeUnknown):
            await push.request(
                method, "/orders/2", body=b"{}", idempotent=idempotent, has_effect=True
            )

    seen = asyncio.run(run(handle, use, log=log.append))
    assert len(seen) == sent
    assert [entry.status for entry in log] == [200, *[0] * (sent - 1)]
