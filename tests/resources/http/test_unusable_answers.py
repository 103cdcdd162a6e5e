"""A success that does not show what was done: a read is repeated, an effect becomes unknown."""

from __future__ import annotations

import asyncio

import httpx
import orjson
import pytest
from aiohttp import web

from domain.errors import TransientError
from domain.exchange import Exchange, OutcomeUnknown
from resources.http.async_client import AsyncApiClient
from tests.resources.http.test_async_client import run
from tests.resources.http.test_client import answers, client

HTML = b"<!DOCTYPE html><title>Maintenance</title>"
UNUSABLE = {
    "HTML": HTML,
    "empty": b"",
    "truncated": b'{"id": 7, "items": [',
    "no id": b"{}",
    "another shape": b'[{"id": 7}]',
    "nested too deep": b"[" * 5_000,
}
bodies = pytest.mark.parametrize("body", UNUSABLE.values(), ids=UNUSABLE.keys())
types = pytest.mark.parametrize("kind", ["application/json", "text/html"])


def the_id(body: bytes) -> int:
    """Return the answer's id, as a connector's decoder does."""
    value = orjson.loads(body)
    number: int | None = value.get("id") if isinstance(value, dict) else None
    if number is None:
        raise ValueError("the answer has no id")
    return number


def is_named(log: list[Exchange], number: int) -> bool:
    """Return whether each answer but good ones is in the log, with what is wrong with it."""
    return len(log) == number and all(entry.error for entry in log)


def asked(body: bytes, kind: str, method: str, *, idempotent: bool | None, good_at: int = 0) -> int:
    """Make a request that is answered with the body; return how many requests came."""

    async def handle(_: web.BaseRequest, number: int) -> web.StreamResponse:
        if number == good_at:
            return web.json_response({"id": 7})
        return web.Response(body=body, content_type=kind)

    log: list[Exchange] = []

    async def use(push: AsyncApiClient) -> None:
        call = push.request(method, "/x", body=b"{}", idempotent=idempotent, decode=the_id)
        if good_at:
            assert (await call).value == 7
            assert is_named(log[:-1], good_at - 1)
            return
        with pytest.raises(TransientError) as raised:
            await call
        assert isinstance(raised.value, OutcomeUnknown) is (method != "GET")

    requests = asyncio.run(run(handle, use, log=log.append))
    assert good_at or method == "GET" or is_named(log, len(requests))
    return len(requests)


@types
@bodies
def test_a_write_that_must_not_be_repeated_is_unknown_at_once(body: bytes, kind: str) -> None:
    """It was sent once, and only a look-up may decide."""
    assert asked(body, kind, "POST", idempotent=False) == 1


@types
@bodies
def test_an_upsert_is_repeated_and_unknown_if_that_does_not_help(body: bytes, kind: str) -> None:
    """It is never a failure: the record may have been written by each of its attempts."""
    assert asked(body, kind, "PUT", idempotent=None) > 1
    assert asked(body, kind, "POST", idempotent=True, good_at=2) == 2


@bodies
def test_a_read_is_repeated_and_never_unknown(body: bytes) -> None:
    """Nothing was changed, whatever came; a page that was lost is not an empty one."""
    assert asked(body, "application/json", "GET", idempotent=None) > 1


def test_a_read_that_has_no_content_is_answered() -> None:
    """With the status 204, as some stores answer an empty list."""

    async def handle(_: web.BaseRequest, __: int) -> web.StreamResponse:
        return web.Response(status=204)

    async def use(push: AsyncApiClient) -> None:
        assert (await push.request("GET", "/x", decode=the_id)).value is None

    assert len(asyncio.run(run(handle, use))) == 1


def test_a_failing_server_after_an_unusable_answer_leaves_the_effect_unknown() -> None:
    """The second attempt failed, and the first may have been the effect."""

    async def handle(_: web.BaseRequest, number: int) -> web.StreamResponse:
        return web.Response(body=HTML) if number == 1 else web.Response(status=503)

    async def use(push: AsyncApiClient) -> None:
        with pytest.raises(OutcomeUnknown):
            await push.request("PUT", "/x", body=b"{}", decode=the_id)

    assert len(asyncio.run(run(handle, use))) > 1


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_oversized_answer_to_a_write_leaves_the_effect_unknown(method: str) -> None:
    """It is cut off, and not taken for a refusal."""

    async def handle(_: web.BaseRequest, __: int) -> web.StreamResponse:
        return web.Response(body=b"x" * 100)

    async def use(push: AsyncApiClient) -> None:
        with pytest.raises(OutcomeUnknown, match="more than 10 bytes"):
            await push.request(method, "/x", body=b"{}", decode=the_id)

    log: list[Exchange] = []
    asyncio.run(run(handle, use, max_bytes=10, log=log.append))
    assert [(entry.status, entry.error) for entry in log] == [(0, "answered more than 10 bytes")]


def test_the_synchronous_client_decides_the_same_way() -> None:
    """A search is a POST without an effect; a registration has one."""
    for has_effect in (True, False):
        handle, seen = answers(*[httpx.Response(200, content=HTML)] * 9)
        with pytest.raises(TransientError) as raised:
            client(handle).request(
                "POST", "/x", json={}, idempotent=True, has_effect=has_effect, decode=the_id
            )
        assert isinstance(raised.value, OutcomeUnknown) is has_effect
        assert len(seen) > 1
