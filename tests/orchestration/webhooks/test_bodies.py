"""The webhook endpoint refuses bodies that are malformed, too large or too slow."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from orchestration.webhooks import app
from tests.orchestration.webhooks.senders import HOOK, PUSH, Served, event, pushed


def test_a_signed_body_of_another_shape_is_refused_with_422(server: Served) -> None:
    """No signed body is a crash; one that isn't UTF-8 can't be signed by the scheme."""
    bodies = (
        b"", b"{", b"[]", b"null", b'{"data": 1}', b"\xff\xfe", b"[" * 100_000, event("a b"),
        event("\u0000"), event([1]), event("1" * 100), event(1, "store/order/\u2028"),
        event(1, "orders"),
    )  # fmt: skip
    for body in bodies:
        assert server.post(body).status_code == (401 if body.startswith(b"\xff") else 422), body[
            :80
        ]
        assert server.post(body, pushed(body), PUSH).status_code == 422, body[:80]
    assert server.stored() == []


def test_a_body_that_is_too_large_is_refused_before_it_is_read(server: Served) -> None:
    """By its announced length, or else as soon as the limit is passed."""
    limit = app.MAX_BODY
    whole = b'{"OrderId":"1"}'.ljust(limit)
    assert server.post(whole, pushed(whole), PUSH).status_code == 200
    assert server.post(whole + b" ", pushed(whole + b" "), PUSH).status_code == 413
    assert (
        server.http.post(
            PUSH, content=(b" " * 4096 for _ in range(1 + limit // 4096)), headers=pushed(b"")
        ).status_code
        == 413
    )
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as raw:
        raw.sendall(f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: {10**30}\r\n\r\n".encode())
        assert raw.recv(64).startswith(b"HTTP/1.1 4")
    assert len(server.stored()) == 1


def test_a_body_that_arrives_too_slowly_is_refused(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender can't occupy a connection for ever."""
    monkeypatch.setattr(app, "BODY_SECONDS", 0.2)
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as raw:
        raw.sendall(f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert raw.recv(64).startswith(b"HTTP/1.1 408")
