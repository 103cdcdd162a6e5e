"""The simulated Anchanto account: the assumed contract, called without the product's client."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.oms.anchanto import AnchantoAccount
from tests.sandbox.anchanto_caller import LOGIN, Caller, order_of


@pytest.fixture
def caller() -> Caller:
    """Return an account with three SKUs."""
    return Caller()


def test_a_token_is_needed_and_expires(caller: Caller) -> None:
    """The raw token, or with ``Bearer`` where the account is set so; a wrong login has none."""
    assert caller.send("GET", "/orders", jwt="wrong").status == 401
    assert caller.send("GET", "/orders", jwt=f"Bearer {caller.jwt}").status == 401
    caller.control("settings", {"bearer": True})
    assert caller.send("GET", "/orders", jwt=f"Bearer {caller.jwt}").status == 200
    caller.control("expire")
    assert caller.send("GET", "/orders", jwt=f"Bearer {caller.jwt}").status == 401
    wrong = {"api_user": LOGIN["api_user"] | {"password": "no"}}
    assert caller.refused("POST", "/login", wrong) == (401, "Invalid email or password")


def test_a_number_is_taken_once_in_its_sales_channel(caller: Caller) -> None:
    """Another channel may have an order of the same number."""
    made = caller.create()
    assert (made["number"], made["status"]) == ("T-1", "New")
    again = caller.refused("POST", "/orders", {"order": order_of()})
    assert again == (422, "Number has already been taken")
    assert caller.create(store_code="SHOP")["id"] != made["id"]
    assert caller.listed("store_code=SHOP") == ["T-1"]
    held = caller.control("truth", method="GET")["orders"]
    assert [(order["creates"], order["refused"]) for order in held] == [(1, 1), (1, 0)]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"number": ""}, "number can't be blank"),
        ({"store_code": None}, "store_code can't be blank"),
        ({"order_items": []}, "order_items is required"),
        ({"shipping_address": {"city": "Austin"}}, "shipping_address.address1 can't be blank"),
        ({"status": "Packed"}, "status must be one of"),
        ({"totals": {"subtotal": 9}}, "totals.subtotal is 9, and the lines add up to 25.1"),
        ({"totals": {"subtotal": "x"}}, "totals.subtotal is not a number"),
    ],
)
def test_a_wrong_order_is_refused_with_the_field(
    caller: Caller, changes: dict[str, Any], text: str
) -> None:
    """And not created."""
    status, message = caller.refused("POST", "/orders", {"order": order_of(**changes)})
    assert (status, message[: len(text)]) == (422, text)
    assert caller.listed() == []


def test_an_order_passes_through_its_statuses(caller: Caller) -> None:
    """Tracking and carrier at ready to ship; the manifest makes it shipped."""
    caller.create()
    assert caller.view()["status"] == "New"
    caller.advance("wms")
    assert caller.view()["status"] == "Ready_for_Fulfilment"
    assert caller.stock()["SKU-1", "EAST"] == (98, 100, 2)
    caller.advance("ready")
    [ready] = caller.shipments()
    assert (caller.view()["status"], ready["status"]) == ("Ready_to_Ship", "Ready_to_Ship")
    assert ready["tracking_number"]
    assert ready["carrier_code"]
    assert (ready["manifest_number"], ready["shipped_at"]) == ("", None)
    caller.advance("ship")
    [sent] = caller.shipments()
    assert (caller.view()["status"], sent["status"]) == ("In_transit", "In_transit")
    assert sent["manifest_number"]
    assert sent["shipped_at"]
    assert caller.stock()["SKU-1", "EAST"] == (98, 98, 0)
    caller.control("orders/T-1/deliver")
    assert caller.view()["status"] == "Delivered"
    caller.control("orders/T-1/complete")
    assert caller.view()["status"] == "Completed"


def test_an_order_is_split_into_several_shipments(caller: Caller) -> None:
    """Each with its own number; the order is as far as all of its units are."""
    caller.create()
    caller.control("orders/T-1/ready", {"lines": [{"sku": "SKU-1", "quantity": 1}]})
    assert caller.view()["status"] == "Ready_for_Fulfilment"
    caller.control("orders/T-1/manifest")
    caller.control("orders/T-1/ready", {"labelled": False})
    assert caller.view()["status"] == "Packed"
    caller.control("orders/T-1/track", {"tracking": "1Z5R89390357567127", "carrier": "UPS"})
    assert caller.view()["status"] == "Ready_to_Ship"
    first, second = caller.shipments()
    assert first["items"] == [{"sku": "SKU-1", "quantity": 1}]
    assert second["items"] == [{"sku": "SKU-1", "quantity": 1}, {"sku": "SKU-2", "quantity": 1}]
    assert second["tracking_number"] == "1Z5R89390357567127"
    assert len(caller.control("truth", method="GET")["orders"][0]["parcels"]) == 2


def test_an_order_is_canceled_until_it_is_packed(caller: Caller) -> None:
    """Later it is refused, with its status; what was reserved is free again."""
    for number, to in (("T-1", ""), ("T-2", "wms"), ("T-3", "ready")):
        caller.create(number)
        if to:
            caller.advance(to, orders=[number])
    for number in ("T-1", "T-2"):
        assert caller.ok("POST", f"/orders/{number}/cancel", {})["data"]["status"] == "Canceled"
    assert caller.stock()["SKU-1", "EAST"] == (98, 100, 2)
    late = caller.refused("POST", "/orders/T-3/cancel", {})
    assert late == (422, "Order can't be cancelled in status Ready_to_Ship")
    assert caller.refused("POST", "/orders/T-1/cancel", {})[1] == "Order is already cancelled"
    assert caller.refused("POST", "/orders/T-9/cancel", {}) == (404, "Order not found")


def test_lists_begin_at_a_time_and_have_pages(caller: Caller) -> None:
    """The oldest change first; a status and a size may be asked for."""
    for minute in (1, 2, 3):
        caller.at(f"2026-03-04T05:0{minute}:00Z")
        caller.create(f"T-{minute}")
    assert caller.listed("filter[updated_at_from]=2026-03-04T05:02:00Z") == ["T-2", "T-3"]
    assert caller.listed("page[size]=2&page[number]=2") == ["T-3"]
    assert caller.ok("GET", "/orders?page[size]=2")["meta"] == {"total_pages": 2}
    assert caller.listed("page[number]=9") == []
    assert caller.listed("filter[status]=Packed") == []
    assert caller.refused("GET", "/orders?page[size]=0")[0] == 422
    assert caller.refused("GET", "/stocks?filter[updated_at_from]=soon")[0] == 422


def test_only_orders_that_the_seller_ships_go_on_to_the_warehouse(caller: Caller) -> None:
    """Those that the marketplace ships stay if they are."""
    caller.create("T-1", shipped_via="marketplace")
    caller.create("T-2", shipped_via="seller")
    assert caller.advance("day")["held"] == 1
    assert [caller.view(number)["status"] for number in ("T-1", "T-2")] == ["New", "In_transit"]


def test_an_order_without_stock_waits_as_partial() -> None:
    """Partial means waiting for stock, not shipped in part."""
    caller = Caller(wait_for_stock=True)
    caller.create(
        order_items=[{"line_id": "1", "sku": "SKU-1", "quantity": 101, "unit_price": 1}],
        totals={"subtotal": 101},
    )
    caller.advance("day")
    assert caller.view()["status"] == "Partial"
    caller.control("supply", [{"item": "SKU-1", "location": "EAST", "quantity": 200}])
    caller.advance("day")
    assert caller.view()["status"] == "In_transit"


def test_stock_is_by_warehouse_less_what_is_reserved_and_kept_back(caller: Caller) -> None:
    """A SKU that lies nowhere is listed with 0; a null quantity removes it."""
    caller.control("items", [{"sku": "NEW"}])
    row = {"item": "SKU-1", "location": "WEST", "quantity": 5, "buffer": 2}
    caller.control("supply", [row, {"item": "SKU-3", "location": "EAST", "quantity": None}])
    stock = caller.stock()
    assert stock["SKU-1", "WEST"] == (3, 5, 0)
    assert stock["NEW", "EAST"] == (0, 0, 0)
    assert {sku for sku, _ in stock} == {"SKU-1", "SKU-2", "NEW"}
    asked = caller.listed("filter[sku][]=SKU-1&filter[sku][]=NEW", "/stocks", "warehouse_code")
    assert asked == ["EAST", "EAST", "WEST"]


def test_more_calls_than_the_limit_are_refused() -> None:
    """With the time to wait; nothing of such a call is done."""
    caller = Caller()
    caller.control("settings", {"requests_per_second": 2})
    answers = [caller.send("GET", "/orders") for _ in range(5)]
    assert answers[-1].status == 429
    assert answers[-1].headers["Retry-After"] == "1"


def test_a_restored_account_continues(caller: Caller) -> None:
    """With its orders, shipments, stock, tokens and settings."""
    caller.create()
    caller.control("orders/T-1/ready", {"lines": [{"sku": "SKU-2", "quantity": 1}]})
    again = AnchantoAccount("acme")
    again.restore(caller.account.snapshot())
    assert again.snapshot() == caller.account.snapshot()
    caller.account = again
    caller.advance("ship")
    assert len(caller.shipments()) == 2
    with pytest.raises(ValueError, match="format"):
        AnchantoAccount("acme").restore(b'{"format":0}')


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"order":7}', b'{"order":{}}'])
def test_a_body_of_another_shape_is_refused(caller: Caller, body: bytes) -> None:
    """As the vendor would, without a crash."""
    answer = caller.send("POST", "/orders", body)
    assert answer.status in (400, 422)
    assert caller.control("counts", method="GET")["crashed"] == 0


def test_control_names_what_is_wrong_with_a_call(caller: Caller) -> None:
    """A misspelt step or setting is an error, and an unknown order is not found."""
    for path, body in (
        ("advance", {"to": "moon"}),
        ("advance", {"speed": 1}),
        ("settings", {"bucket": 1}),
        ("settings", {"bearer": "yes"}),
    ):
        with pytest.raises(AssertionError):
            caller.control(path, body)
    with pytest.raises(AssertionError):
        caller.control("orders/T-9/touch")
