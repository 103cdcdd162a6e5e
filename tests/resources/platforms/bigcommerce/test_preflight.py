"""Preflight against a store whose token lacks one scope at a time, and one that has the least."""

from __future__ import annotations

from typing import Any

import pytest

from domain.exchange import Check
from resources.platforms.bigcommerce.scopes import needed
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import connection, platform, settings

Json = dict[str, Any]
STOPS_TRACKING: Json = {"inventory": {"infinite": "stop_tracking"}}
HOOKS: Json = {"webhooks": {"destination": "https://hooks.example.com"}}
ALL = (
    "store_v2_orders",
    "store_v2_transactions_read_only",
    "store_v2_information_read_only",
    "store_inventory",
    "store_v2_products",
    "store_locations_read_only",
    "store_channel_listings_read_only",
)


def checked(shop: Shop, sections: Json, **changes: Any) -> dict[str, Check]:
    """Run preflight and return its checks by name."""
    store = platform(shop.url, sections=sections, **changes)
    try:
        return {check.name: check for check in store.preflight()}
    finally:
        store.close()


def failed(checks: dict[str, Check]) -> list[str]:
    """Return the names of the checks that failed."""
    return [check.name for check in checks.values() if not check.ok]


@pytest.mark.parametrize(
    ("missing", "instead", "check"),
    [
        ("store_v2_orders", "store_v2_orders_read_only", "scope store_v2_orders (write)"),
        (
            "store_v2_transactions_read_only",
            "",
            "scope store_v2_transactions_read_only (read)",
        ),
        ("store_v2_information_read_only", "", "store"),
        ("store_inventory", "store_inventory_read_only", "scope store_inventory (write)"),
        ("store_v2_products", "store_v2_products_read_only", "scope store_v2_products (write)"),
        ("store_locations_read_only", "", "locations"),
        ("store_channel_listings_read_only", "", "channel"),
    ],
)
def test_each_missing_scope_fails_its_check_before_the_connection_goes_live(
    shop: Shop, missing: str, instead: str, check: str
) -> None:
    """Not the first window that has an authorised order, or the first item that is infinite."""
    assert set(needed(connection(**STOPS_TRACKING), settings(channel_id=1))) == set(ALL)
    scopes = [scope for scope in ALL if scope != missing] + [instead]
    shop.control("POST", "settings", {"scopes": scopes})
    checks = checked(shop, STOPS_TRACKING | HOOKS, channel_id=1)
    assert failed(checks) == [check]
    assert missing.removesuffix("_read_only") in checks[check].detail + checks[check].advice


@pytest.mark.parametrize(
    ("sections", "changes"),
    [
        ({}, {}),
        (STOPS_TRACKING | HOOKS, {"channel_id": 1}),
        ({"streams": ["orders"]}, {}),
        ({"streams": ["orders", "shipments"]}, {"fetch_transactions": "never"}),
        ({"streams": ["orders", "inventory"]}, {"channel_id": 1}),
    ],
)
def test_the_least_token_that_a_connection_needs_passes(
    shop: Shop, sections: Json, changes: Json
) -> None:
    """No right is demanded that no stream uses, and nothing is changed by trying."""
    [order_id] = shop.place({})
    shop.control("POST", "catalog", [{"id": 11, "sku": "SOLO"}])
    least = needed(connection(**sections), settings(**changes))
    shop.control("POST", "settings", {"scopes": list(least)})
    before = shop.read(f"v2/orders/{order_id}") if "store_v2_orders" in least else None
    assert failed(checked(shop, sections, **changes)) == []
    shop.control("POST", "settings", {"scopes": list(ALL)})
    counts = shop.control("GET", "counts")
    assert (counts["shipments"], counts["status_changes"], counts["inventory_writes"]) == (0, 0, 0)
    assert before in (None, shop.read(f"v2/orders/{order_id}"))


def test_webhooks_are_only_tried_where_they_are_configured(shop: Shop) -> None:
    """A store that does not let the token see its webhooks can't register any."""
    shop.fault(kind="status", status=403, method="GET", path="/v3/hooks")
    assert "webhooks" not in checked(shop, {})
    assert failed(checked(shop, HOOKS)) == ["webhooks"]
