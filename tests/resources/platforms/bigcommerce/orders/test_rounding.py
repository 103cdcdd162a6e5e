"""Orders whose amounts the store has rounded, in currencies of any minor unit."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from domain.records.orders import Order
from domain.schemas.orders import order_problems
from tests.resources.platforms.bigcommerce.stores import Json, line_of, mapped, order, rejected


def order_in(
    currency: str, lines: list[tuple[int, str, str, str]], shipping: str, tax: str, total: str
) -> Json:
    """Return an order of lines (quantity, price, total, tax); shipping is not taxed."""
    document = order(
        default_currency_code=currency,
        total_tax=tax,
        total_inc_tax=total,
        items_total=sum(line[0] for line in lines),
        shipping_cost_ex_tax=shipping,
        shipping_cost_inc_tax=shipping,
        shipping_cost_tax="0",
    )
    consignment = document["consignments"]["shipping"][0]
    consignment |= {"cost_ex_tax": shipping, "cost_inc_tax": shipping, "cost_tax": "0"}
    sample = line_of(document)
    consignment["line_items"] = [
        copy.deepcopy(sample)
        | {"id": 501 + i, "quantity": quantity, "total_tax": line_tax}
        | {"price_ex_tax": price, "total_ex_tax": line_total}
        for i, (quantity, price, line_total, line_tax) in enumerate(lines)
    ]
    return document


def accepted(document: Json, **policy: Any) -> Order:
    """Map an order, and check it as a batch of one: both must agree on what rounding is."""
    result = mapped(document, policy or None)
    assert order_problems([result], None) == {}
    return result


@pytest.mark.parametrize(
    ("currency", "quantity", "price", "total"),
    [
        ("USD", 24, "4.17", "99.99"),
        ("EUR", 144, "0.69", "100.00"),
        ("JPY", 7, "143", "1000"),
        ("KWD", 24, "0.417", "9.999"),
    ],
)
def test_a_price_may_be_rounded_by_half_a_minor_unit_a_unit(
    currency: str, quantity: int, price: str, total: str
) -> None:
    """What the line comes to is what the store states; the OMS gets the difference as rounding."""
    whole = str(Decimal(total) + 5)
    result = accepted(order_in(currency, [(quantity, price, total, "0")], "5", "0", whole))
    assert (result.lines[0].unit_price, result.lines[0].line_total) == (
        Decimal(price),
        Decimal(total),
    )


@pytest.mark.parametrize(
    ("currency", "quantity", "price", "total"),
    [
        ("USD", 24, "4.17", "99.90"),
        ("USD", 1, "4.17", "4.19"),
        ("KWD", 2, "4.170", "8.344"),
        ("JPY", 2, "143", "288"),
    ],
)
def test_more_than_that_is_a_mismatch(currency: str, quantity: int, price: str, total: str) -> None:
    """The allowance grows with the units and the currency's minor unit, and with nothing else."""
    whole = str(Decimal(total) + 5)
    document = order_in(currency, [(quantity, price, total, "0")], "5", "0", whole)
    assert set(rejected(document)) == {"line_total_mismatch"}


@pytest.mark.parametrize(
    ("currency", "line", "tax", "total"),
    [
        ("JPY", (1, "103", "103", "10"), "31", "340"),
        ("JPY", (1, "103", "103", "10.3000"), "31", "340"),
        ("KRW", (10, "1030", "10300", "1030"), "3095", "33995"),
        ("TND", (1, "0.103", "0.103", "0.010"), "0.031", "0.340"),
        ("USD", (24, "4.17", "100.08", "8.16"), "24.12", "324.36"),
    ],
)
def test_three_lines_may_differ_from_the_orders_tax_by_their_rounding(
    currency: str, line: tuple[int, str, str, str], tax: str, total: str
) -> None:
    """The order's tax counts, and the difference is a tax of its own."""
    result = accepted(order_in(currency, [line] * 3, "0", tax, total))
    assert (result.total_tax, result.computed_tax()) == (Decimal(tax), Decimal(tax))
    assert [each.tax_id for each in result.lines[0].taxes] == ["tax", "rounding"]


@pytest.mark.parametrize(
    ("tax", "total", "codes"),
    [("0.420", "13.424", {"total_mismatch"}), ("0.424", "13.424", {"tax_mismatch"})],
)
def test_four_fils_too_much_are_a_mismatch(tax: str, total: str, codes: set[str]) -> None:
    """Half a cent would hide five of them."""
    line = (1, "8.000", "8.000", "0.420")
    accepted(order_in("KWD", [line], "5", "0.420", "13.420"))
    assert set(rejected(order_in("KWD", [line], "5", tax, total))) == codes


@pytest.mark.parametrize(("factor", "quantity"), [("0.5", 12), ("2", 48), ("12", 288)])
def test_rounding_is_that_of_the_stores_units(factor: str, quantity: int) -> None:
    """The price was rounded for each unit of the store, whatever the OMS counts."""
    document = order_in("USD", [(24, "4.20", "100.92", "0")], "0", "0", "100.92")
    rules = {"TOWEL-1": {"uom": "EA", "factor": factor}}
    result = accepted(document, uom_rules=rules)
    assert result.lines[0].quantity == quantity
