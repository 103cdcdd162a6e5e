"""Makes an order add up: discounts and taxes are settled over lines and charges.

Tax. The order's ``total_tax`` is authoritative, but the OMS wants tax by line. By the specification
``total_tax`` of a line is ``price_tax`` times quantity, and after a manual discount the tax of what
is left; which of the two a line states depends on how the discount came about. So: (a) the stated
taxes are taken where they sum to the order's; (b) else, where lines have discounts, each such
line's tax in proportion to what is left of it. A remaining difference that rounding explains
(``domain.currencies``: half a minor unit for each unit, and for each line and charge) goes to the
largest line as a tax of its own, ``rounding``, so that nothing is hidden in another figure.
Anything more is ``tax_mismatch``.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from domain.builders.orders import LineDraft
from domain.builders.removals import Amounts
from domain.currencies import rounding_of, rounding_of_sum
from domain.parsing.problems import LOOK, DocumentProblems
from domain.parsing.scalars import ZERO, amount_of
from domain.records.orders import Charge, Discount
from resources.platforms.bigcommerce.payload import Coupon, Order

FOUR_PLACES = Decimal("0.0001")
ONE = Decimal(1)


def settle_discounts(
    order: Order,
    coupons: Sequence[Coupon | None],
    lines: list[LineDraft],
    minor: Decimal,
    problems: DocumentProblems,
) -> tuple[Discount, ...]:
    """Return the discounts that no line carries; the lines' own must not exceed the order's."""
    stated = amount_of(order.discount_amount) + amount_of(order.coupon_discount)
    if stated < 0:
        message = "a discount can't be negative"
        problems.reject("discount_negative", "discount_amount", message, LOOK, stated)
        return ()
    carried = sum([line.discounted() for line in lines if line.discounts], ZERO)
    rest = stated - carried
    if rest > 0:
        return _order_discounts(coupons, rest)
    if rest < 0 and -rest <= minor * len(lines):
        # BigCommerce rounds up when it spreads a discount over lines: the largest share is reduced.
        _reduce_largest(lines, -rest)
    elif rest < 0:
        message = (
            f"the lines' discounts add up to {carried}, but the order's discount is {stated}, "
            f"a difference of {-rest}"
        )
        advice = "compare the order's discounts in the store"
        problems.reject("discount_mismatch", "discount_amount", message, advice, stated)
    return ()


def _reduce_largest(lines: list[LineDraft], amount: Decimal) -> None:
    line, i = max(
        [(line, i) for line in lines for i in range(len(line.discounts))],
        key=lambda place: place[0].discounts[place[1]].amount,
    )
    largest = line.discounts[i]
    line.discounts[i] = replace(largest, amount=largest.amount - amount)


def _order_discounts(coupons: Sequence[Coupon | None], rest: Decimal) -> tuple[Discount, ...]:
    found = []
    for i, coupon in enumerate(coupons):
        amount = min(amount_of(coupon.discount), rest) if coupon is not None else ZERO
        if coupon is not None and amount > 0:
            code, discount_id = coupon.code or "", f"coupon-{coupon.id or i}"
            found.append(
                Discount(discount_id=discount_id, name=code, amount=amount, code=code or None)
            )
            rest -= amount
    if rest:
        found.append(Discount(discount_id="order", name="Order discount", amount=rest))
    return tuple(found)


def settle_taxes(
    lines: list[LineDraft],
    charges: list[Charge],
    total_tax: Decimal,
    minor: Decimal,
    problems: DocumentProblems,
) -> None:
    """Bring the taxes of lines and charges to the order's, or report ``tax_mismatch``."""
    fixed, stated = ZERO, ZERO
    for charge in charges:
        fixed += charge.tax
    for line in lines:
        stated += line.tax
        for charge in line.charges:
            fixed += charge.tax
    stated += fixed
    difference = total_tax - stated
    if not difference:
        return
    tolerance = _rounding_of_taxes(lines, charges, minor)
    if abs(difference) > tolerance and any(line.discounts for line in lines):
        left = [_left(line) for line in lines]
        difference = total_tax - fixed - sum(left, ZERO)
        if abs(difference) <= tolerance:
            for line, tax in zip(lines, left, strict=True):
                line.tax = tax
    if abs(difference) > tolerance:
        message = (
            f"the taxes of lines and charges add up to {stated}, but the order's tax is "
            f"{total_tax}, a difference of {total_tax - stated}"
        )
        advice = "compare the order's taxes with its lines in the store"
        problems.reject("tax_mismatch", "total_tax", message, advice, total_tax)
    elif difference and lines:
        max(lines, key=lambda line: line.line_total).rounding = difference


def _rounding_of_taxes(lines: list[LineDraft], charges: list[Charge], minor: Decimal) -> Decimal:
    """Return how far the order's tax may be from the sum of those of its lines and charges."""
    number = len(charges) + sum([len(line.charges) for line in lines])
    tolerance = rounding_of(minor, ONE) * number
    for line in lines:
        tolerance += rounding_of(minor, line.quantity)
    return tolerance


def _left(line: LineDraft) -> Decimal:
    """Return the tax of what a line's discounts leave of it."""
    if not line.discounts or not line.line_total:
        return line.tax
    share = line.left() / line.line_total
    return (line.tax * share).quantize(FOUR_PLACES)


def check_total(
    amounts: Amounts, total: Decimal, minor: Decimal, problems: DocumentProblems, *, included: bool
) -> None:
    """Report ``total_mismatch`` unless the parts add up to the total, to half a minor unit."""
    computed = tax = ZERO
    every = list(amounts.charges)
    for line in amounts.lines:
        computed += line.line_total
        tax += line.tax + line.rounding
        if line.discounts:
            computed -= line.discounted()
        every += line.charges
    for charge in every:
        computed += charge.amount
        tax += charge.tax
    for discount in amounts.discounts:
        computed -= discount.amount
    if not included:
        computed += tax
    if computed != total and abs(computed - total) > rounding_of_sum(minor):
        message = (
            f"lines, charges, discounts and taxes add up to {computed}, but the order's "
            f"total is {total}, a difference of {total - computed}"
        )
        advice = "compare the order's total with its parts in the store"
        problems.reject("total_mismatch", "total_inc_tax", message, advice, total)
