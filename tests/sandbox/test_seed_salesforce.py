"""A seed's orders, in its one form, are orders of a Salesforce org that add up there."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sandbox.seed import registered, synthetic_seed
from tests.sandbox.simulated_org import Caller

Json = dict[str, Any]
DAY = date(2026, 3, 4)
TEXT = (
    "SELECT OrderNumber, TaxLocaleType, GrandTotalAmount, TotalTaxAmount, (SELECT Type, Quantity, "
    "TotalLineAmount, TotalLineAmountWithTax, TotalPrice, TotalTaxAmount, TotalAmtWithTax, "
    "(SELECT TotalAmtWithTax FROM OrderItemAdjustmentLineSummaries) FROM OrderItemSummaries), "
    "(SELECT Id FROM OrderDeliveryGroupSummaries) FROM OrderSummary"
)


def cents(value: float) -> Decimal:
    """Return an amount, exactly as it is written."""
    return Decimal(str(value))


@pytest.fixture(scope="module")
def org() -> Caller:
    """Return an org with orders of every shape, without dirt."""
    caller, seed = Caller(), synthetic_seed.seed_set(150, 11, DAY, 1)
    caller.control("seed/catalog", seed.products)
    placed = caller.control("seed/orders", list(seed.documents()))
    assert len(placed["ids"]) == 150
    return caller


def test_orders_add_up_and_cost_what_the_seed_says(org: Caller) -> None:
    """Items come to the total, with taxes as stated; discounts are what is off a line."""
    given = {str(o["id"]): o for o in synthetic_seed.seed_set(150, 11, DAY, 1).documents()}
    rows = org.query(TEXT)["records"]
    assert {row["OrderNumber"] for row in rows} == given.keys()
    for row in rows:
        items = row["OrderItemSummaries"]["records"]
        total = sum(cents(item["TotalAmtWithTax"]) for item in items)
        assert total == cents(row["GrandTotalAmount"]), row["OrderNumber"]
        source = given[row["OrderNumber"]]
        assert total == Decimal(source["total_inc_tax"])
        assert sum(cents(item["TotalTaxAmount"]) for item in items) == cents(row["TotalTaxAmount"])
        for item in items:
            rows_of = item["OrderItemAdjustmentLineSummaries"] or {"records": []}
            off = sum(cents(each["TotalAmtWithTax"]) for each in rows_of["records"])
            if row["TaxLocaleType"] == "Gross" and item["Type"] == "Order Product":
                whole = cents(item["TotalLineAmountWithTax"]) + off
                assert whole == cents(item["TotalAmtWithTax"])


def test_orders_of_several_addresses_have_a_group_for_each(org: Caller) -> None:
    """And everything has one: at the vendor no item is without."""
    groups = [
        len(row["OrderDeliveryGroupSummaries"]["records"]) for row in org.query(TEXT)["records"]
    ]
    assert min(groups) == 1
    assert max(groups) > 1
    items = org.query("SELECT OrderDeliveryGroupSummaryId FROM OrderItemSummary")["records"]
    assert all(item["OrderDeliveryGroupSummaryId"] for item in items)


def test_a_seeds_customers_are_accounts_with_a_contact(org: Caller) -> None:
    """With their addresses; guests of orders are none."""
    rows = registered.customers(6, 7)
    ids = org.control("seed/customers", rows)["ids"]
    known = {each["id"]: each for each in org.control("truth", method="GET")["customers"]}
    assert list(known) == ids
    for identifier, row in zip(ids, rows, strict=True):
        assert known[identifier]["email"] == row["email"]
        assert len(known[identifier]["addresses"]) == len(row["addresses"])


def test_what_is_no_amount_or_date_is_refused(org: Caller) -> None:
    """The store takes no such order."""
    [order, *_] = synthetic_seed.seed_set(1, 3, DAY, 1).documents()
    for change in ({"total_inc_tax": "much"}, {"date_created": "soon"}):
        with pytest.raises(AssertionError, match="ValueError"):
            org.control("seed/orders", [order | {"id": 99} | change])
