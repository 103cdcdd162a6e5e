"""What the systems hold is shown in one form, which verification compares."""

from __future__ import annotations

from sandbox.kit.truth import TrueOrder, Truth
from tests.sandbox.extensiv_caller import CREATE, order_of
from tests.sandbox.extensiv_caller import Caller as Account
from tests.sandbox.manhattan_caller import Caller as Tenant
from tests.sandbox.manhattan_caller import order_of as manhattan_order
from tests.sandbox.simulated_store import Store

REQUIRED = {"id", "number", "canceled", "lines", "parcels", "total"}
"""What every order states, whichever system holds it."""


def only_order(truth: Truth) -> TrueOrder:
    """Return the one order, which has the form that all of them have."""
    [order] = truth["orders"]
    assert order.keys() >= REQUIRED
    for parcel in order["parcels"]:
        assert parcel.keys() >= {"key", "tracking", "carrier", "lines"}
    for line in [*order["lines"], *(one for p in order["parcels"] for one in p["lines"])]:
        assert line.keys() >= {"sku", "quantity"}
    for level in truth["levels"]:
        assert level.keys() >= {"sku", "location", "available"}
    return order


def test_a_store_says_what_was_bought_and_shipped(store: Store) -> None:
    """And whether the merchant waits for the order."""
    line = {"sku": "MUG", "name": "Mug", "quantity": 3, "price_ex_tax": "4", "price_inc_tax": "5"}
    address = {"first_name": "Jo", "country_iso2": "US", "shipping_method": "Ground"}
    [number] = store.place({"status_id": 11, "products": [line], "shipping_addresses": [address]})
    before = only_order(store.control.get("/truth").json())
    [bought] = before["lines"]
    assert (before["awaits_fulfilment"], before["canceled"]) == (True, False)
    assert (bought["sku"], bought["quantity"], float(before["total"])) == ("MUG", 3, 15.0)

    store.ship(number, {int(bought["line"]): 2}, tracking_number="1Z9")

    [parcel] = only_order(store.control.get("/truth").json())["parcels"]
    assert parcel["tracking"] == "1Z9"
    assert [(one["line"], one["sku"], one["quantity"]) for one in parcel["lines"]] == [
        (bought["line"], "MUG", 2)
    ]


def test_an_oms_says_what_was_ordered_shipped_and_is_left() -> None:
    """And how often the order was created."""
    tenant = Tenant()
    tenant.save(manhattan_order(quantities=(3,)))
    parcel = {"lines": [{"line": "1", "quantity": 1}], "tracking": "T1", "carrier": "ACME"}
    tenant.control("orders/1001/ship", parcel)
    truth: Truth = tenant.control("truth", method="GET")
    order = only_order(truth)
    assert (order["id"], order["number"], order["creates"]) == ("1001", "alt-1001", 1)
    assert [(one["line"], one["quantity"]) for one in order["lines"]] == [("1", 3)]
    assert [(p["tracking"], p["carrier"], p["lines"][0]["quantity"]) for p in order["parcels"]] == [
        ("T1", "ACME", 1)
    ]
    left = {level["sku"]: level["available"] for level in truth["levels"]}
    assert left == {"SKU-1": 97, "SKU-2": 100, "SKU-3": 100}
    tenant.save(manhattan_order(quantities=(3,)))
    assert only_order(tenant.control("truth", method="GET"))["creates"] == 1


def test_an_account_has_the_same_form() -> None:
    """Another OMS, whose parcels are cartons."""
    account = Account()
    account.ok("POST", CREATE, order_of())
    account.advance("ship")
    order = only_order(account.control("truth", method="GET"))
    assert (order["id"], order["creates"], len(order["parcels"])) == ("T-1", 1, 1)
