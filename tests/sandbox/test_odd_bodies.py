"""No body makes a simulated system crash: each is answered as the vendor would refuse it.

Every value of a good body is replaced by odd ones: objects and lists where a scalar belongs, rows
that are not objects, numbers out of range, texts that are not numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import orjson
import pytest

from sandbox.oms.manhattan.tenant import ManhattanTenant
from sandbox.platforms.bigcommerce.store import BigCommerceStore
from sandbox.system import Request, Response, System
from tests.sandbox.manhattan_caller import Caller, order_of
from tests.sandbox.simulated_store import an_order

Json = dict[str, Any]
Send = Callable[[str, str, bytes], Response]

NAME = "odd"
ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**18,
    "",
    "x",
    "-",
    "2026-13-45",
    "\u0000",
    [],
    {},
    [1],
    ["x"],
    [None],
    [[]],
    {"a": 1},
    {"id": {}},
    [{"id": []}],
    [{}],
)
WHOLE = (b"", b"null", b"[]", b"{}", b"3", b'"x"', b"[1]", b"[[]]", b"{", b"\xff", b"[" * 2_000)
QUERIES: tuple[dict[str, list[str]], ...] = (
    {"page": ["x"]},
    {"page": ["0"], "limit": ["-1"]},
    {"limit": ["9" * 30]},
    {"sort": ["x:y:z"]},
    {"min_id": ["x"]},
    {"min_date_modified": ["x"]},
    {"status_id": ["[]"]},
    {"sku:in": [",,"]},
    {"min_total": ["NaN"]},
    {"min_total": ["Infinity"]},
    {"max_total": ["x"]},
    {"id:in": ["x,1"]},
    {"include": ["x,y"]},
    {"location_id:in": ["1,x"]},
    {"min_date_created": ["9" * 30]},
    {"is_deleted": ["x"]},
    {"customer_id": ["1.5"]},
)


def spoiled(body: Any) -> Iterator[Any]:
    """Yield the body with one value at a time replaced by odd ones, at any depth.

    Each value by a third of them, and its neighbours by the others: all for all take minutes.
    """
    for number, path in enumerate(_paths(body)):
        for odd in ODD[number % 3 :: 3]:
            copy = deepcopy(body)
            part = copy
            for step in path[:-1]:
                part = part[step]
            part[path[-1]] = odd
            yield copy


def _paths(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = part.items() if isinstance(part, dict) else enumerate(part)
    for step, inner in steps:
        yield (*path, step)
        if isinstance(inner, dict | list):
            yield from _paths(inner, (*path, step))


SHIPMENT = {
    "order_address_id": 1,
    "items": [{"order_product_id": 1, "quantity": 1}],
    "tracking_number": "1Z",
    "tracking_carrier": "ups",
    "merchant_shipping_cost": "1.0",
    "comments": "c",
}
STORE_CALLS: tuple[tuple[str, str, Any], ...] = (
    ("POST", "v2/orders", an_order(billing_address={"zip": "1"}, fees=[{"cost_ex_tax": 1}])),
    (
        "PUT",
        "v2/orders/100",
        {
            "status_id": 9,
            "staff_notes": "n",
            "billing_address": {"city": "Austin"},
            "products": [{"id": 1, "quantity": 2, "price_ex_tax": "1.0"}],
            "shipping_addresses": [{"id": 1, "city": "Austin"}],
            "fees": [{"id": 1, "cost_ex_tax": 1}],
            "subtotal_ex_tax": 1,
            "date_created": 1_700_000_000,
        },
    ),
    ("PUT", "v2/orders/100/shipping_addresses/1", {"city": "Y", "form_fields": [{"name": "a"}]}),
    ("POST", "v2/orders/100/shipments", SHIPMENT),
    ("PUT", "v2/orders/100/shipments/1", {"tracking_number": "2", "shipping_provider": "ups"}),
    (
        "PUT",
        "v3/inventory/adjustments/absolute",
        {"reason": "r", "items": [{"location_id": 1, "sku": "A", "quantity": 3}]},
    ),
    (
        "POST",
        "v3/inventory/adjustments/relative",
        {"reason": "r", "items": [{"location_id": 1, "variant_id": 1, "quantity": 3}]},
    ),
    (
        "PUT",
        "v3/inventory/locations/1/items",
        {"settings": [{"identity": {"sku": "A"}, "safety_stock": 1, "is_in_stock": True}]},
    ),
    ("PUT", "v3/catalog/products/111", {"inventory_tracking": "none", "name": "n", "price": 3}),
    (
        "POST",
        "v3/hooks",
        {"scope": "store/order/*", "destination": "https://a.example/", "headers": {"a": "b"}},
    ),
    ("PUT", "v3/hooks/18000001", {"is_active": False, "destination": "https://b.example/"}),
)  # fmt: skip
STORE_READS = (
    "v2/orders", "v2/orders/count", "v2/orders/100", "v2/orders/100/products", "v2/time",
    "v2/orders/100/shipments", "v2/orders/100/shipping_addresses", "v2/orders/100/taxes",
    "v2/orders/100/fees", "v2/orders/100/consignments", "v2/order_statuses", "v2/store",
    "v3/orders/100/transactions", "v3/catalog/products", "v3/catalog/variants", "v3/channels",
    "v3/inventory/items", "v3/inventory/locations", "v3/inventory/locations/1/items", "v3/hooks",
    "v3/hooks/admin",
)  # fmt: skip


def to_store(system: BigCommerceStore) -> Send:
    """Return a function that calls the store's API, in this process."""

    def send(method: str, path: str, body: bytes, query: dict[str, list[str]] | None = None) -> Any:
        headers = {"x-auth-token": system.token}
        return system.handle(Request(method, f"/stores/{NAME}/{path}", query or {}, headers, body))

    return send


@pytest.fixture
def store() -> BigCommerceStore:
    """A store with an order, a shipment, a product and a webhook."""
    made = BigCommerceStore(NAME)
    control(made, "settings", {"quota": 10**9})
    control(made, "catalog", [{"sku": "A"}])
    control(made, "orders", [an_order(fees=[{"cost_ex_tax": 1}])])
    send = to_store(made)
    assert send("POST", "v2/orders/100/shipments", orjson.dumps(SHIPMENT)).status == 201
    hook = {"scope": "store/customer/*", "destination": "https://a.example/"}  # sends nothing
    assert send("POST", "v3/hooks", orjson.dumps(hook)).status == 200
    return made


def control(system: System, path: str, body: Any) -> Response:
    """Make a control call."""
    return system.control(Request("POST", f"/{path}", {}, {}, orjson.dumps(body)))


@pytest.mark.parametrize(("method", "path", "body"), STORE_CALLS)
def test_no_body_makes_the_store_crash(
    store: BigCommerceStore, method: str, path: str, body: Any
) -> None:
    """Each is taken or refused with 4xx, and everything can be read afterwards."""
    kept, send = store.snapshot(), to_store(store)
    for content in (*WHOLE, *map(orjson.dumps, spoiled(body))):
        answer = send(method, path, content)
        assert answer.status < 500, (content, answer.body)
        if answer.status < 300:
            for name in STORE_READS:
                assert send("GET", name, b"").status < 300, (content, name)
            store.restore(kept)


def test_no_query_makes_the_store_crash(store: BigCommerceStore) -> None:
    """Each is ignored or refused."""
    for path in STORE_READS:
        for query in QUERIES:
            answer = store.handle(
                Request("GET", f"/stores/{NAME}/{path}", query, {"x-auth-token": store.token}, b"")
            )
            assert answer.status < 500, (path, query, answer.body)


CONTROLS: tuple[tuple[str, Any], ...] = (
    ("orders", [an_order()]),
    ("orders/100/status", {"status_id": 9}),
    ("orders/100/transactions", {"event": "capture", "amount": 3}),
    ("orders/100/refunds", {"lines": [{"id": 1, "quantity": 1}]}),
    ("orders/100/messages", {"message": "m"}),
    ("orders/100/metafields", {"id": 3, "event": "updated"}),
    ("catalog", [{"sku": "B", "variants": [{"sku": "B-1"}]}]),
    ("locations", [{"id": 3, "code": "X", "address": {"city": "Y"}}]),
    ("channels", [{"id": 3, "name": "X", "status": "active"}]),
    ("stock", [{"sku": "A", "location_id": 1, "quantity": 1}]),
    ("settings", {"quota": 10**9, "scopes": ["store_v2_orders"], "inventory_delay_ms": 0}),
    ("hooks", {"retries": [1], "delay": 0, "duplicates": 0.1, "losses": 0.1, "seed": 1}),
)


@pytest.mark.parametrize(("path", "body"), CONTROLS)
def test_no_control_call_makes_the_store_crash(
    store: BigCommerceStore, path: str, body: Any
) -> None:
    """A typing error in a test or a demo is a 400 that names it."""
    kept = store.snapshot()
    for content in (*WHOLE, *map(orjson.dumps, spoiled(body))):
        answer = store.control(Request("POST", f"/{path}", {}, {}, content))
        assert answer.status < 500, (content, answer.body)
        if answer.status < 300:
            store.restore(kept)


ORDER_API = "/order/api/order/order/"
LINES: list[Json] = [{"OrderLineId": "1"}]
TENANT_CALLS: tuple[tuple[str, str, Any], ...] = (
    ("POST", f"{ORDER_API}save", order_of("o1", quantities=(1, 2))),
    ("POST", f"{ORDER_API}save", order_of("new", quantities=(1,))),
    ("POST", f"{ORDER_API}bulkImport", [order_of("new", quantities=(1,))]),
    (
        "POST",
        f"{ORDER_API}search",
        {
            "Query": "OrderId = 'o1'",
            "Template": {"OrderId": None, "OrderLine": {"OrderLineId": None}},
            "Sort": [{"attribute": "OrderId", "direction": "asc"}],
            "Page": 0,
            "Size": 5,
        },
    ),
    (
        "POST",
        f"{ORDER_API}orderId/o1/cancel",
        {"CancelReason": {"ReasonId": "Customer Request"}, "CancelComments": "c"},
    ),
    ("POST", f"{ORDER_API}orderId/o1/orderLine/cancel", {"OrderLine": LINES}),
    ("POST", f"{ORDER_API}cancel", [{"OrderId": "o1", "CancelReason": {"ReasonId": "x"}}]),
    ("POST", f"{ORDER_API}orderLine/cancel", [{"OrderId": "o1", "OrderLine": LINES}]),
    (
        "PUT",
        f"{ORDER_API}orderLine/unhold",
        {"OrderId": "o1", "OrderLine": [LINES[0] | {"OrderLineHold": [{"HoldTypeId": "h"}]}]},
    ),
    (
        "POST",
        f"{ORDER_API}changeStatus",
        {"OrderId": "o1", "OrderLine": [{"OrderLineId": "1", "StatusId": "1000.100"}]},
    ),
    ("POST", "/order/api/order/reason/search", {"Query": "ReasonTypeId = 'Cancel'", "Page": 0}),
    ("POST", "/item/api/item/item/search", {"Query": "ItemId in ('A', 'B')", "Page": 0, "Size": 9}),
    (
        "POST",
        "/inventory/api/availability/availabilitydetail",
        {"ViewName": "v", "Items": ["A"], "AvailabilityRules": []},
    ),
    (
        "POST",
        "/inventory/api/availability/beta/availabilitydetailbyview",
        {"AvailabilityRequestViews": [{"ViewName": "v"}], "Items": ["A"]},
    ),
    (
        "POST",
        "/inventory/api/availability/location/availabilitydetail",
        {"ViewName": "v", "Items": ["A"], "Locations": ["DC1"]},
    ),
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path", "body"), TENANT_CALLS)
def test_no_body_makes_the_tenant_crash(
    method: str, path: str, body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is taken or refused in the envelope, and orders can be read afterwards."""
    caller = Caller()
    caller.save(order_of("o1", quantities=(1, 2)))
    tenant: ManhattanTenant = caller.tenant
    kept = tenant.snapshot()
    for content in (*WHOLE, *map(orjson.dumps, spoiled(body))):
        with caplog.at_level(logging.ERROR):
            answer = tenant.handle(
                Request(method, path, {}, {"authorization": f"Bearer {caller.token}"}, content)
            )
        assert answer.status < 500, (content, answer.body)
        assert caplog.records == [], content
        if b'"success":true' in answer.body:
            read = Request(
                "GET",
                f"{ORDER_API}orderId/o1",
                {},
                {"authorization": f"Bearer {caller.token}"},
                b"",
            )
            assert tenant.handle(read).status < 500, content
            tenant.restore(kept)


TENANT_CONTROLS: tuple[tuple[str, Any], ...] = (
    ("items", [{"ItemId": "B", "UOM": "EA", "AlternateUOM": ["CS"]}]),
    ("locations", [{"LocationId": "DC2", "LocationTypeId": "DC"}]),
    ("supply", [{"item": "SKU-1", "location": "DC1", "quantity": 5, "expected": []}]),
    ("settings", {"late_cancellation": True, "reasons": [{"ReasonId": "x"}], "status_names": {}}),
    ("advance", {"to": "release", "seed": 1, "cancel_rate": 0, "split_rate": 0}),
    ("orders/o1/ship", {"lines": [{"line": "1", "quantity": 1}], "tracking": "1Z", "carrier": "X"}),
    ("orders/o1/cancel", {"reason": {"ReasonId": "Out Of Stock"}}),
    ("orders/o1/touch", {"stale": 1}),
    ("clock", {"now": "2026-01-01T00:00:00", "freeze": True}),
)


@pytest.mark.parametrize(("path", "body"), TENANT_CONTROLS)
def test_no_control_call_makes_the_tenant_crash(path: str, body: Any) -> None:
    """A typing error in a test or a demo is a 400 that names it."""
    caller = Caller()
    caller.save(order_of("o1", quantities=(1, 2)))
    kept = caller.tenant.snapshot()
    for content in (*WHOLE, *map(orjson.dumps, spoiled(body))):
        answer = caller.tenant.control(Request("POST", f"/{path}", {}, {}, content))
        assert answer.status < 500, (content, answer.body)
        if answer.status < 300:
            caller.tenant.restore(kept)
