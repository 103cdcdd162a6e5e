"""The simulated store where it was gentler than the vendor's: events, links, scopes, quota."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.app import running_sandbox
from tests.sandbox.simulated_store import EXPANDED, Store, an_order
from tests.sandbox.test_bigcommerce_webhooks import hook, inbox, until
from tests.sandbox.webhook_receiver import WebhookReceiver

Json = dict[str, Any]

__all__ = ["inbox"]


def acted(store: Store, number: int, name: str, **body: Any) -> Json:
    """Do something to an order that its API does not offer."""
    answer: Json = (
        store.control.post(f"/orders/{number}/{name}", json=body).raise_for_status().json()
    )
    return answer


def test_everything_that_happens_to_an_order_is_an_event_of_the_documented_form(
    store: Store, inbox: WebhookReceiver
) -> None:
    """Transactions have ``order_id``, metafields ``resource_id``, shipments ``orderId``."""
    hook(store, inbox)
    hook(store, inbox, "store/shipment/*")
    [number] = store.place(an_order())
    line = store.order(number)["consignments"]["shipping"][0]["line_items"][0]["id"]
    shipment = store.ship(number, {line: 1}).json()["id"]
    path = f"/v2/orders/{number}/shipments/{shipment}"
    assert store.api.put(path, json={"tracking_number": "9"}).status_code == 200
    assert store.api.delete(path).status_code == 204
    payment = acted(store, number, "transactions", event="authorization", amount=3)
    acted(store, number, "transactions", id=payment["id"], event="capture", amount=3)
    acted(store, number, "messages", message="m")
    acted(store, number, "metafields")
    acted(store, number, "metafields", id=1, event="deleted")
    refund = acted(store, number, "refunds", lines=[{"id": line, "quantity": 1}])
    scopes = {
        "store/shipment/created": {"type": "shipment", "id": shipment, "orderId": number},
        "store/shipment/updated": {"type": "shipment", "id": shipment, "orderId": number},
        "store/shipment/deleted": {"type": "shipment", "id": shipment, "orderId": number},
        "store/order/message/created": {
            "type": "order", "id": number, "message": {"order_message_id": 1},
        },
        "store/order/metafield/created": {"metafield_id": 1, "resource_id": str(number)},
        "store/order/metafield/deleted": {"metafield_id": 1, "resource_id": str(number)},
        "store/order/refund/created": {
            "type": "order", "id": number, "refund": {"refund_id": refund["id"]},
        },
    }  # fmt: skip
    transactions = {f"store/order/transaction/{event}" for event in ("created", "updated")}
    expected = scopes.keys() | transactions
    until(lambda: expected <= {scope for scope, _ in inbox.events()})
    sent = dict(inbox.events())
    assert {scope: sent[scope] for scope in scopes} == scopes
    for scope in transactions:
        data = sent[scope]
        assert (data["type"], data["order_id"], "id" in data) == ("transaction", str(number), False)
    assert store.order(number)["payment_status"] == "partially refunded"


def test_a_refund_counts_on_its_lines_and_sets_the_status(store: Store) -> None:
    """A part first, then all that is left; more than there is, is refused."""
    [number] = store.place(an_order())
    lines = store.order(number)["consignments"]["shipping"][0]["line_items"]
    acted(store, number, "refunds", lines=[{"id": lines[0]["id"], "quantity": 1}])
    first = store.order(number)["consignments"]["shipping"][0]["line_items"][0]
    assert (first["quantity_refunded"], first["is_refunded"]) == (1, False)
    assert store.order(number)["status_id"] == 14
    too_many = {"lines": [{"id": lines[0]["id"], "quantity": 9}]}
    assert store.control.post(f"/orders/{number}/refunds", json=too_many).status_code == 400
    acted(store, number, "refunds")
    order = store.order(number)
    assert (order["status_id"], order["payment_status"]) == (4, "refunded")
    assert all(row["is_refunded"] for row in order["consignments"]["shipping"][0]["line_items"])


def links_in(part: Any) -> Iterator[Json]:
    """Yield every link of a document."""
    if isinstance(part, dict):
        if set(part) == {"url", "resource"}:
            yield part
        part = list(part.values())
    for inner in part if isinstance(part, list) else ():
        yield from links_in(inner)


def test_every_link_in_an_orders_documents_resolves(store: Store) -> None:
    """By the path of its address, and by its resource below the version."""
    [number] = store.place(an_order(fees=[{"cost_ex_tax": 1}], coupons=[{"code": "A"}]))
    documents = [
        store.api.get(f"/v2/orders/{number}{path}", params=params).json()
        for path, params in (
            ("", {}),
            ("", EXPANDED),
            ("", {"include": "consignments"}),
            ("/shipping_addresses", {}),
            ("/consignments", {}),
        )
    ]
    links = list(links_in(documents))
    assert len({link["resource"] for link in links}) > 7
    for link in links:
        path = re.sub(r"^https://[^/]+/stores/[^/]+", "", link["url"])
        assert path == f"/v2{link['resource']}"
        assert store.api.get(path).status_code in (200, 204), link


def test_a_refused_call_says_when_to_try_again_and_the_default_is_a_small_plan() -> None:
    """150 calls in half a minute, then 429 with the seconds left, also in ``X-Retry-After``."""
    with (
        running_sandbox(settings={}) as sandbox,
        httpx.Client(base_url=f"{sandbox.url}/bigcommerce/plan/stores/plan") as client,
    ):
        client.headers["X-Auth-Token"] = "sandbox-token-plan"
        answers = [client.get("/v2/time") for _ in range(151)]
    assert [answer.status_code for answer in answers] == [200] * 150 + [429]
    refused = answers[-1].headers
    assert refused["X-Rate-Limit-Time-Window-Ms"] == "30000"
    assert 0 < int(refused["X-Retry-After"]) <= 30
    assert int(refused["X-Rate-Limit-Time-Reset-Ms"]) <= int(refused["X-Retry-After"]) * 1000
    assert "X-Retry-After" not in answers[0].headers


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        (["store_v2_orders_read_only"], "/v2/orders", 204),
        (["store_v2_products"], "/v2/orders", 403),
        (["store_v2_orders"], "/v3/orders/1/transactions", 403),
        (["store_v2_transactions"], "/v3/orders/1/transactions", 404),
        (["store_inventory"], "/v3/inventory/locations", 403),
        (["store_locations_read_only"], "/v3/inventory/locations", 200),
        (["store_locations_read_only"], "/v3/inventory/items", 403),
        (["store_sites_read_only"], "/v3/channels", 200),
        ([], "/v3/hooks", 200),
        ([], "/v2/time", 200),
        ([], "/v2/store", 403),
    ],
)
def test_a_call_needs_its_scope(store: Store, scopes: list[str], path: str, status: int) -> None:
    """As each official file's section of scopes says."""
    store.control.post("/settings", json={"scopes": scopes}).raise_for_status()
    assert store.api.get(path).status_code == status


def test_reading_scopes_do_not_write(store: Store) -> None:
    """``_read_only`` is what it says."""
    [number] = store.place(an_order())
    store.control.post("/settings", json={"scopes": ["store_v2_orders_read_only"]})
    assert store.api.get(f"/v2/orders/{number}").status_code == 200
    assert store.api.put(f"/v2/orders/{number}", json={"status_id": 9}).status_code == 403


def test_only_published_carriers_are_taken(store: Store) -> None:
    """Names that carriers have elsewhere are refused."""
    [number] = store.place(an_order())
    line = store.order(number)["consignments"]["shipping"][0]["line_items"][0]["id"]
    for name, value, status in (
        ("tracking_carrier", "hermes-uk", 400),
        ("tracking_carrier", "royal-mail", 400),
        ("tracking_carrier", "UPS", 400),
        ("shipping_provider", "royal_mail", 400),
        ("tracking_carrier", "myhermes-uk", 201),
        ("shipping_provider", "carrier_12", 201),
    ):
        assert store.ship(number, {line: 1}, **{name: value}).status_code == status, value
