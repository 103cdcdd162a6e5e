"""Preflight tries each needed right without changing anything, and warns of unneeded ones."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from domain.connections import Connection
from domain.exchange import Check
from domain.policies import SecretRef
from resources.http.rate_limit import LocalQuota
from resources.platforms.bigcommerce.adapter import build
from resources.platforms.bigcommerce.scopes import needed
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.systems import endpoints_of
from tests.assets.scene import NAME, Scene, installation_of


def preflight(
    tmp_path: Path, *, denied: tuple[str, ...] = (), **sections: object
) -> tuple[dict[str, Check], list[httpx.Request]]:
    """Check a store that denies these calls (``METHOD path``); return the checks and calls."""
    connection = installation_of("http://127.0.0.1:1", "s1", tmp_path, **sections).connections[NAME]
    token = SecretRef(file=tmp_path / "token-s1")
    settings = BigCommerceSettings(store_hash="s1", token=token)
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        path = request.url.path.removeprefix("/stores/s1")
        if f"{request.method} {path}" in denied:
            return httpx.Response(
                403, json={"title": "You don't have a required scope to access the endpoint"}
            )
        if request.method == "PUT":
            return httpx.Response(
                404 if path == "/v2/orders/0" else 422, json={"title": "not found"}
            )
        return httpx.Response(
            200, json={"time": time.time(), "data": [], "meta": {"pagination": {"total_pages": 1}}}
        )

    store = build(
        settings, connection, lambda _: "token", LocalQuota(), httpx.MockTransport(answer)
    )
    return {check.name: check for check in store.preflight()}, asked


SENSITIVE = ("GET /v3/customers", "GET /v2/coupons", "GET /v3/content/pages")


def test_every_right_is_tried_by_a_call_that_changes_nothing(tmp_path: Path) -> None:
    """Reads of one row, a write to an order that does not exist, and one of no stock."""
    checks, asked = preflight(tmp_path, denied=SENSITIVE)
    assert {name for name in checks if name.startswith("scope ")} == {
        "scope store_v2_orders (read)",
        "scope store_v2_orders (write)",
        "scope store_v2_transactions_read_only (read)",
        "scope store_v2_products (read)",
        "scope store_inventory (read)",
        "scope store_inventory (write)",
    }
    assert all(checks[name].ok for name in checks if name.startswith("scope"))
    writes = [(call.url.path, call.content) for call in asked if call.method != "GET"]
    assert [path for path, _ in writes] == [
        "/stores/s1/v2/orders/0",
        "/stores/s1/v3/inventory/adjustments/absolute",
    ]
    assert writes[0][1] == b"{}"
    assert b'"items":[]' in writes[1][1]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("GET /v2/orders", "scope store_v2_orders (read)"),
        ("PUT /v2/orders/0", "scope store_v2_orders (write)"),
        ("PUT /v3/inventory/adjustments/absolute", "scope store_inventory (write)"),
    ],
)
def test_a_missing_right_fails_its_check(tmp_path: Path, call: str, name: str) -> None:
    """The advice names the scope, and all that the connection's streams need."""
    checks, _ = preflight(tmp_path, denied=(call, *SENSITIVE))
    assert [
        check.name for check in checks.values() if not check.ok and check.name.startswith("scope")
    ] == [name]
    assert "store_v2_transactions_read_only" in checks[name].advice


def test_preflight_warns_of_unneeded_rights(tmp_path: Path) -> None:
    """A token that can read customers works, but its theft would be worse."""
    checks, asked = preflight(tmp_path, denied=SENSITIVE[1:])
    found = checks["scopes beyond need"]
    assert found.ok
    assert found.detail == "WARNING: the token also has store_v2_customers"
    assert "no more than store_v2_orders" in found.advice
    [customers] = [call for call in asked if call.url.path.endswith("/customers")]
    assert customers.url.params["id:in"] == "0"  # no customer has this id


def test_a_connection_asks_for_no_more_than_its_streams_need(tmp_path: Path) -> None:
    """For orders alone, rights are read-only, and none for stock and catalog."""

    def connection(**sections: object) -> Connection:
        return installation_of("http://127.0.0.1:1", "s1", tmp_path, **sections).connections[NAME]

    assert needed(connection(streams=["orders"])) == (
        "store_v2_orders_read_only",
        "store_v2_transactions_read_only",
        "store_v2_information_read_only",
    )
    assert "store_v2_products_read_only" in needed(connection())
    assert "store_v2_products" in needed(connection(inventory={"infinite": "stop_tracking"}))
    checks, _ = preflight(tmp_path, denied=SENSITIVE, streams=["orders"])
    assert [name for name in checks if name.startswith("scope ")] == [
        "scope store_v2_orders (read)",
        "scope store_v2_transactions_read_only (read)",
    ]


def test_the_oms_user_is_checked_for_other_organisations(scene: Scene) -> None:
    """Preflight reports what the user can reach; the sandbox's tenant has one organisation."""
    assert scene.lockstep is not None
    scene.place_many([1])
    scene.run("orders")
    checks = {check.name: check for check in scene.lockstep.sync(NAME, "").oms.preflight()}
    assert all(check.ok for check in checks.values())
    assert checks["rights beyond need"].detail == "the token's scope is omni"
    assert checks["other organisations"].detail == "orders of other organisations can't be read"
    same = str(endpoints_of(scene.installation.connections[NAME]).oms)
    scene.configure(oms={"organization": "OTHER"}, oms_moved_from=same)
    checks = {check.name: check for check in scene.lockstep.sync(NAME, "").oms.preflight()}
    assert checks["other organisations"].detail.startswith("WARNING")
