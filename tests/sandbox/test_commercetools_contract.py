"""The simulated project's answers against commercetools' official OpenAPI file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.response.exceptions import InvalidData

from sandbox.app import running_sandbox
from tests.contracts.commercetools import HOST, official
from tests.sandbox.simulated_project import Project, an_order
from tests.shared import shared_path

pytestmark = pytest.mark.slow

Json = dict[str, Any]
Call = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    """A project with an order of every kind of line, stock, channels, stores and products."""
    shared_path("contracts/commercetools")
    with running_sandbox() as sandbox:
        project = Project(sandbox.url, "contract")
        fee = {"money": "2.00", "name": {"en": "Gift wrap"}, "slug": "wrap", "taxRate": 0.2}
        project.place(an_order(customLineItems=[fee]), an_order("2", taxIncluded=True))
        project.set("channels", [{"key": "EAST"}])
        project.set("stores", [{"key": "us"}])
        project.set("catalog", [{"sku": "MUG"}, {"variants": [{"sku": "S"}, {"sku": "M"}]}])
        project.set("stock", [{"sku": "MUG", "quantity": 5, "reserved": 2}])
        project.set("stock", [{"sku": "MUG", "quantity": 5, "channel": "EAST"}])
        yield project


@pytest.fixture
def call(project: Project) -> Call:
    """Call the project and validate its answer against the official file."""

    def send(
        method: str, path: str, params: Json | None = None, body: Json | None = None
    ) -> httpx.Response:
        answer = project.api.request(method, path, params=params, json=body)
        full = f"/{project.name}{path}"
        request = MockRequest(
            HOST, method.lower(), full, args=params or {}, headers=dict(answer.request.headers)
        )
        kind = answer.headers["content-type"].partition(";")[0]
        response = MockResponse(answer.content, answer.status_code, dict(answer.headers), kind)
        try:
            official().validate_response(request, response)
        except InvalidData as invalid:
            cause = invalid.__cause__ or invalid
            errors = [
                f"{list(error.absolute_path)}: {error.message[:200]}"
                for error in getattr(cause, "schema_errors", [])
            ]
            assert (errors or [str(cause)]) == []
        return answer

    return send


@pytest.mark.parametrize(
    "path",
    [
        "", "/orders", "/inventory", "/channels", "/stores", "/payments", "/product-projections",
        "/messages", "/subscriptions",
    ],
)  # fmt: skip
def test_lists_fit_the_official_schema(call: Call, path: str) -> None:
    """Also the project itself."""
    answer = call("GET", path)
    assert answer.status_code == 200
    assert answer.json().get("results") or path in ("", "/subscriptions")


def test_single_resources_and_updates_fit_the_official_schema(call: Call) -> None:
    """An order with a delivery, a return and a payment; an entry that was changed."""
    [order] = [o for o in call("GET", "/orders").json()["results"] if o["orderNumber"] == "1001"]
    line = order["lineItems"][0]["id"]
    items = [{"id": line, "quantity": 1}]
    parcel = {"key": "p-1", "trackingData": {"trackingId": "1Z", "carrier": "UPS"}}
    returned = [{"lineItemId": line, "quantity": 1, "shipmentState": "Returned"}]
    actions = [
        {"action": "addDelivery", "deliveryKey": "d-1", "items": items, "parcels": [parcel]},
        {"action": "changeShipmentState", "shipmentState": "Partial"},
        {"action": "addReturnInfo", "items": returned},
    ]
    body = {"version": order["version"], "actions": actions}
    changed = call("POST", f"/orders/{order['id']}", body=body)
    assert changed.status_code == 200
    expanded = {"expand": "paymentInfo.payments[*]"}
    assert call("GET", f"/orders/{order['id']}", expanded).status_code == 200
    assert call("GET", "/orders/order-number=1001").json()["id"] == order["id"]
    assert len(call("GET", "/messages").json()["results"]) > 4
    entry = call("GET", "/inventory").json()["results"][0]
    change = {"version": entry["version"], "actions": [{"action": "changeQuantity", "quantity": 9}]}
    assert call("POST", f"/inventory/{entry['id']}", body=change).status_code == 200
    assert call("POST", "/inventory", body={"sku": "N", "quantityOnStock": 1}).status_code == 201


def test_errors_fit_the_official_schema(call: Call, project: Project) -> None:
    """400 and 409 with their codes; the file states no body of a 404."""
    [order] = [o for o in call("GET", "/orders").json()["results"] if o["orderNumber"] == "2"]
    assert project.api.get("/orders/no-such-id").status_code == 404
    assert call("GET", "/orders", {"where": "("}).status_code == 400
    body: Json = {"version": 99, "actions": []}
    assert call("POST", f"/orders/{order['id']}", body=body).status_code == 409


def test_a_subscription_is_kept_and_deleted(call: Call) -> None:
    """With its queue, its health and its key."""
    queue = {"type": "SQS", "queueUrl": "http://127.0.0.1:1/queue", "region": "eu-central-1"}
    draft = {"key": "lockstep", "destination": queue, "changes": [{"resourceTypeId": "order"}]}
    made = call("POST", "/subscriptions", body=draft)
    assert (made.status_code, made.json()["status"]) == (201, "Healthy")
    assert call("GET", "/subscriptions").json()["count"] == 1
    assert call("GET", f"/subscriptions/{made.json()['id']}").status_code == 200
