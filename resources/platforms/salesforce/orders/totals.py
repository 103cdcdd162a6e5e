"""The order's total and taxes, and whether its parts add up to them. Pure.

The vendor rolls the items up into ``GrandTotalAmount`` and ``TotalTaxAmount``, and every amount has
two decimals. So parts and total may differ only if they were written by hand, or by a rounding
of taxes, which goes to the largest line as a tax of its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from domain.builders.orders import LineDraft
from domain.currencies import minor_unit, rounding_of, rounding_of_sum
from domain.parsing.problems import DocumentProblems
from domain.parsing.scalars import ZERO, amount_of
from domain.records.orders import Charge
from resources.platforms.salesforce.payload import Order

ONE = Decimal(1)


class Amounts(NamedTuple):
    """All parts of an order's total; price adjustments are the lines'."""

    lines: list[LineDraft]
    charges: list[Charge]


def settle(
    order: Order, amounts: Amounts, currency: str, problems: DocumentProblems, *, included: bool
) -> tuple[Decimal, Decimal]:
    """Return total and tax of an order, or report what does not add up."""
    for name, value in (
        ("GrandTotalAmount", order.grand_total_amount),
        ("TotalTaxAmount", order.total_tax_amount),
    ):
        if value is None or value == "":
            problems.missing("amount_missing", name, "the amount is missing")
    total, total_tax = amount_of(order.grand_total_amount), amount_of(order.total_tax_amount)
    if problems.problems:
        return total, total_tax  # sums of values that can't be read only add noise
    minor = minor_unit(currency)
    _settle_taxes(amounts, total_tax, minor, problems)
    if not problems.problems:
        _check_total(amounts, total, minor, problems, included=included)
    return total, total_tax


def _settle_taxes(
    amounts: Amounts, total_tax: Decimal, minor: Decimal, problems: DocumentProblems
) -> None:
    """Make the taxes sum to the order's, or report ``tax_mismatch``."""
    stated = _sum_of_taxes(amounts)
    difference = total_tax - stated
    tolerance = rounding_of(minor, ONE) * (len(amounts.lines) + len(amounts.charges))
    if abs(difference) > tolerance:
        message = (
            f"the taxes of the items add up to {stated}, but the order's tax is {total_tax}, a "
            f"difference of {difference}"
        )
        advice = "compare the order's taxes with its items in the store"
        problems.reject("tax_mismatch", "TotalTaxAmount", message, advice, total_tax)
    elif difference and amounts.lines:
        max(amounts.lines, key=lambda line: line.line_total).rounding = difference


def _check_total(
    amounts: Amounts, total: Decimal, minor: Decimal, problems: DocumentProblems, *, included: bool
) -> None:
    """Report ``total_mismatch`` unless the parts add up to the total, to half a minor unit."""
    computed = sum([line.left() for line in amounts.lines], ZERO)
    computed += sum([charge.amount for charge in amounts.charges], ZERO)
    if not included:
        computed += _sum_of_taxes(amounts)
        computed += sum([line.rounding for line in amounts.lines], ZERO)
    if abs(computed - total) > rounding_of_sum(minor):
        message = (
            f"items, adjustments and taxes add up to {computed}, but the order's total is {total}, "
            f"a difference of {total - computed}"
        )
        advice = "compare the order's total with its items in the store"
        problems.reject("total_mismatch", "GrandTotalAmount", message, advice, total)


def _sum_of_taxes(amounts: Amounts) -> Decimal:
    taxes = [line.tax for line in amounts.lines] + [charge.tax for charge in amounts.charges]
    return sum(taxes, ZERO)
