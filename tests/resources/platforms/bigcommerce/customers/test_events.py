"""Webhooks of customers: registered and received only where the connection has their stream."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook

from domain.exchange import WebhookEvent, WebhookRefused
from resources.platforms.bigcommerce.events import build_receiver
from resources.platforms.bigcommerce.scopes import needed
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import (
    HASH,
    connection,
    feed_of,
    platform,
    settings,
)

Json = dict[str, Any]
SECRETS = {"client_secret": {"env": "X"}}
WITH: Json = {"streams": ["orders", "shipments", "inventory", "customers"]}


def received(scope: str, data: Json, sections: Json) -> list[WebhookEvent]:
    """Receive a signed webhook of the store."""
    receiver = build_receiver(settings(**SECRETS), connection(**sections), lambda _: "secret")
    assert receiver is not None
    body = orjson.dumps({"scope": scope, "producer": f"stores/{HASH}", "data": data})
    now = datetime.now(UTC)
    signature = Webhook(b"secret").sign("m1", now, body.decode())
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return receiver.receive(headers, body)


@pytest.mark.parametrize(
    ("scope", "data"),
    [
        ("store/customer/deleted", {"type": "customer", "id": 32}),
        ("store/customer/updated", {"type": "customer", "id": "32"}),
        (
            "store/customer/address/updated",
            {"type": "customer", "id": 60, "address": {"customer_id": 32}},
        ),
    ],
)
def test_an_event_names_the_customer(scope: str, data: Json) -> None:
    """Of an address it is not the address's id; without the stream nothing is stored."""
    [event] = received(scope, data, WITH)
    assert (event.stream, event.source_id, event.scope) == ("customers", "32", scope)
    assert received(scope, data, {}) == []


def test_an_event_without_a_usable_id_is_malformed() -> None:
    """Another shape than the documented one is refused; one that names none is acknowledged."""
    with pytest.raises(WebhookRefused, match="id"):
        received("store/customer/deleted", {"type": "customer", "id": {"x": 1}}, WITH)
    assert received("store/customer/address/updated", {"type": "customer", "id": 60}, WITH) == []


@pytest.mark.parametrize("address", [[{"customer_id": 32}], "32", 7, True])
def test_an_address_of_another_shape_is_malformed(address: object) -> None:
    """As the endpoint's description states; null and PHP's empty object name no customer."""
    scope = "store/customer/address/updated"
    with pytest.raises(WebhookRefused, match="address"):
        received(scope, {"type": "customer", "id": 60, "address": address}, WITH)
    for empty in (None, []):
        assert received(scope, {"type": "customer", "id": 60, "address": empty}, WITH) == []


def test_the_webhook_is_registered_where_the_stream_is(shop: Shop) -> None:
    """One scope for customers and their addresses."""
    destination = "https://hooks.example.com/hooks/acme/platform"
    with closing(platform(shop.url, sections=WITH, **SECRETS)) as store:
        assert feed_of(store).ensure(destination) == [
            "webhook store/order/*: registered",
            "webhook store/customer/*: registered",
        ]
    with closing(platform(shop.url, **SECRETS)) as store:
        names = {check.name for check in feed_of(store).state(destination)}
    assert "webhook store/customer/*" not in names


def test_the_right_to_read_customers_is_needed_and_tried_with_the_stream_only(shop: Shop) -> None:
    """Without it the right is beyond need; the probe reads no customer."""
    assert "store_v2_customers_read_only" in needed(connection(**WITH))
    assert "store_v2_customers_read_only" not in needed(connection())
    with closing(platform(shop.url, sections=WITH)) as store:
        checks = {check.name: check for check in store.preflight()}
    assert checks["scope store_v2_customers (read)"].ok
    assert "store_v2_customers" not in checks["scopes beyond need"].detail
