"""Makes an order add up: discounts and taxes settled over lines and charges, or a rejection that names the difference. Pure.

Tax. The order's ``total_tax`` is authoritative, but the OMS wants tax by line. The specification says that ``total_tax`` of a line
is ``price_tax`` times quantity, and after a manual discount the tax of what is left; which of the two a line states depends on how
the discount came about. So: (a) the stated taxes are taken where they sum to the order's; (b) else, where lines have discounts, each
such line's tax in proportion to what is left of it. What then still differs by at most a cent a line or charge is rounding: it goes
to the largest line as a tax of its own, ``rounding``, so that nothing is hidden in another figure. Anything more is ``tax_mismatch``.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.records.orders import Discount
from resources.platforms.bigcommerce.orders.builders import ChargeDraft, LineDraft
from resources.platforms.bigcommerce.parsing import (
    CENT,
    ZERO,
    Findings,
    mapping,
    money,
    sequence,
    text,
)

FOUR_PLACES = Decimal("0.0001")
HALF_CENT = CENT / 2


def settle_discounts(
    order: Mapping[str, Any], coupons: object, lines: list[LineDraft], findings: Findings
) -> tuple[Discount, ...]:
    """Return the discounts that no line carries; the lines' own must not exceed what the order says in all."""
    stated = money(order, "discount_amount", "", findings) + money(
        order, "coupon_discount", "", findings
    )
    if stated < 0:
        findings.reject(
            "discount_negative",
            "discount_amount",
            "a discount can't be negative",
            "look at the order in the store",
            stated,
        )
        return ()
    carried = sum((line.discounted() for line in lines if line.discounts), ZERO)
    rest = stated - carried
    if rest > 0:
        return _order_discounts(coupons, rest, findings)
    if rest < 0 and -rest <= CENT * len(lines):
        # BigCommerce spreads a discount over lines with rounding up: the largest share gives the cents back.
        max((d for line in lines for d in line.discounts), key=lambda d: d.amount).amount += rest
    elif rest < 0:
        message = f"the lines' discounts are {carried}, and the order says {stated}, a difference of {-rest}"
        findings.reject(
            "discount_mismatch",
            "discount_amount",
            message,
            "compare the order's discounts in the store",
            stated,
        )
    return ()


def _order_discounts(coupons: object, rest: Decimal, findings: Findings) -> tuple[Discount, ...]:
    found = []
    for i, entry in enumerate(sequence(coupons, "coupons", findings)):
        where = f"coupons[{i}]."
        raw = mapping(entry, where[:-1], findings)
        amount = min(money(raw, "discount", where, findings), rest)
        if amount > 0:
            code = text(raw, "code", where, findings)
            found.append(
                Discount(
                    discount_id=f"coupon-{raw.get('id') or i}",
                    name=code,
                    amount=amount,
                    code=code or None,
                )
            )
            rest -= amount
    if rest:
        found.append(Discount(discount_id="order", name="Order discount", amount=rest))
    return tuple(found)


def settle_taxes(
    lines: list[LineDraft], charges: list[ChargeDraft], total_tax: Decimal, findings: Findings
) -> None:
    """Bring the taxes of lines and charges to the order's, or note ``tax_mismatch``."""
    fixed, stated, parts = ZERO, ZERO, len(lines) + len(charges)
    for charge in charges:
        fixed += charge.tax
    for line in lines:
        stated += line.tax
        for charge in line.charges:
            fixed += charge.tax
            parts += 1
    tolerance, stated = CENT * parts, stated + fixed
    difference = total_tax - stated
    if abs(difference) > tolerance and any(line.discounts for line in lines):
        left = [_left(line) for line in lines]
        difference = total_tax - fixed - sum(left, ZERO)
        if abs(difference) <= tolerance:
            for line, tax in zip(lines, left, strict=True):
                line.tax = tax
    if abs(difference) > tolerance:
        message = f"the taxes of lines and charges sum to {stated}, and the order says {total_tax}, a difference of {total_tax - stated}"
        findings.reject(
            "tax_mismatch",
            "total_tax",
            message,
            "compare the order's taxes with its lines in the store",
            total_tax,
        )
    elif difference and lines:
        max(lines, key=lambda line: line.line_total).rounding = difference


def _left(line: LineDraft) -> Decimal:
    """Return the tax of what a line's discounts leave of it."""
    if not line.discounts or not line.line_total:
        return line.tax
    return (line.tax * (line.line_total - line.discounted()) / line.line_total).quantize(
        FOUR_PLACES
    )


def check_total(
    lines: list[LineDraft],
    charges: list[ChargeDraft],
    discounts: tuple[Discount, ...],
    total: Decimal,
    *,
    tax_included: bool,
    findings: Findings,
) -> None:
    """Note ``total_mismatch`` unless the parts add up to the order's total, to the cent."""
    computed = tax = ZERO
    every = list(charges)
    for line in lines:
        computed += line.line_total
        tax += line.tax + line.rounding
        if line.discounts:
            computed -= line.discounted()
        every += line.charges
    for charge in every:
        computed += charge.amount
        tax += charge.tax
    for discount in discounts:
        computed -= discount.amount
    if not tax_included:
        computed += tax
    if abs(computed - total) > HALF_CENT:
        message = f"lines, charges, discounts and taxes come to {computed}, and the order says {total}, a difference of {total - computed}"
        findings.reject(
            "total_mismatch",
            "total_inc_tax",
            message,
            "compare the order's total with its parts in the store",
            total,
        )
