"""The comparison of two systems finds each kind of difference, whichever systems they are."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from orchestration.local import asked, verify
from orchestration.local.truth import Systems

Json = dict[str, Any]
MUG: Json = {"line": "L1", "sku": "MUG", "quantity": 3}
FILE: Json = {"line": "L2", "sku": "FILE", "quantity": 1, "emailed": "4.00"}
PARCEL: Json = {"key": "p", "tracking": "T1", "carrier": "UPS", "lines": [MUG]}
IN_STORE: Json = {
    "id": "uuid-1", "number": "1001", "canceled": False, "awaits_fulfilment": True, "places": 1,
    "lines": [MUG, FILE], "parcels": [PARCEL], "total": "34.00",
}  # fmt: skip
AT_OMS: Json = IN_STORE | {"id": "1001", "creates": 1}
CUSTOMER: Json = {
    "id": "c1",
    "active": True,
    "email": "a@mail.example",
    "first_name": "A",
    "last_name": "B",
    "addresses": [["a1", "Austin"]],
}


class Held(Systems):
    """Two systems that hold what a test says."""

    def __init__(self, store: Json, oms: Json, *, ships_only: bool = False) -> None:
        super().__init__("", "store", "oms", ships_only=ships_only)
        self._held = {"store": store, "oms": oms}

    def _truth(self, url: str) -> Json:
        return {"orders": [], "levels": []} | self._held["store" if "/store/" in url else "oms"]


def orders_of(
    monkeypatch: pytest.MonkeyPatch, systems: Held, outcome: tuple[str, str] = ("accepted", "")
) -> list[str]:
    """Return the differences of orders, whose outcome in the ledger is given."""
    monkeypatch.setattr(verify, "_outcomes", lambda *_: {"uuid-1": outcome})
    return verify.order_differences(systems, "", "acme")


def test_orders_are_found_by_number_and_outcomes_by_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store's id need not be what its order is called at the OMS."""
    systems = Held({"orders": [IN_STORE]}, {"orders": [AT_OMS]})
    assert orders_of(monkeypatch, systems) == []
    lost = Held({"orders": [IN_STORE]}, {})
    assert orders_of(monkeypatch, lost) == ["order 1001: accepted () but not at the OMS"]
    assert orders_of(monkeypatch, lost, ("rejected", "country_missing")) == []
    assert (
        "never captured"
        in verify.order_differences(Held({"orders": [IN_STORE | {"id": "other"}]}, {}), "", "acme")[
            0
        ]
    )


def test_units_totals_and_duplicates_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each difference is named with what both hold."""
    wrong = deepcopy(AT_OMS) | {"total": "33.99", "creates": 2}
    wrong["lines"][0]["quantity"] = 2
    found = orders_of(monkeypatch, Held({"orders": [IN_STORE]}, {"orders": [wrong]}))
    assert found == [
        "order 1001: the store has 3 of line L1, 1 of line L2, the OMS 2 of line L1, 1 of line L2",
        "order 1001: total 34.00 in the store, 33.99 at the OMS",
        "order 1001: created 2 times at the OMS",
    ]


def test_an_oms_that_only_ships_lacks_what_is_emailed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line and its price; any other OMS must hold them."""
    shipped = AT_OMS | {"lines": [MUG], "total": "30.00"}
    store, oms = {"orders": [IN_STORE]}, {"orders": [shipped]}
    assert orders_of(monkeypatch, Held(store, oms, ships_only=True)) == []
    assert len(orders_of(monkeypatch, Held(store, oms))) == 2


@pytest.mark.parametrize(("places", "is_fine"), [(0, True), (1, False), (2, True)])
def test_only_what_has_no_place_may_be_refused(
    monkeypatch: pytest.MonkeyPatch, places: int, is_fine: bool
) -> None:
    """An order to one address that the OMS refuses is a difference."""
    systems = Held({"orders": [IN_STORE | {"places": places}]}, {}, ships_only=True)
    assert (orders_of(monkeypatch, systems, ("accepted", "rejected")) == []) is is_fine


def test_parcels_are_compared_by_line_or_by_sku() -> None:
    """By SKU where the OMS names no lines; a parcel that is there twice is found either way."""
    by_sku = {"tracking": "T1", "lines": [{"sku": "MUG", "quantity": 3}]}
    for oms in (AT_OMS, AT_OMS | {"parcels": [by_sku]}):
        assert verify.shipment_differences(Held({"orders": [IN_STORE]}, {"orders": [oms]})) == []
        twice = IN_STORE | {"parcels": [PARCEL, PARCEL]}
        [found] = verify.shipment_differences(Held({"orders": [twice]}, {"orders": [oms]}))
        assert "3 shipped by the OMS, 6 in the store's shipments" in found


def test_a_line_that_goes_to_several_addresses_is_one_in_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The OMS has a line for each address."""
    parts = [{"line": f"L1~{n}", "sku": "MUG", "quantity": n} for n in (1, 2)]
    oms = AT_OMS | {"lines": [*parts, FILE], "parcels": [PARCEL | {"lines": parts}]}
    systems = Held({"orders": [IN_STORE]}, {"orders": [oms]})
    assert orders_of(monkeypatch, systems) == []
    assert verify.shipment_differences(systems) == []


def test_customers_are_compared_field_by_field() -> None:
    """One that left the store is inactive at the OMS; all others are held by both alike."""
    gone = CUSTOMER | {"id": "c2", "active": False}
    agree = Held({"customers": [CUSTOMER]}, {"customers": [CUSTOMER, gone]})
    assert verify.customer_differences(agree) == []
    other = CUSTOMER | {"email": "b@mail.example", "addresses": []}
    more = CUSTOMER | {"id": "c3"}
    found = verify.customer_differences(
        Held({"customers": [CUSTOMER, more]}, {"customers": [other, CUSTOMER | {"id": "c4"}]})
    )
    assert found == [
        "customer c3: in the store only",
        "customer c4: at the OMS only",
        "customer c1: email, addresses differ",
    ]


def returned(at_oms: list[Json], **in_store: list[Json]) -> list[str]:
    """Return the differences of returns between an OMS and a store of the order 1001."""
    oms = {"orders": [{"id": "1001", "number": "another"}], "returns": at_oms}
    return verify.return_differences(
        Held({"orders": [{"id": "9", "number": "1001"}], **in_store}, oms)
    )


def test_a_unit_that_is_returned_at_one_end_only_is_reported() -> None:
    """By what the store shows as returned, or refunds; and so is money without a return."""
    lines = [{"line": "5", "quantity": 1}]
    confirmed = [{"order": "1001", "lines": lines, "confirmed": lines}]
    refund = {"order": "9", "amount": "9.60", "lines": lines}
    assert returned(confirmed, refunds=[refund]) == []
    shown = [{"order": "9", "lines": lines}]
    assert returned(confirmed, refunds=[refund | {"lines": []}], returns=shown) == []
    [unit, money] = returned(confirmed, refunds=[])
    assert "1 units returned at the OMS, 0 in the store" in unit
    assert "nothing refunded" in money
    failed = returned(
        confirmed, refunds=[refund | {"lines": [], "state": "Failure"}], returns=shown
    )
    assert failed == ["order 1001: returned, and nothing refunded"]
    twice = returned(confirmed, refunds=[refund, refund])
    assert twice == ["order 1001, line 5: 1 units returned at the OMS, 2 in the store"]
    assert "9.60 refunded without a return" in returned([], refunds=[refund | {"lines": []}])[0]


def test_prices_of_the_oms_are_looked_for_in_the_store_by_amount() -> None:
    """Those of its own list; what the store does not sell is none of its prices."""
    prices = [
        {"sku": sku, "price_list": name, "currency": "USD", "regular": amount, "sale": ""}
        for sku, name, amount in (("MUG", "", "10.50"), ("GONE", "", "1"), ("MUG", "B2B", "7"))
    ]
    sold = [{"sku": "MUG", "name": "Mug"}]
    shown = [prices[0] | {"regular": "10.5"}]
    oms = {"prices": prices}
    assert asked.price_differences(Held({"prices": shown, "products": sold}, oms)) == []
    assert asked.price_differences(Held({"prices": [], "products": sold}, oms)) == [
        "SKU MUG: 10.50 at the OMS, none in the store"
    ]
