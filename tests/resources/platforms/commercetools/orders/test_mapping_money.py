"""Money of commercetools' orders: precision, discounts, taxes; every accepted order adds up."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from sandbox.platforms.commercetools.documents import complete
from tests.resources.platforms.commercetools.projects import (
    cents,
    mapped,
    order,
    rejected,
    warnings,
)

Json = dict[str, Any]
D = Decimal


def test_discounts_explain_what_a_lines_total_lacks() -> None:
    """Price before discounts, discounts by id, tax by line, shipping as a charge."""
    found = mapped(order())
    mug, lamp = found.lines
    assert (mug.unit_price, mug.line_total, mug.total_discount()) == (
        D("10.00"),
        D("30.00"),
        D("6.00"),
    )
    assert (mug.total_tax(), lamp.total_tax()) == (D("4.80"), D("2.00"))
    assert (found.total, found.total_tax) == (D("46.80"), D("7.80"))


def test_prices_that_contain_their_tax() -> None:
    """The total is then the price alone."""
    found = mapped(order(taxIncluded=True))
    assert found.tax_included
    assert found.total == D("39.00")
    assert found.total_tax == D("6.50")


@pytest.mark.parametrize("included", [True, False])
def test_what_is_not_taxed_does_not_say_whether_prices_contain_tax(included: bool) -> None:
    """Shipping at an external rate of zero, whose ``includedInPrice`` is false by default."""
    document = order(taxIncluded=included)
    zero = {"name": "Exempt", "amount": 0.0, "includedInPrice": not included, "country": "US"}
    total, tax = document["totalPrice"], 567 if included else 680
    document["shippingInfo"] |= {"taxRate": zero, "taxedPrice": None}
    gross = total["centAmount"] + (0 if included else tax)
    document["taxedPrice"] = {
        "totalNet": cents((gross - tax) / 100),
        "totalGross": cents(gross / 100),
        "totalTax": cents(tax / 100),
        "taxPortions": [],
    }
    found = mapped(document)
    assert found.tax_included is included
    assert found.total_tax == D(tax) / 100


@pytest.mark.parametrize(
    ("currency", "price", "unit"), [("JPY", 500, "500.00"), ("KWD", "1.234", "1.234")]
)
def test_amounts_have_their_currencys_digits(currency: str, price: Any, unit: str) -> None:
    """None for yen, three for dinars."""
    lines = [{"sku": "A", "quantity": 3, "price": price}]
    info = {"shippingMethodName": "Ground", "price": 1}
    found = mapped(order(currency=currency, lineItems=lines, shippingInfo=info, payments=[]))
    assert found.lines[0].unit_price == D(unit)
    assert found.lines[0].line_total == D(unit) * 3


def test_a_price_of_high_precision_keeps_the_lines_total_exact() -> None:
    """The price of a unit is rounded to four decimals with a warning."""
    price = {
        "type": "highPrecision",
        "currencyCode": "USD",
        "centAmount": 1,
        "preciseAmount": 123456,
        "fractionDigits": 7,
    }
    lines = [{"sku": "SCREW", "quantity": 1000, "price": {"id": "p", "value": price}}]
    document = order(lineItems=lines, payments=[], shippingInfo=None)
    [line] = mapped(document).lines
    assert (line.unit_price, line.line_total) == (D("0.0123"), D("12.35"))
    assert warnings(document)["price_rounded"].field == "lineItems[0].price.value"


def test_a_product_discount_is_the_price_of_the_unit() -> None:
    """The sale price, not the one that is crossed out."""
    document = order(payments=[])
    line = document["lineItems"][1]
    line["price"] = line["price"] | {"value": cents("15.00")}
    line["price"]["discounted"] = {"value": cents("10.00"), "discount": {"id": "d"}}
    assert mapped(document).lines[1].unit_price == D("10.00")


TIERS = [
    {"minimumQuantity": 2, "value": cents("9.00")},
    None,
    {"minimumQuantity": 3, "value": cents("8.00")},
    {"minimumQuantity": 10, "value": cents("7.00")},
]


@pytest.mark.parametrize(
    ("tiers", "total", "off", "unit"),
    [
        (TIERS, "24.00", None, "8.00"),  # the tier that is reached
        (TIERS, "30.00", None, "10.00"),  # the price is of the tier already
        (TIERS, "18.00", "2.00", "8.00"),  # with a cart discount on each unit
        (TIERS, "24.00", "2.00", "10.00"),  # which explains the total of the price as it is
        (TIERS[3:], "30.00", None, "10.00"),  # none is reached
    ],
)
def test_a_total_may_be_of_the_tier_that_the_quantity_reaches(
    tiers: Any, total: str, off: str | None, unit: str
) -> None:
    """A line states its price, and the totals are of the tier's."""
    price = {"value": cents("10.00"), "tiers": tiers}
    line: Json = {"sku": "MUG", "quantity": 3, "price": price, "totalPrice": cents(total)}
    if off is not None:
        portion = {"discount": {"id": "d1"}, "discountedAmount": cents(off)}
        parts = {"value": cents("6.00"), "includedDiscounts": [portion]}
        line["discountedPricePerQuantity"] = [{"quantity": 3, "discountedPrice": parts}]
    [found] = mapped(order(lineItems=[line | {"taxRate": 0.2}], payments=[])).lines
    assert found.unit_price == D(unit)
    assert found.line_total - found.total_discount() == D(total)


def test_a_total_of_no_tier_and_no_price_is_a_mismatch() -> None:
    """It is not guessed."""
    price = {"value": cents("10.00"), "tiers": TIERS}
    line: Json = {"sku": "MUG", "quantity": 3, "price": price, "totalPrice": cents("20.00")}
    assert "discount_mismatch" in rejected(order(lineItems=[line], payments=[]))


def test_a_discount_on_the_total_lowers_the_taxes_in_proportion() -> None:
    """The order's tax is of what is left, the items' taxes are of the whole."""
    document = order(payments=[])
    off = {
        "discountedAmount": cents("3.90"),
        "includedDiscounts": [
            {
                "discount": {"typeId": "cart-discount", "id": "ten"},
                "discountedAmount": cents("3.90"),
            },
        ],
    }
    document |= {"discountOnTotalPrice": off, "totalPrice": cents("35.10")}
    document["taxedPrice"] = {
        "totalNet": cents("35.10"),
        "totalGross": cents("42.12"),
        "totalTax": cents("7.02"),
        "taxPortions": [],
    }
    code = {"code": "TEN", "cartDiscounts": [{"typeId": "cart-discount", "id": "ten"}]}
    document["discountCodes"] = [{"discountCode": {"id": "c", "obj": code}, "state": "Matches"}]
    found = mapped(document)
    [discount] = found.discounts
    assert (discount.amount, discount.code) == (D("3.90"), "TEN")
    assert (found.total, found.total_tax) == (D("42.12"), D("7.02"))


def test_the_orders_tax_is_divided_where_no_item_has_one() -> None:
    """As in imported orders."""
    document = order(payments=[])
    for item in (*document["lineItems"], document["shippingInfo"]):
        item.pop("taxedPrice")
    found = mapped(document)
    assert found.total_tax == D("7.80")
    assert all(line.total_tax() for line in found.lines)


def test_an_order_without_taxes_is_its_total() -> None:
    """No tax rate anywhere."""
    lines = [{"sku": "A", "quantity": 2, "price": "4.00"}]
    info = {"shippingMethodName": "Ground", "price": "1.00"}
    found = mapped(order(lineItems=lines, shippingInfo=info, payments=[]))
    assert (found.total, found.total_tax) == (D("9.00"), D("0.00"))


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("totalPrice", "centAmount"), 9999, ""),
        (("taxedPrice", "totalGross", "centAmount"), 9999, "total_mismatch"),
        (("taxedPrice", "totalTax", "centAmount"), 9999, "tax_mismatch"),
        (("lineItems", 0, "totalPrice", "centAmount"), 1000, "discount_mismatch"),
        (("lineItems", 1, "totalPrice", "currencyCode"), "EUR", "currency_mixed"),
        (("lineItems", 1, "price", "value", "centAmount"), None, "amount_missing"),
        (("totalPrice", "currencyCode"), "DOLLAR", "currency_invalid"),
        (("lineItems", 1, "taxRate", "includedInPrice"), True, "tax_mismatch"),
        (("lineItems", 1, "price", "value", "fractionDigits"), 99, "malformed_value"),
    ],
)
def test_amounts_that_do_not_agree_are_rejected(
    path: tuple[Any, ...], value: Any, code: str
) -> None:
    """Each with the code of what differs; the gross total decides where taxes are added."""
    document = deepcopy(order(payments=[]))
    holder: Any = document
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    if code:
        assert code in rejected(document)
    else:
        assert mapped(document).total == D("46.80")


@pytest.mark.parametrize("seed", range(60))
def test_whatever_a_cart_computes_adds_up(seed: int) -> None:
    """Random quantities, prices, rates, discounts and currencies, rounded as carts round."""
    random = Random(seed)
    currency = random.choice(("USD", "JPY", "KWD"))
    scale = {"USD": 100, "JPY": 1, "KWD": 1000}[currency]

    def price(low: int = 1) -> Decimal:
        return D(random.randint(low * scale, 50 * scale)) / scale

    rate = random.choice((0.07, 0.19, 0.0825))
    lines = []
    for number in range(random.randint(1, 6)):
        full = price(10)
        line: Json = {
            "sku": f"S{number}",
            "quantity": random.randint(1, 9),
            "price": str(full),
            "taxRate": rate,
        }
        if random.random() < 0.5:
            line["discounted"] = str(full - price() / 10 // (D(1) / scale) * (D(1) / scale))
        lines.append(line)
    given = {
        "orderNumber": str(seed),
        "currency": currency,
        "customerEmail": "jo@example.com",
        "createdAt": "2026-03-04T10:00:00Z",
        "lineItems": lines,
        "taxIncluded": random.random() < 0.5,
        "shippingAddress": order()["shippingAddress"],
        "shippingInfo": {"shippingMethodName": "Ground", "price": str(price()), "taxRate": rate},
    }
    found = mapped(complete(given, "2026-03-04T10:00:00.000Z"))
    assert len(found.lines) == len(lines)


def _on_total(document: Json, *portions: Json | None, amount: str = "3.90") -> Json:
    """Return an order with a discount on its total, and the total and taxes that this leaves."""
    left = D("39.00") - D(amount)
    tax = left / 5
    return document | {
        "discountOnTotalPrice": {
            "discountedAmount": cents(amount),
            "includedDiscounts": list(portions),
        },
        "totalPrice": cents(left),
        "taxedPrice": {
            "totalNet": cents(left),
            "totalGross": cents(left + tax),
            "totalTax": cents(tax),
        },
    }


@pytest.mark.parametrize(
    ("portions", "discounts"),
    [
        ([], [("total", "3.90")]),
        ([None, ("ten", "3.00")], [("ten", "3.00"), ("total", "0.90")]),
        ([("ten", "0.00"), ("five", "3.90")], [("five", "3.90")]),
        ([("ten", "3.00"), ("five", "2.00")], [("ten", "3.00"), ("five", "0.90")]),
        ([(None, "3.90")], [("total-0", "3.90")]),
    ],
)
def test_discounts_on_the_total_come_to_what_was_taken_off(
    portions: list[Any], discounts: list[tuple[str, str]]
) -> None:
    """What no named one explains is a discount of its own; none takes off more than there is."""
    stated = [
        part and {"discount": part[0] and {"id": part[0]}, "discountedAmount": cents(part[1])}
        for part in portions
    ]
    found = mapped(_on_total(order(payments=[]), *stated))
    assert [(d.discount_id, d.amount) for d in found.discounts] == [
        (name, D(amount)) for name, amount in discounts
    ]


def test_a_negative_discount_on_the_total_rejects_the_order() -> None:
    """It would raise what the shopper pays."""
    problem = rejected(_on_total(order(payments=[]), amount="-1.00"))["discount_negative"]
    assert problem.field == "discountOnTotalPrice.discountedAmount"


def test_shipping_costs_what_is_left_of_its_price() -> None:
    """A discount on shipping is not a discount of the order: the charge is the lower price."""
    document = order()
    document["shippingInfo"] |= {
        "price": cents("9.00"),
        "discountedPrice": {"value": cents("5.00")},
    }
    [charge] = mapped(document).charges
    assert (charge.amount, charge.tax) == (D("5.00"), D("1.00"))


def test_what_costs_nothing_is_no_charge() -> None:
    """Free shipping, and a custom line item at zero."""
    items = [{"name": {"en": "Sample"}, "slug": "sample", "money": "0.00", "taxRate": 0.2}]
    info = {"shippingMethodName": "Ground", "price": "0.00", "taxRate": 0.2}
    document = order(customLineItems=items, shippingInfo=info, payments=[])
    document["customLineItems"].append(None)
    assert mapped(document).charges == ()


def test_a_tax_on_an_order_that_costs_nothing_is_a_mismatch() -> None:
    """There is no amount to divide it by, and it is not lost."""
    lines = [{"sku": "A", "quantity": 1, "price": "0.00"}]
    document = order(lineItems=lines, shippingInfo=None, payments=[])
    document["taxedPrice"] = {
        "totalNet": cents("0.00"),
        "totalGross": cents("2.00"),
        "totalTax": cents("2.00"),
    }
    assert rejected(document)["tax_mismatch"].field == "taxedPrice"
