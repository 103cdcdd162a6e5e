"""The simulated Integration Manager keeps the public contract (oms.md section 2)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from sandbox.oms.extensiv import ExtensivAccount
from sandbox.system import Request
from tests.sandbox.extensiv_caller import CANCEL, CREATE, STOCK, Caller, order_of
from tests.sandbox.test_odd_bodies import WHOLE, spoiled


@pytest.fixture
def caller() -> Caller:
    """An account without a rate limit."""
    return Caller()


def test_each_level_has_a_key_of_its_own(caller: Caller) -> None:
    """Wrong credentials answer 401, a key of the other level 403, both in the usual envelope."""
    for more, status in (({"key": "wrong"}, 401), ({"level": "cart"}, 403)):
        answer = caller.send("GET", STOCK, **more)
        assert answer.status == status
        assert orjson.loads(answer.body)["success_code"] is False
    assert caller.send("POST", CREATE, b"{}", level="merchant").status == 403
    assert caller.control("counts", method="GET")["unauthorized"] == 3


def test_an_order_is_created_once_by_its_cust_ref(caller: Caller) -> None:
    """The answer is flat; a second create is refused as a duplicate, whatever it holds."""
    first = caller.call("POST", CREATE, order_of())
    assert first == {"success_code": True, "cust_ref": "T-1", "order_number": "1"}
    assert caller.refused("POST", CREATE, [order_of(ship_city="Dallas")]) == (
        "Failure",
        "OrderDuplicate",
    )
    batch = caller.ok("POST", "/v1/cart/orders/batch", [order_of(), order_of("T-2"), {}])
    assert batch["success"] == ["T-2"]
    assert [(row["cust_ref"], row["index_pos"]) for row in batch["failed"]] == [
        ("T-1", 0),
        (None, 2),
    ]
    assert caller.view()["ship_city"] == "Austin"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ship_city": ""}, "ship_city"),
        ({"ship_first_name": "", "ship_last_name": None}, "ship_company"),
        ({"items": []}, "items"),
        ({"items": [{"item": "SKU-1", "quantity": 0}]}, "quantity"),
        ({"grand_total": 31.5}, "grand_total"),
        ({"sub_total": 20}, "sub_total"),
        ({"order_discount": 1, "grand_total": 32.1}, "addl_discount"),
        ({"credit_card_no": "4111"}, "credit_card_no"),
    ],
)
def test_a_wrong_order_is_refused_in_a_200(
    caller: Caller, changes: dict[str, Any], named: str
) -> None:
    """The error names the field; nothing was created."""
    code, text = caller.refused("POST", CREATE, order_of(**changes))
    assert code == "Invalid"
    assert named in text
    assert caller.control("counts", method="GET")["creates"] == 0


def test_reads_answer_money_as_text_and_the_description_with_a_capital(caller: Caller) -> None:
    """As the vendor's reads do; quantities of items and shipments are text as well."""
    order = order_of()
    order["items"][0]["description"] = "Thing"
    caller.ok("POST", CREATE, order)
    held = caller.view()
    assert held["grand_total"] == "31.10"
    assert held["items"][0]["price"] == "10.0000"
    assert held["items"][0]["Description"] == "Thing"
    assert held["items"][0]["quantity"] == "2"
    assert (held["order_status"], held["on_hold"], held["sending_canceled"]) == ("new", "N", "N")
    assert held["created_date_time"].endswith("+00:00")


def test_an_order_moves_from_new_to_confirmed(caller: Caller) -> None:
    """A partial shipment is in the list of that name; the rest follows in a carton of its own."""
    caller.ok("POST", CREATE, order_of())
    caller.advance("wms")
    assert caller.view()["order_status"] == "at_wms"
    caller.control("orders/T-1/ship", {"lines": [{"sku": "SKU-1", "quantity": 2}]})
    assert caller.view()["order_status"] == "partial"
    assert caller.listed("partial") == ["T-1"]
    caller.control("orders/T-1/ship", {"labelled": False})
    held = caller.view()
    assert (held["order_status"], held["num_shipped"], held["num_to_ship"]) == ("shipped", "3", "0")
    assert [shipment["tracking_no"] != "" for shipment in held["shipments"]] == [True, False]
    assert [item["carton_num"] for s in held["shipments"] for item in s["items"]] == [1, 2]
    caller.control("orders/T-1/track", {})
    assert caller.view()["shipments"][1]["tracking_no"]
    caller.ok("POST", "/v1/cart/orders/update/T-1", {"order_status": "confirmed"})
    assert caller.listed("confirmed") == caller.listed("shipped_or_confirmed") == ["T-1"]


def test_a_list_compares_the_date_of_its_status(caller: Caller) -> None:
    """Creation, delivery to the WMS, loading of the shipment, confirmation, error, cancellation."""
    caller.at("2026-03-01T10:00:00+00:00")
    for number in (1, 2, 3):
        caller.ok("POST", CREATE, order_of(f"T-{number}"))
    caller.control("orders/T-2/error", {"reason": "No ship method"})
    caller.at("2026-03-02T10:00:00+00:00")
    caller.advance("wms", orders=["T-1"])
    caller.ok("POST", CANCEL, {"cust_ref": "T-3"})
    caller.at("2026-03-03T10:00:00+00:00")
    caller.advance("ship", orders=["T-1"])

    def on(day: int) -> str:
        return f"from_date=2026-03-0{day}T00:00:00%2B00:00&to_date=2026-03-0{day}T23:59:59%2B00:00"

    assert caller.listed("error", on(1)) == ["T-2"]
    assert caller.listed("canceled", on(2)) == ["T-3"]
    assert caller.listed("canceled", on(1)) == []
    assert caller.listed("shipped", on(3)) == ["T-1"]
    assert caller.listed("any", on(3)) == ["T-1"]
    assert caller.listed("new_or_at_wms") == []
    path = "/v1/merchant/orders/list/any?from_date=2026-03-01T00:00:00+00:00"
    assert caller.refused("GET", path)[0] == "Invalid", "the + must be encoded"


def test_lists_have_pages_and_a_count(caller: Caller) -> None:
    """Twenty rows by default, a hundred at most; a page behind the end is empty."""
    for number in range(105):
        caller.ok("POST", CREATE, order_of(f"T-{number:03d}"))
    assert len(caller.listed("new")) == 20
    assert len(caller.listed("new", "limit=1000")) == 100
    assert caller.listed("new", "limit=100&page=2") == [f"T-{n}" for n in range(100, 105)]
    assert caller.listed("new", "limit=100&page=3") == []
    answer = caller.send("GET", "/v1/merchant/orders/list/new")
    assert answer.headers["total-records"] == "105"


def test_a_cancellation_depends_on_who_has_the_order(caller: Caller) -> None:
    """Before the WMS by one call, at the WMS by the other, and never once something left."""
    for number in (1, 2, 3):
        caller.ok("POST", CREATE, order_of(f"T-{number}"))
    caller.ok("POST", CANCEL, {"cust_ref": "T-1"})
    assert caller.view("T-1")["order_status"] == "canceled"
    caller.advance("wms")
    assert caller.refused("POST", CANCEL, {"cust_ref": "T-2"})[0] == "Failure"
    assert caller.ok("GET", "/v1/cart/orders/wms_cancel/T-2")["success"] is True
    assert caller.view("T-2")["order_status"] == "canceled"
    caller.advance("ship")
    assert caller.ok("GET", "/v1/cart/orders/wms_cancel/T-3")["success"] is False
    caller.control("settings", {"wms_cancel_is_late": True})
    caller.ok("POST", CREATE, order_of("T-4"))
    caller.advance("wms")
    assert caller.ok("GET", "/v1/cart/orders/wms_cancel/T-4")["success"] is True
    assert caller.view("T-4")["order_status"] == "at_wms"
    caller.control("orders/T-4/cancel_outcome", {"accepted": True})
    assert caller.view("T-4")["order_status"] == "canceled"


def test_errors_and_holds_keep_an_order_from_the_wms(caller: Caller) -> None:
    """An error has a reason and is tried again; a hold stays until it is released."""
    caller.control("settings", {"ship_codes": ["Express"]})
    caller.ok("POST", CREATE, order_of())
    caller.advance("wms")
    held = caller.view()
    assert (held["order_status"], held["num_failed_sends"]) == ("error", "1")
    assert "Ground" in held["error_reason"]
    caller.control("settings", {"ship_codes": ["Ground"]})
    caller.control("orders/T-1/hold", {"on_hold": True})
    caller.advance("wms")
    assert (caller.view()["order_status"], caller.view()["on_hold"]) == ("error", "Y")
    caller.control("orders/T-1/hold", {"on_hold": False})
    caller.advance("wms")
    assert caller.view()["error_reason"] is None


def test_quantities_are_numbers_in_lists_and_text_alone(caller: Caller) -> None:
    """Warehouses are under numeric texts; aliases are a list if there are none."""
    [row, *_] = caller.ok("GET", STOCK)
    alone = caller.ok("GET", f"{STOCK}/SKU-1")
    assert (row["qty_available"], alone["qty_available"]) == (100, "100")
    assert row["aliases"] == []
    assert row["warehouses"]["101"]["warehouse"] == "EAST"
    assert caller.refused("GET", f"{STOCK}/NO-SUCH")[0] == "Failure"
    aliases = [{"code_type": "UPC", "code": "0123"}]
    caller.control("items", [{"sku": "SKU-1", "aliases": aliases}])
    assert caller.ok("GET", f"{STOCK}/SKU-1")["aliases"] == {"UPC": "0123"}
    assert caller.ok("GET", "/v1/merchant/product/SKU-1")["aliases"] == aliases


def test_orders_at_the_wms_hold_stock_until_they_ship(caller: Caller) -> None:
    """Available drops when the WMS has the order, on hand when it ships; a cancel gives back."""
    caller.ok("POST", CREATE, order_of())
    caller.ok("POST", CREATE, order_of("T-2"))
    assert caller.ok("GET", f"{STOCK}/SKU-1")["qty_available"] == "100"
    caller.advance("wms")
    assert caller.ok("GET", f"{STOCK}/SKU-1")["qty_available"] == "96"
    caller.ok("GET", "/v1/cart/orders/wms_cancel/T-2")
    caller.advance("ship")
    row = caller.ok("GET", f"{STOCK}/SKU-1")
    assert (row["qty_available"], row["qty_on_hand"]) == ("98", "98")
    caller.control("supply", [{"item": "SKU-1", "location": "EAST", "quantity": None}])
    assert [row["sku"] for row in caller.ok("GET", STOCK)] == ["SKU-2", "SKU-3"]


def test_all_but_new_orders_share_a_leaky_bucket() -> None:
    """Over it a call answers 200 with RateLimit; the header states what is left."""
    caller = Caller(bucket=3)
    for number in range(5):
        caller.ok("POST", CREATE, order_of(f"T-{number}"))
    left = [
        caller.send("GET", STOCK).headers["X-CartRover-Api-Minute-Hits-Remaining"] for _ in range(3)
    ]
    assert left == ["2", "1", "0"]
    assert caller.refused("GET", STOCK)[0] == "RateLimit"
    assert caller.control("counts", method="GET")["throttled"] == 1


def test_a_restart_continues_where_it_stopped(caller: Caller) -> None:
    """Orders, stock and settings survive, and what the truth says is the same."""
    caller.ok("POST", CREATE, order_of())
    caller.advance("ship")
    again = ExtensivAccount("acme")
    again.restore(caller.account.snapshot())
    truth = orjson.loads(again.control(Request("GET", "/truth", {}, {}, b"")).body)
    assert truth == caller.control("truth", method="GET")
    [order] = truth["orders"]
    assert (order["id"], order["state"], len(order["parcels"])) == ("T-1", "shipped", 1)
    assert caller.control("effects/order/T-1", method="GET")["creates"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", CREATE, order_of("T-9", extra_fields={"a": "b"})),
        ("POST", "/v1/cart/orders/batch", [order_of("T-9")]),
        ("POST", CANCEL, {"cust_ref": "T-1"}),
        (
            "POST",
            "/v1/cart/orders/update/T-2",
            {"order_status": "confirmed", "shipments": [{"tracking_no": "1Z"}]},
        ),
    ],
)
def test_no_body_makes_the_account_crash(caller: Caller, method: str, path: str, body: Any) -> None:
    """Each is taken or refused in a 200, and everything can be read afterwards."""
    caller.ok("POST", CREATE, order_of())
    caller.ok("POST", CREATE, order_of("T-2"))
    caller.advance("ship", orders=["T-2"])
    kept = caller.account.snapshot()
    for content in (*WHOLE, *map(orjson.dumps, spoiled(body))):
        answer = caller.send(method, path, content)
        assert answer.status == 200, (content, answer.body)
        if orjson.loads(answer.body)["success_code"]:
            for read in ("/v1/merchant/orders/list/any", STOCK, "/v1/merchant/orders/T-1"):
                assert caller.send("GET", read).status == 200, (content, read)
            caller.advance("ship")
            caller.account.restore(kept)


@pytest.mark.parametrize(
    "query", ["page=0", "limit=x", "from_date=x", "to_date=9999-99-99", "page=-1"]
)
def test_no_query_makes_the_account_crash(caller: Caller, query: str) -> None:
    """Each is refused in a 200."""
    assert caller.refused("GET", f"/v1/merchant/orders/list/any?{query}")[0] == "Invalid"
