"""A connection's rules of prices: where one belongs, and which change waits for approval. Pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from domain.currencies import minor_unit
from domain.errors import Problem
from domain.exchange import Skipped
from domain.policies import PricesPolicy
from domain.prices import OWN_PRICES, PriceTag, plain
from domain.records.orders import ONE
from domain.records.prices import Price

CHANGE = "price_change_large"
FIRST = "price_first"
HELD = (CHANGE, FIRST)
"""Codes of prices that wait for an operator's approval."""
_APPROVE = (
    "Compare the price at the OMS. If it is right, approve it with 'lockstep rejections retry ID "
    "--reason TEXT': this price is then sent, and no other. If it is wrong, correct it at the OMS, "
    "which replaces this rejection"
)


def list_of(price: Price, policy: PricesPolicy) -> str | Skipped:
    """Return the store's price list that a price belongs to, or why it belongs to none."""
    if not price.price_list:
        return policy.store_list
    found = policy.lists.get(price.price_list)
    if found is not None:
        return found
    return Skipped(
        "price_list_not_mapped",
        f"prices.lists names no list of the store for the OMS's list {price.price_list}",
    )


def not_in_force(price: Price, now: datetime) -> Skipped | None:
    """Return why a price does not apply at a moment, ``None`` if it does."""
    if price.valid_from is not None and now < price.valid_from:
        return Skipped("price_not_in_force", "its period has not started")
    if price.valid_until is not None and now >= price.valid_until:
        return Skipped("price_not_in_force", "its period has ended")
    return None


def next_change(price: Price, now: datetime) -> datetime | None:
    """Return when a price begins or ends to be in force, ``None`` if it does no more."""
    moments = [m for m in (price.valid_from, price.valid_until) if m is not None and m > now]
    return min(moments, default=None)


def tag_of(price: Price, factor: Decimal = ONE) -> PriceTag | Problem:
    """Return what the store should show for its own unit, which is ``factor`` of the OMS's.

    A sale at the regular price is none. A problem for what is not an amount of the currency.
    """
    regular, sale = price.regular * factor, price.sale
    sale = None if sale is None or sale == price.regular else sale * factor
    for field, amount in (("regular", regular), ("sale", sale)):
        if amount is not None and factor != ONE and amount % minor_unit(price.currency):
            return Problem(
                "price_not_in_minor_units",
                field,
                f"The store's unit of {price.sku} is {plain(factor)} of the OMS's, and costs "
                f"{plain(amount)} {price.currency}, which is not an amount of the currency.",
                "Correct the price at the OMS, or the SKU's rule in orders.uom_rules.",
                plain(amount),
            )
    return PriceTag(regular, sale)


def held_back(
    wanted: PriceTag,
    shown: PriceTag | None,
    currency: str,
    policy: PricesPolicy,
    price_list: str = OWN_PRICES,
) -> Problem | None:
    """Return why a price waits for approval, ``None`` if it may go out.

    The problem's value is the new price with its list: an approval covers it, whatever the store
    shows there by then, and no other list of the store.
    """
    value = wanted.text(currency)
    if price_list != OWN_PRICES:
        value = f"{value} in the list {price_list}"
    if shown is None or not shown.selling or not shown.regular:
        if policy.first_price == "send":
            return None
        return Problem(
            FIRST,
            "regular",
            f"The store has no price to compare {value} with, so it could be off by any factor.",
            f"{_APPROVE}. To send first prices without approval, set prices.first_price to send.",
            value,
        )
    if policy.max_change is None:
        return None
    return _changed_too_far(wanted, shown, currency, policy.max_change, value)


def _changed_too_far(
    wanted: PriceTag, shown: PriceTag, currency: str, limit: float, value: str
) -> Problem | None:
    for field, new, old in (
        ("regular", wanted.regular, shown.regular),
        ("sale", wanted.selling, shown.selling),
    ):
        if field == "sale" and wanted.regular == shown.regular and new > old:
            continue  # the end of a sale: what it returns to is the store's own regular price
        if abs(new - old) > Decimal(str(limit)) * old:
            return Problem(
                CHANGE,
                field,
                f"The price would change by {_percent(new, old)}, from {shown.text(currency)} to "
                f"{value}; prices.max_change allows {limit:.0%}.",
                f"{_APPROVE}.",
                value,
            )
    return None


def _percent(new: Decimal, old: Decimal) -> str:
    return f"{(new - old) / old * 100:+.1f} %".replace("+-", "-")


def currency_problem(price: Price, policy: PricesPolicy) -> Problem | None:
    """Return why a price's currency can't be used: none is stated, or another one is required."""
    if not price.currency:
        return Problem(
            "price_currency_missing",
            "currency",
            "The OMS states no currency for the price, and no setting does.",
            "Set prices.currency to the currency of the OMS's prices.",
            plain(price.regular),
        )
    if policy.only and price.currency not in policy.only:
        return Problem(
            "price_currency_refused",
            "currency",
            f"The price is in {price.currency}, and prices.only lists {', '.join(policy.only)}.",
            "Correct the currency at the OMS, or add it to prices.only.",
            price.currency,
        )
    return None
