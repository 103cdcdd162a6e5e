"""The webhook endpoint refuses bodies that are malformed, too large or too slow."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import orjson
import pytest

from orchestration.webhooks import app
from tests.orchestration.webhooks.senders import HOOK, PUSH, Served, event, pushed, signed


def test_a_signed_body_of_another_shape_is_refused_with_422(server: Served) -> None:
    """No signed body is a crash; one that isn't UTF-8 can't be signed by the scheme."""
    bodies = (
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"data": 1}',
        b"\xff\xfe",
        b"[" * 100_000,
        event("a b"),
        event("\u0000"),
        event([1]),
        event("1" * 100),
        event(1, "store/order/\u2028"),
        event(1, "orders"),
    )
    for body in bodies:
        assert server.post(body).status_code == (401 if body.startswith(b"\xff") else 422), body[
            :80
        ]
        assert server.post(body, pushed(body), PUSH).status_code == 422, body[:80]
    assert server.stored() == []


VENDORS_EXAMPLES = (
    ("store/order/created", {"type": "order", "id": 250}),
    ("store/order/archived", {"type": "order", "id": 250}),
    (
        "store/order/statusUpdated",
        {"type": "order", "id": 250, "status": {"previous_status_id": 0, "new_status_id": 11}},
    ),
    (
        "store/order/message/created",
        {"type": "order", "id": 250, "message": {"order_message_id": 3}},
    ),
    ("store/order/refund/created", {"type": "order", "id": 250, "refund": {"refund_id": 3}}),
    (
        "store/order/transaction/created",
        {
            "type": "transaction",
            "order_id": "250",
            "transaction_id": "176342342",
            "transaction_status": "complete",
            "result": {"code": "captured", "type": "success"},
        },
    ),
    (
        "store/order/transaction/updated",
        {"type": "transaction", "id": 7, "order_id": 250, "transaction_id": 7},
    ),
    ("store/order/metafield/created", {"metafield_id": 14, "resource_id": "250"}),
    ("store/order/metafield/deleted", {"metafield_id": 14, "resource_id": 250}),
    ("store/shipment/created", {"type": "shipment", "id": 12, "orderId": 250}),
    ("store/shipment/updated", {"type": "shipment", "id": 12, "orderId": 250}),
    ("store/shipment/deleted", {"type": "shipment", "id": 12, "orderId": "250"}),
    ("store/channel/1/order/updated", {"order_id": 250}),
)
"""The forms of the vendor's documented examples: all of them are about order 250."""


def of_store(scope: str, data: dict[str, object]) -> bytes:
    """Return an event with exactly these data."""
    return orjson.dumps(orjson.loads(event(scope=scope)) | {"data": data})


@pytest.mark.parametrize(("scope", "data"), VENDORS_EXAMPLES)
def test_every_event_of_an_order_that_the_vendor_documents_is_taken(
    server: Served, scope: str, data: dict[str, object]
) -> None:
    """A store that is refused too often blocks the address, and switches its webhooks off."""
    assert server.post(of_store(scope, data)).status_code == 200
    assert server.stored() == [("platform", "orders", "250", scope)]


@pytest.mark.parametrize(
    ("scope", "data"),
    [
        ("store/metafield/updated", {"metafield_id": 10, "resource_id": "1"}),
        ("store/inventory/location/metafield/created", {"metafield_id": 10, "resource_id": "1"}),
        ("store/product/inventory/order/updated", {"type": "product", "id": 167}),
        ("store/priceList/updated/", {"price_list_id": 5}),
        ("store/priceLists/deleted", {"price_list_ids": [5]}),
        ("store/channel/2/cart/converted", {"id": "x"}),
        ("store/order/return_v2/created", {"return_id": 9}),
        ("store/order/gift/opened", {"type": "gift", "id": 9}),
        ("store/shipment/label/created", {"type": "label", "id": 9}),
        ("store/b2b-2/quote.v3/created", {"quote": {"id": 1}}),
        ("store/order/created", {}),
    ],
)
def test_genuine_events_that_name_no_order_are_acknowledged_and_not_stored(
    server: Served, scope: str, data: dict[str, object]
) -> None:
    """What no stream reads, and what the vendor may add; the id of something else is no order's."""
    answer = server.post(of_store(scope, data))
    assert (answer.status_code, answer.json()) == (200, {"events": 0, "stored": 0})
    assert server.stored() == []


@pytest.mark.parametrize(("scope", "data"), VENDORS_EXAMPLES[5:9])
def test_the_same_events_without_a_good_signature_are_refused(
    server: Served, scope: str, data: dict[str, object]
) -> None:
    """Unsigned, signed by another secret, too old, and of another store."""
    body = of_store(scope, data)
    other = orjson.dumps(orjson.loads(body) | {"producer": "stores/another"})
    assert server.post(body, {}).status_code == 401
    assert server.post(body, signed(body, "guessed")).status_code == 401
    assert server.post(body, signed(body, age=3_600)).status_code == 401
    assert server.post(other).status_code == 403
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
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as raw:
        raw.sendall(f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: {10**30}\r\n\r\n".encode())
        assert raw.recv(64).startswith(b"HTTP/1.1 4")
    assert len(server.stored()) == 1


def test_a_body_that_arrives_too_slowly_is_refused(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender can't occupy a connection forever."""
    monkeypatch.setattr(app, "BODY_SECONDS", 0.2)
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as raw:
        raw.sendall(f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert raw.recv(64).startswith(b"HTTP/1.1 408")
