"""What returned units are worth: parts come to exactly what was paid, in every currency."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from domain.records.orders import Discount, OrderLine, Tax
from domain.rules.refund_amounts import PricedOrder, TooManyUnits, worth


def line(number: int, quantity: int, total: str, **more: Any) -> OrderLine:
    """Return a line; ``off`` and ``tax`` are its discount and tax."""
    off, tax = more.pop("off", None), more.pop("tax", None)
    return OrderLine(
        line_id=str(number),
        sku=f"S{number}",
        quantity=Decimal(quantity),
        uom="EACH",
        unit_price=(Decimal(total) / quantity).quantize(Decimal("0.0001")),
        line_total=Decimal(total),
        group_id="1",
        discounts=(Discount(discount_id="d", amount=Decimal(off)),) if off else (),
        taxes=(Tax(tax_id="t", amount=Decimal(tax)),) if tax else (),
        **more,
    )


def order(*lines: OrderLine, off: str = "0", currency: str = "USD", **more: Any) -> PricedOrder:
    """Return an order; ``off`` is its own discount."""
    discounts = (Discount(discount_id="o", amount=Decimal(off)),) if Decimal(off) else ()
    chosen = {"tax_included": True} | more
    return PricedOrder(currency=currency, lines=lines, discounts=discounts, **chosen)


def test_units_are_worth_their_line_after_discounts_with_its_tax() -> None:
    """Tax is added where prices are without it."""
    sold = order(line(1, 3, "30.00", off="3.00", tax="2.70"), tax_included=False)
    assert worth(sold, {"1": 1}, {}) == Decimal("9.90")
    assert worth(sold, {"1": 3}, {}) == Decimal("29.70")
    included = order(line(1, 3, "30.00", off="3.00", tax="2.70"))
    assert worth(included, {"1": 3}, {}) == Decimal("27.00")


def test_a_discount_of_the_order_is_shared_by_its_lines() -> None:
    """To the last minor unit."""
    sold = order(line(1, 1, "10.00"), line(2, 1, "10.00"), line(3, 1, "10.00"), off="10.00")
    shares = [worth(sold, {str(n): 1}, {}) for n in (1, 2, 3)]
    assert sum(shares) == Decimal("20.00")
    assert sorted(shares) == [Decimal("6.66"), Decimal("6.67"), Decimal("6.67")]
    assert worth(order(line(1, 1, "5.00"), off="9.00"), {"1": 1}, {}) == 0


@pytest.mark.parametrize(("currency", "total", "third"), [
    ("USD", "10.00", "3.33"), ("JPY", "1000", "333"), ("KWD", "10.000", "3.333"),
])  # fmt: skip
def test_amounts_are_in_the_minor_unit_of_the_currency(
    currency: str, total: str, third: str
) -> None:
    """Yen have no decimals, dinars three."""
    sold = order(line(1, 3, total), currency=currency)
    assert worth(sold, {"1": 1}, {}) == Decimal(third)
    assert worth(sold, {"1": 3}, {}) == Decimal(total)


def test_units_are_the_stores_where_the_oms_counts_others() -> None:
    """A case of 12."""
    sold = order(line(1, 24, "48.00", factor=Decimal(12)))
    assert worth(sold, {"1": 1}, {}) == Decimal("24.00")
    with pytest.raises(TooManyUnits, match="1"):
        worth(sold, {"1": 1}, {"1": 2})


def test_an_unknown_line_has_no_price() -> None:
    """Nothing is guessed."""
    with pytest.raises(KeyError):
        worth(order(line(1, 1, "1.00")), {"2": 1}, {})


@pytest.mark.parametrize("seed", range(200))
def test_parts_come_to_what_was_paid_whatever_their_order(seed: int) -> None:
    """And never to more on the way."""
    random = Random(seed)
    currency = random.choice(("USD", "JPY", "KWD"))
    digits = {"USD": 2, "JPY": 0, "KWD": 3}[currency]

    def amount(most: int) -> str:
        return str(Decimal(random.randint(0, most)).scaleb(-digits))

    lines = [line(n, random.randint(1, 9), amount(10_000), tax=amount(900)) for n in range(1, 5)]
    sold = order(*lines, off=amount(3_000), currency=currency, tax_included=random.random() < 0.5)
    whole = {one.line_id: int(one.quantity) for one in lines}
    paid = worth(sold, whole, {})
    before: dict[str, int] = {}
    back = Decimal(0)
    units = [line_id for line_id, number in whole.items() for _ in range(number)]
    random.shuffle(units)
    for line_id in units:
        back += worth(sold, {line_id: 1}, before)
        before[line_id] = before.get(line_id, 0) + 1
        assert 0 <= back <= paid
    assert back == paid
    goods = sum((one.line_total for one in lines), Decimal(0))
    taxes = Decimal(0) if sold.tax_included else sum((one.total_tax() for one in lines), Decimal(0))
    off = min(sum((one.amount for one in sold.discounts), Decimal(0)), goods)
    assert paid == goods - off + taxes
