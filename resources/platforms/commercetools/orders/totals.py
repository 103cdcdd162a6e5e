"""Charges and discounts of an order as a whole, and the settling of its taxes. Pure.

``taxedPrice`` of the order is authoritative, but the OMS wants tax by line. Where a discount is on
the total, the order's tax is of what is left, and the items' taxes are of the whole: they are
brought down in proportion. Where no item has a tax of its own (imported orders), the order's is
divided by the amounts. What rounding explains goes to the largest line as a tax of its own,
``rounding``; anything more is ``tax_mismatch``.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from domain.builders.removals import Amounts
from domain.currencies import rounding_of, rounding_of_sum
from domain.parsing.problems import LOOK, DocumentProblems
from domain.parsing.scalars import ZERO
from domain.records.orders import Charge, ChargeKind, Discount
from resources.platforms.commercetools.orders.groups import Part
from resources.platforms.commercetools.orders.money import MoneyReader, quantized
from resources.platforms.commercetools.orders.texts import name_of
from resources.platforms.commercetools.payload import CustomLineItem, Order

ONE = Decimal(1)


class ChargeMapper:
    """Maps what an order costs beside its lines."""

    def __init__(
        self, money: MoneyReader, locales: tuple[str, ...], gift_wrap_slugs: tuple[str, ...]
    ) -> None:
        self._money, self._locales, self._wrap = money, locales, frozenset(gift_wrap_slugs)

    def shipping(self, parts: Mapping[str, Part]) -> list[Charge]:
        """Return one charge for each way of shipping."""
        charges, seen = [], set[int]()
        for part in parts.values():
            info = part.info
            if info is None or id(info) in seen:
                continue  # addresses of one way of shipping share its price
            seen.add(id(info))
            path = f"{part.where}shippingInfo."
            amount = self._money.read(info.price, path, "price")
            if info.discounted_price is not None:
                amount = self._money.read(
                    info.discounted_price.value, f"{path}discountedPrice.value"
                )
            tax = self._money.tax(info.taxed_price, path, "taxedPrice")
            if amount or tax:
                charges.append(
                    Charge(
                        charge_id=f"shipping-{part.group_id}",
                        kind=ChargeKind.SHIPPING,
                        name=info.shipping_method_name or "Shipping",
                        amount=amount,
                        tax=tax,
                        group_id=part.group_id,
                    )
                )
        return charges

    def custom(self, items: list[CustomLineItem | None], discounts: list[Discount]) -> list[Charge]:
        """Return a charge for each custom line item; one below zero becomes a discount."""
        charges: list[Charge] = []
        for i, item in enumerate(items):
            if item is None:
                continue
            where, money = f"customLineItems[{i}].", self._money
            amount = money.needed(item.total_price, where, "totalPrice")
            tax = money.tax_of(item, where)
            name, item_id = name_of(item.name, self._locales), item.id or f"custom-{i}"
            if amount < 0:
                discounts.append(Discount(discount_id=item_id, name=name, amount=-amount))
            elif amount or tax:
                kind = ChargeKind.GIFT_WRAP if item.slug in self._wrap else ChargeKind.FEE
                charges.append(
                    Charge(charge_id=item_id, kind=kind, name=name, amount=amount, tax=tax)
                )
        return charges


def total_discounts(
    order: Order, money: MoneyReader, codes: Mapping[str, str], problems: DocumentProblems
) -> list[Discount]:
    """Return the discounts on the total."""
    found, stated = order.discount_on_total_price, list[Discount]()
    if found is None:
        return stated
    path = "discountOnTotalPrice."
    rest = money.needed(found.discounted_amount, f"{path}discountedAmount")
    if rest < 0:
        message = "a discount can't be negative"
        problems.reject("discount_negative", f"{path}discountedAmount", message, LOOK, rest)
        return stated
    for i, portion in enumerate(found.included_discounts or ()):
        if portion is None:
            continue
        portion_path = f"{path}includedDiscounts[{i}].discountedAmount"
        amount = min(money.read(portion.discounted_amount, portion_path), rest)
        name = (portion.discount.id if portion.discount is not None else "") or f"total-{i}"
        if amount > 0:
            code = codes.get(name)
            stated.append(Discount(discount_id=name, name=code or "", amount=amount, code=code))
            rest -= amount
    if rest:
        stated.append(Discount(discount_id="total", name="Order discount", amount=rest))
    return stated


def settle_taxes(
    amounts: Amounts, total_tax: Decimal, minor: Decimal, problems: DocumentProblems
) -> Amounts:
    """Return the amounts with taxes that sum to the order's, or report ``tax_mismatch``."""
    stated = _sum_of_taxes(amounts)
    difference = total_tax - stated
    if not difference:
        return amounts
    tolerance = sum([rounding_of(minor, line.quantity) for line in amounts.lines], ZERO)
    tolerance += rounding_of(minor, ONE) * len(amounts.charges)
    if abs(difference) > tolerance and stated and amounts.discounts:
        amounts = _scaled(amounts, total_tax / stated, minor)
    elif abs(difference) > tolerance and not stated:
        amounts = _divided(amounts, total_tax, minor)
    rest = total_tax - _sum_of_taxes(amounts)
    if abs(rest) > tolerance:
        message = (
            f"the taxes of lines and charges add up to {stated}, but the order's tax is "
            f"{total_tax}, a difference of {difference}"
        )
        advice = "compare the order's taxes with its lines in the store"
        problems.reject("tax_mismatch", "taxedPrice", message, advice, total_tax)
    elif rest and amounts.lines:
        max(amounts.lines, key=lambda line: line.line_total).rounding = rest
    return amounts


def _sum_of_taxes(amounts: Amounts) -> Decimal:
    taxes = [line.tax for line in amounts.lines] + [charge.tax for charge in amounts.charges]
    return sum(taxes, ZERO)


def _scaled(amounts: Amounts, factor: Decimal, minor: Decimal) -> Amounts:
    for line in amounts.lines:
        line.tax = quantized(line.tax * factor, minor)
    charges = [replace(c, tax=quantized(c.tax * factor, minor)) for c in amounts.charges]
    return amounts._replace(charges=charges)


def _divided(amounts: Amounts, total_tax: Decimal, minor: Decimal) -> Amounts:
    whole = sum([line.left() for line in amounts.lines], ZERO)
    whole += sum([charge.amount for charge in amounts.charges], ZERO)
    if not whole:
        return amounts
    for line in amounts.lines:
        line.tax = quantized(total_tax * line.left() / whole, minor)
    charges = [
        replace(c, tax=quantized(total_tax * c.amount / whole, minor)) for c in amounts.charges
    ]
    return amounts._replace(charges=charges)


def check_total(
    amounts: Amounts, total: Decimal, added_tax: Decimal, minor: Decimal, problems: DocumentProblems
) -> None:
    """Report ``total_mismatch`` unless the parts add up to the total, to half a minor unit.

    ``added_tax`` is what the taxes add to the prices, to which they were settled.
    """
    computed = added_tax
    for line in amounts.lines:
        computed += line.left()
    for charge in amounts.charges:
        computed += charge.amount
    for discount in amounts.discounts:
        computed -= discount.amount
    if abs(computed - total) > rounding_of_sum(minor):
        message = (
            f"lines, charges, discounts and taxes add up to {computed}, but the order's "
            f"total is {total}, a difference of {total - computed}"
        )
        advice = "compare the order's total with its parts in the store"
        problems.reject("total_mismatch", "totalPrice", message, advice, total)
