"""Units that the store sold and the OMS must not ship: refunded or canceled before they left. Pure.

A refund or a state of a line changes neither prices nor totals of the order: those stay the whole
order's. So an order is settled as it was placed, and the units are taken off afterwards, with their
share of every amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from domain.builders.orders import LineDraft
from domain.parsing.scalars import ZERO
from domain.records.orders import Charge, Discount, Payment, PaymentTransaction
from domain.records.record import SMALLEST


class Amounts(NamedTuple):
    """All parts of an order's total."""

    lines: list[LineDraft]
    charges: list[Charge]
    discounts: tuple[Discount, ...]


class Remainder(NamedTuple):
    """What is left of an order, and by how much its total and tax are lower."""

    amounts: Amounts
    off: Decimal
    tax_off: Decimal


def take_off(
    amounts: Amounts,
    minor: Decimal,
    *,
    included: bool,
    kept_charges: Mapping[str, Decimal] | None = None,
) -> Remainder:
    """Return what is left of an order without the removed units of its lines.

    ``kept_charges``: id of a charge -> the share of it that is left, from 0 to 1.
    """
    goods = _goods(amounts.lines)
    kept = [line for line in amounts.lines if line.quantity > line.removed]
    before = _sums(amounts, included=included)
    for line in kept:
        if line.removed:
            _reduce(line, minor)
    left, discounts = _goods(kept), amounts.discounts
    if goods and left != goods:
        shares = [replace(d, amount=_part(d.amount, left, goods, minor)) for d in discounts]
        discounts = tuple([share for share in shares if share.amount])
    charges = amounts.charges
    if kept_charges:
        charges = _kept(charges, kept_charges, minor)
    rest = Amounts(kept, charges, discounts)
    after = _sums(rest, included=included)
    return Remainder(rest, before[0] - after[0], before[1] - after[1])


def _kept(charges: list[Charge], shares: Mapping[str, Decimal], minor: Decimal) -> list[Charge]:
    one, kept = Decimal(1), list[Charge]()
    for charge in charges:
        share = shares.get(charge.charge_id, one)
        if share == one:
            kept.append(charge)
        elif share:
            amount, tax = (_part(value, share, one, minor) for value in (charge.amount, charge.tax))
            kept.append(replace(charge, amount=amount, tax=tax))
    return kept


def _goods(lines: list[LineDraft]) -> Decimal:
    return sum([line.left() for line in lines], ZERO)


def _sums(amounts: Amounts, *, included: bool) -> tuple[Decimal, Decimal]:
    """Return total and tax of all parts."""
    total = tax = ZERO
    for line in amounts.lines:
        total += line.left()
        tax += line.tax + line.rounding
        for charge in line.charges:
            total, tax = total + charge.amount, tax + charge.tax
    for charge in amounts.charges:
        total, tax = total + charge.amount, tax + charge.tax
    total -= sum([discount.amount for discount in amounts.discounts], ZERO)
    return (total if included else total + tax), tax


def _reduce(line: LineDraft, minor: Decimal) -> None:
    """Leave a line its remaining units, with their share of its amounts."""
    whole, left = line.quantity, line.quantity - line.removed

    def part(amount: Decimal) -> Decimal:
        return _part(amount, left, whole, minor)

    line.line_total, line.tax = part(line.line_total), part(line.tax)
    line.rounding = part(line.rounding)
    line.discounts = [replace(each, amount=part(each.amount)) for each in line.discounts]
    line.charges = [
        replace(charge, amount=part(charge.amount), tax=part(charge.tax)) for charge in line.charges
    ]
    line.quantity, line.removed = left, ZERO


def _part(amount: Decimal, left: Decimal, whole: Decimal, minor: Decimal) -> Decimal:
    """Return the share of an amount, rounded to the minor unit unless it was finer before."""
    places = minor if amount == amount.quantize(minor) else SMALLEST
    return (amount * left / whole).quantize(places)


def less(payments: tuple[Payment, ...], off: Decimal) -> tuple[Payment, ...]:
    """Return the payments without what was taken off, which is taken from the last one first.

    The gateway's payment is the last. Its events are stated as what remains of them: the OMS would
    give back again what was settled beyond the payment's amount.
    """
    left: list[Payment] = []
    for payment in reversed(payments):
        taken = min(payment.amount, off)
        off -= taken
        if not taken:
            left.append(payment)
        elif taken < payment.amount:
            amount = payment.amount - taken
            events = _capped(payment.transactions, amount)
            left.append(replace(payment, amount=amount, transactions=events))
    return tuple(reversed(left))


def _capped(
    events: tuple[PaymentTransaction, ...], amount: Decimal
) -> tuple[PaymentTransaction, ...]:
    """Return the events with at most ``amount`` in those of each kind that succeeded."""
    rest = dict.fromkeys([event.kind for event in events], amount)
    capped = []
    for event in events:
        if event.succeeded:
            remaining = min(event.amount, rest[event.kind])
            rest[event.kind] -= remaining
            if remaining:
                capped.append(replace(event, amount=remaining))
        else:
            capped.append(event)
    return tuple(capped)
