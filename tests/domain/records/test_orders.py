"""An order's total is the sum of its parts to the cent, whatever the parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.addressing.addresses import AddressRules, RawAddress, normalise_address
from domain.records.orders import (
    Charge,
    ChargeKind,
    Customer,
    DeliveryMethod,
    Discount,
    FulfilmentGroup,
    Order,
    OrderLine,
    Tax,
)
from domain.records.record import decode_record, encode_record
from domain.schemas.batch import scaled
from domain.schemas.orders import order_problems

cents = st.integers(0, 100_000)
BILLING = normalise_address(RawAddress(), AddressRules()).address


def _money(amount: int) -> Decimal:
    return Decimal(amount) / 100


@dataclass(frozen=True)
class Parts:
    """A line in whole cents; the discount is at most the line's total."""

    units: int
    price: int
    discount: int
    tax: int
    wrap: int
    wrap_tax: int

    @property
    def goods(self) -> int:
        """Cents of the line before discounts."""
        return self.units * self.price


lines = st.lists(
    st.builds(Parts, st.integers(1, 20), cents, st.integers(0, 100), cents, cents, cents).map(
        lambda p: Parts(p.units, p.price, p.goods * p.discount // 100, p.tax, p.wrap, p.wrap_tax)
    ),
    min_size=1,
    max_size=6,
)


def _order(
    parts: list[Parts],
    shipping: int,
    shipping_tax: int,
    discount: int,
    total: int,
    tax: int,
    *,
    inclusive: bool,
) -> Order:
    built = [
        OrderLine(
            line_id=str(number),
            sku=f"SKU-{number}",
            quantity=Decimal(p.units),
            uom="EA",
            unit_price=_money(p.price),
            line_total=_money(p.goods),
            group_id="1",
            discounts=(Discount(discount_id="d", amount=_money(p.discount)),) if p.discount else (),
            taxes=(Tax(tax_id="t", amount=_money(p.tax)),),
            charges=(
                Charge(
                    charge_id="w",
                    kind=ChargeKind.GIFT_WRAP,
                    amount=_money(p.wrap),
                    tax=_money(p.wrap_tax),
                ),
            ),
        )
        for number, p in enumerate(parts)
    ]
    return Order(
        order_id="1",
        source_id="1",
        number="1",
        store="s",
        channel="1",
        ordered_at=datetime(2026, 3, 19, tzinfo=UTC),
        currency="USD",
        tax_included=inclusive,
        customer=Customer(customer_id=None, email="", first_name="", last_name=""),
        billing=BILLING,
        groups=(FulfilmentGroup(group_id="1", method=DeliveryMethod.SHIP),),
        lines=tuple(built),
        charges=(
            Charge(
                charge_id="s",
                kind=ChargeKind.SHIPPING,
                amount=_money(shipping),
                tax=_money(shipping_tax),
            ),
        ),
        discounts=(Discount(discount_id="o", amount=_money(discount)),),
        total=_money(total),
        total_tax=_money(tax),
    )


def _sums(
    parts: list[Parts], shipping: int, shipping_tax: int, discount: int, *, inclusive: bool
) -> tuple[int, int]:
    """Return total and tax in cents, by whole numbers alone."""
    tax = sum(p.tax + p.wrap_tax for p in parts) + shipping_tax
    net = sum(p.goods - p.discount + p.wrap for p in parts) + shipping - discount
    return (net if inclusive else net + tax), tax


few = settings(max_examples=30)
"""A batch through pandera takes tens of milliseconds."""


@pytest.mark.no_cover
@few
@given(lines, cents, cents, cents, st.booleans())
def test_an_order_that_adds_up_has_no_problem(
    parts: list[Parts], shipping: int, shipping_tax: int, discount: int, inclusive: bool
) -> None:
    """All parts come to the total exactly, with tax on top or within."""
    total, tax = _sums(parts, shipping, shipping_tax, discount, inclusive=inclusive)
    assume(total >= 0)
    order = _order(parts, shipping, shipping_tax, discount, total, tax, inclusive=inclusive)
    assert order.computed_total() == order.total
    assert order.computed_tax() == order.total_tax
    assert order_problems([order], None) == {}


@pytest.mark.no_cover
@few
@given(lines, cents, cents, st.booleans(), st.integers(-500, 500).filter(bool))
def test_a_cent_too_much_or_too_little_keeps_the_order_out(
    parts: list[Parts], shipping: int, shipping_tax: int, inclusive: bool, off: int
) -> None:
    """The order is rejected for its total, and its neighbours in the batch are not."""
    total, tax = _sums(parts, shipping, shipping_tax, 0, inclusive=inclusive)
    assume(total + off >= 0)
    good = _order(parts, shipping, shipping_tax, 0, total, tax, inclusive=inclusive)
    bad = replace(good, order_id="2", total=_money(total + off))
    problems = order_problems([good, bad], None)
    assert {row: [p.code for p in found] for row, found in problems.items()} == {
        1: ["total_mismatch"]
    }


@pytest.mark.no_cover
@few
@given(lines, st.integers(1, 500))
def test_taxes_that_do_not_add_up_keep_the_order_out(parts: list[Parts], off: int) -> None:
    """The order's own tax is held against those of its parts."""
    total, tax = _sums(parts, 0, 0, 0, inclusive=True)
    order = _order(parts, 0, 0, 0, total, tax + off, inclusive=True)
    assert [p.code for p in order_problems([order], None)[0]] == ["tax_mismatch"]


@given(lines, st.booleans())
def test_an_order_survives_being_written_and_read(parts: list[Parts], inclusive: bool) -> None:
    """The canonical form in the ledger is the whole order: money keeps its digits."""
    total, tax = _sums(parts, 1, 2, 0, inclusive=inclusive)
    order = _order(parts, 1, 2, 0, total, tax, inclusive=inclusive)
    written = encode_record(order)
    assert decode_record(Order, written) == order
    assert encode_record(decode_record(Order, written)) == written


def test_a_line_of_billions_is_compared_exactly() -> None:
    """Quantity times price may outgrow 64 bits in ten-thousandths, and was a mismatch then."""
    good = _order([Parts(1, 100, 0, 0, 0, 0)], 0, 0, 0, 100, 0, inclusive=False)
    price, units = Decimal("9999999.99"), Decimal(1_000_000)
    line = replace(good.lines[0], quantity=units, unit_price=price, line_total=price * units)
    large = replace(good, lines=(line,), total=price * units)
    assert order_problems([large], None) == {}
    wrong = replace(large, lines=(replace(line, unit_price=price + 1),))
    assert [problem.code for problem in order_problems([wrong], None)[0]] == ["line_total_mismatch"]


def test_a_sum_beyond_all_sense_is_a_problem_of_its_order_and_no_crash() -> None:
    """Frames hold 64 bits: what is larger counts as the largest; other orders are unaffected."""
    assert scaled(Decimal(10) ** 25) == scaled(Decimal(10) ** 20) > scaled(Decimal(10) ** 14)
    good = _order([Parts(1, 100, 0, 0, 0, 0)], 0, 0, 0, 100, 0, inclusive=False)
    discounts = tuple(Discount(discount_id=str(i), amount=Decimal(10) ** 13) for i in range(1_000))
    bad = replace(good, order_id="B", lines=(replace(good.lines[0], discounts=discounts),))
    assert set(order_problems([good, bad, replace(good, order_id="C")], None)) == {1}
