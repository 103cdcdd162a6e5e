"""Parts of orders that the store states twice, or not at all: wrapping, places, prices, taxes."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from domain.records.orders import ChargeKind
from tests.resources.platforms.bigcommerce.stores import (
    ADDRESS,
    LINE,
    line_of,
    mapped,
    order,
    rejected,
)

Json = dict[str, Any]
D = Decimal


def wrapped(of_line: str, of_order: str) -> Json:
    """Return an order whose line and header state these costs of gift wrap, without tax."""
    total = f"{D('27.5000') + D(of_order):.4f}"
    document = order(
        wrapping_cost_ex_tax=of_order, wrapping_cost_inc_tax=of_order, total_inc_tax=total
    )
    line_of(document).update(
        wrapping_name="Red", wrapping_cost_ex_tax=of_line, wrapping_cost_inc_tax=of_line
    )
    return document


@pytest.mark.parametrize(
    ("of_line", "of_order", "charges"),
    [
        ("0.0000", "3.0000", [("gift_wrap", D("3.00"))]),
        ("2.0000", "3.0000", [("gift_wrap", D("3.00"))]),
        ("2.0000", "0.0000", []),
    ],
)
def test_the_gift_wrap_of_the_order_decides_where_its_lines_disagree(
    of_line: str, of_order: str, charges: list[tuple[str, Decimal]]
) -> None:
    """It is what the shopper was charged; a line's own is then left out."""
    found = mapped(wrapped(of_line, of_order))
    wraps = [(c.charge_id, c.amount) for c in found.charges if c.kind is ChargeKind.GIFT_WRAP]
    assert wraps == charges
    assert found.lines[0].charges == ()


def test_the_tax_of_gift_wrap_alone_is_a_charge_of_the_order() -> None:
    """The order's taxes hold it."""
    document = order(wrapping_cost_tax="0.2000", total_tax="2.7000", total_inc_tax="27.7000")
    [wrap] = [c for c in mapped(document).charges if c.kind is ChargeKind.GIFT_WRAP]
    assert (wrap.amount, wrap.tax) == (0, D("0.20"))


def test_a_line_that_is_fetched_apart_is_placed_by_its_pickup() -> None:
    """By the consignment's id, or by its method's, which the line names."""
    document = order(items_total=2)
    pickup = {"id": 7, "pickup_method_id": 12, "location": {"code": " EAST "}, "line_items": []}
    document["consignments"]["shipping"] = []
    document["consignments"]["pickups"] = [pickup]
    document |= {
        "shipping_cost_ex_tax": "0",
        "shipping_cost_inc_tax": "0",
        "shipping_cost_tax": "0",
        "total_tax": "2.0000",
        "total_inc_tax": "22.0000",
    }
    line = LINE | {"order_address_id": 0, "order_pickup_method_id": 12}
    pickup["line_items"] = [{"url": "x", "resource": "/orders/1001/products/501"}]
    places = {"pickup_locations": {"EAST": "STORE1"}}
    found = mapped({"order": document, "products": [line]}, places)
    [group] = found.groups
    assert (found.lines[0].group_id, group.location) == (group.group_id, "STORE1")


def test_a_shipping_address_without_an_id_is_a_problem_of_it() -> None:
    """Its shipments could not be made."""
    document = order()
    document["consignments"]["shipping"][0]["id"] = None
    assert rejected(document)["address_id_missing"].field == "consignments.shipping[0].id"


@pytest.mark.parametrize("name", ["street_2", "company", "phone"])
def test_a_part_of_an_address_that_is_null_is_empty(name: str) -> None:
    """The order is the same as with an empty text."""
    documents = []
    for value in (None, ""):
        document = order(billing_address=deepcopy(ADDRESS) | {name: value})
        document["consignments"]["shipping"][0][name] = value
        documents.append(document)
    assert mapped(documents[0]) == mapped(documents[1])


@pytest.mark.parametrize(
    ("name", "included"), [("price", False), ("total", False), ("price", True), ("total", True)]
)
@pytest.mark.parametrize("value", [None, ""])
def test_a_line_without_an_amount_is_a_problem_of_that_amount(
    name: str, included: bool, value: object
) -> None:
    """By the order's kind of prices, with or without tax; nothing counts as free."""
    field = f"{name}_inc_tax" if included else f"{name}_ex_tax"
    document = order(is_tax_inclusive_pricing=included)
    line_of(document)[field] = value
    problem = rejected(document)["amount_missing"]
    assert problem.field == f"consignments.shipping[0].line_items[0].{field}"


@pytest.mark.parametrize("total", [None, 0])
def test_an_order_without_a_number_of_units_is_taken_by_its_lines(total: object) -> None:
    """Only a number above theirs says that lines are missing."""
    assert [line.quantity for line in mapped(order(items_total=total)).lines] == [2]


def test_the_taxes_of_discounted_lines_are_of_what_is_left_of_them() -> None:
    """A line without a discount keeps its own tax."""
    document = order(items_total=4)
    line = line_of(document)
    plain = deepcopy(line) | {"id": 502}
    document["consignments"]["shipping"][0]["line_items"].append(plain)
    line["applied_discounts"] = [{"id": "coupon", "amount": "10.0000", "code": "TEN"}]
    document |= {
        "coupon_discount": "10.0000",
        "total_tax": "3.5000",
        "total_ex_tax": "35.0000",
        "total_inc_tax": "38.5000",
    }
    first, second = mapped(document).lines
    assert (first.total_tax(), second.total_tax()) == (D("1.00"), D("2.00"))
