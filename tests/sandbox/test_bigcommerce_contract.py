"""The simulated store's answers against BigCommerce's official OpenAPI files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.response.exceptions import InvalidData

from sandbox.app import running_sandbox
from tests.contracts.specs import spec
from tests.shared import shared_path

pytestmark = pytest.mark.slow

Json = dict[str, Any]
Call = Callable[..., httpx.Response]

NAME = "contract"
ORDERS, ORDERS_V3, INVENTORY = "orders.v2.oas2.yml", "orders.v3.yml", "inventory.v3.yml"
LOCATIONS, STORE = "locations.v3.yml", "store_information.v2.yml"
PRODUCTS, VARIANTS = "catalog/products_catalog.v3.yml", "catalog/product-variants_catalog.v3.yml"

DOCUMENT: Json = {
    "products": [
        {
            "sku": "A",
            "quantity": 2,
            "price_ex_tax": 10,
            "price_inc_tax": 11,
            "applied_discounts": [{"amount": 1, "code": "TEN"}],
        },
        {
            "sku": "P",
            "pickup_index": 0,
            "product_options": [{"id": 1, "display_name": "Size", "value": "S", "type": "Swatch"}],
        },
        {"sku": "D", "type": "digital"},
        {"sku": "G", "type": "giftcertificate", "gift_certificate_id": 3},
    ],
    "shipping_addresses": [{"city": "Austin", "cost_ex_tax": 4}],
    "pickups": [{"pickup_method_id": 1}],
    "coupons": [{"code": "TEN", "amount": 1}],
    "taxes": [{"line_amount": 2, "order_product_id": "1", "line_item_type": "item"}],
    "fees": [{"cost_ex_tax": 1}],
    "transactions": [{"amount": "29.00", "offline": {"display_name": "Cheque"}}],
    "billing_address": {"email": "jo@example.com", "zip": "78701"},
}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A store with one order of every kind of line and a small catalog."""
    shared_path("contracts/bigcommerce")
    with (
        running_sandbox() as sandbox,
        httpx.Client(base_url=f"{sandbox.url}/bigcommerce/{NAME}/stores/{NAME}") as client,
    ):
        control = f"{sandbox.url}/_sandbox/bigcommerce/{NAME}"
        assert httpx.post(f"{control}/orders", json=[DOCUMENT, {}]).json()["ids"] == [100, 101]
        variants = {"sku": "V", "variants": [{"sku": "V-S"}, {"sku": "V-L"}]}
        httpx.post(
            f"{control}/catalog",
            json=[{"sku": "A"}, variants, {"sku": "N", "inventory_tracking": "none"}],
        ).raise_for_status()
        client.headers.update(
            {"X-Auth-Token": f"sandbox-token-{NAME}", "Accept": "application/json"}
        )
        yield client


@pytest.fixture
def call(client: httpx.Client) -> Call:
    """Call the store and validate its answer against the official file."""

    def send(
        name: str, method: str, path: str, params: Json | None = None, body: Json | None = None
    ) -> httpx.Response:
        answer = client.request(method, path, params=params, json=body)
        host, kind = (
            "https://api.bigcommerce.com",
            answer.headers.get("content-type", "application/json"),
        )
        full = f"/stores/{NAME}{path}"
        request = MockRequest(
            host, method.lower(), full, args=params or {}, headers=dict(answer.request.headers)
        )
        response = MockResponse(answer.content, answer.status_code, dict(answer.headers), kind)
        try:
            spec(name).validate_response(request, response)
        except InvalidData as invalid:
            cause = invalid.__cause__ or invalid
            errors = [error.message for error in getattr(cause, "schema_errors", [cause])]
            assert [str(error) for error in errors] == []
        return answer

    return send


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"include": "consignments.line_items", "consignment_structure": "object"},
        {"include": "fees"},
    ],
)
def test_orders_fit_the_official_schema(call: Call, params: Json) -> None:
    """Lists and single orders, with and without what ``include`` brings."""
    assert len(call(ORDERS, "GET", "/v2/orders", params).json()) == 2
    assert call(ORDERS, "GET", "/v2/orders/100", params).status_code == 200


@pytest.mark.parametrize(
    "name", ["products", "shipping_addresses", "coupons", "taxes", "consignments", "fees"]
)
def test_sub_resources_of_an_order_fit_the_official_schema(call: Call, name: str) -> None:
    """Each collection, filled and empty."""
    assert call(ORDERS, "GET", f"/v2/orders/100/{name}").json()
    assert call(ORDERS, "GET", f"/v2/orders/101/{name}").status_code == 200


def test_statuses_and_counts_fit_the_official_schema(call: Call) -> None:
    """All fifteen statuses."""
    assert len(call(ORDERS, "GET", "/v2/order_statuses").json()) == 15
    assert call(ORDERS, "GET", "/v2/orders/count").json()["count"] == 2
    assert call(ORDERS, "GET", "/v2/orders/424242").status_code == 404


def test_shipments_and_changes_fit_the_official_schema(call: Call) -> None:
    """Writes are answered in the documented form."""
    [address] = call(ORDERS, "GET", "/v2/orders/100/shipping_addresses").json()
    line = call(ORDERS, "GET", "/v2/orders/100/products").json()[0]["id"]
    body = {
        "order_address_id": address["id"],
        "items": [{"order_product_id": line, "quantity": 1}],
        "tracking_number": "1Z",
    }
    assert call(ORDERS, "POST", "/v2/orders/100/shipments", body=body).status_code == 201
    for path in ("shipments", "shipments/1", "shipments/count"):
        assert call(ORDERS, "GET", f"/v2/orders/100/{path}").status_code == 200
    assert call(ORDERS, "PUT", "/v2/orders/100", body={"status_id": 2}).status_code == 200


def test_transactions_fit_the_official_schema(call: Call) -> None:
    """Amounts are numbers in transactions."""
    assert call(ORDERS_V3, "GET", "/v3/orders/100/transactions").json()["data"][0]["amount"] == 29
    assert call(ORDERS_V3, "GET", "/v3/orders/424242/transactions").status_code == 404


def test_channels_fit_the_official_schema(call: Call) -> None:
    """The list, one with its currencies, and one that does not exist."""
    assert call("channels.v3.yml", "GET", "/v3/channels").json()["meta"]["pagination"]["total"] == 1
    assert (
        call("channels.v3.yml", "GET", "/v3/channels/1", {"include": "currencies"}).status_code
        == 200
    )
    assert call("channels.v3.yml", "GET", "/v3/channels/424242").status_code == 404


def test_a_late_tracking_number_fits_the_official_schema(call: Call) -> None:
    """A shipment is changed without naming its items."""
    [address] = call(ORDERS, "GET", "/v2/orders/100/shipping_addresses").json()
    line = call(ORDERS, "GET", "/v2/orders/100/products").json()[0]["id"]
    body = {"order_address_id": address["id"], "items": [{"order_product_id": line, "quantity": 1}]}
    number = call(ORDERS, "POST", "/v2/orders/100/shipments", body=body).json()["id"]
    change = {"tracking_number": "1Z", "tracking_carrier": "ups", "shipping_provider": ""}
    assert (
        call(ORDERS, "PUT", f"/v2/orders/100/shipments/{number}", body=change).json()[
            "tracking_number"
        ]
        == "1Z"
    )


def test_stock_fits_the_official_schema(call: Call) -> None:
    """Writes, refusals and reads."""
    good, bad = (
        {"location_id": 1, "sku": "V-S", "quantity": 3},
        {"location_id": 1, "product_id": 112, "quantity": 3},
    )
    assert (
        call(
            INVENTORY, "PUT", "/v3/inventory/adjustments/absolute", body={"items": [good]}
        ).status_code
        == 200
    )
    assert (
        call(
            INVENTORY, "PUT", "/v3/inventory/adjustments/absolute", body={"items": [bad]}
        ).status_code
        == 422
    )
    assert (
        call(
            INVENTORY, "POST", "/v3/inventory/adjustments/relative", body={"items": [good]}
        ).status_code
        == 200
    )
    assert (
        call(
            INVENTORY,
            "PUT",
            "/v3/inventory/locations/1/items",
            body={"settings": [{"identity": {}}]},
        ).status_code
        == 422
    )
    assert (
        call(INVENTORY, "GET", "/v3/inventory/items", {"sku:in": "A,V-S"}).json()["meta"][
            "pagination"
        ]["total"]
        == 2
    )
    assert call(INVENTORY, "GET", "/v3/inventory/locations/1/items").json()["data"]
    assert call(INVENTORY, "GET", "/v3/inventory/locations/9/items").status_code == 404
    assert call(LOCATIONS, "GET", "/v3/inventory/locations").json()["data"]


def test_the_store_and_its_clock_fit_the_official_schema(call: Call) -> None:
    """The two cheap calls of a preflight."""
    assert call(STORE, "GET", "/v2/store").json()["id"] == NAME
    assert call(STORE, "GET", "/v2/time").json()["time"] > 0


def test_the_catalog_fits_the_official_schema(call: Call) -> None:
    """Products with variants, the variants alone, a change."""
    assert call(PRODUCTS, "GET", "/v3/catalog/products", {"include": "variants"}).json()["data"]
    assert call(PRODUCTS, "GET", "/v3/catalog/products/111").status_code == 200
    assert (
        call(
            PRODUCTS, "PUT", "/v3/catalog/products/113", body={"inventory_tracking": "product"}
        ).status_code
        == 200
    )
    assert call(VARIANTS, "GET", "/v3/catalog/variants").json()["data"]


def test_webhooks_fit_the_official_schema(call: Call) -> None:
    """Create, list, read, change, refuse and delete, and the admin's view."""
    hooks, body = (
        "webhooks.v3.yml",
        {
            "scope": "store/order/*",
            "destination": "https://hooks.example.com/a",
            "headers": {"x-key": "b"},
        },
    )
    number = call(hooks, "POST", "/v3/hooks", body=body).json()["data"]["id"]
    assert (
        call(
            hooks,
            "POST",
            "/v3/hooks",
            body=body | {"destination": "https://hooks.example.com:8443/"},
        ).status_code
        == 422
    )
    assert [
        hook["id"]
        for hook in call(hooks, "GET", "/v3/hooks", {"scope": "store/order/*"}).json()["data"]
    ] == [number]
    assert (
        call(hooks, "PUT", f"/v3/hooks/{number}", body={"is_active": False}).json()["data"][
            "is_active"
        ]
        is False
    )
    assert call(hooks, "GET", f"/v3/hooks/{number}").json()["data"]["scope"] == "store/order/*"
    assert (
        call(hooks, "GET", "/v3/hooks/admin").json()["data"]["hooks_list"][0]["status"]
        == "deactivated"
    )
    assert call(hooks, "DELETE", f"/v3/hooks/{number}").json()["data"]["id"] == number
    assert call(hooks, "GET", f"/v3/hooks/{number}").status_code == 404
