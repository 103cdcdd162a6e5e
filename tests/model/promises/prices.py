"""Prices: the store shows the OMS's, and none moves beyond the limit without approval."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal

from tests.model.life import OPEN, Life

WITHIN = Decimal("0.0001")
"""By so much a change may seem to be above its limit, by rounding."""


def watch(life: Life) -> None:
    """Note what shoppers see now; a move of a price beyond the limit breaks a promise."""
    facts = life.facts
    if not facts.stated:
        return
    shown, limits = shown_prices(life), facts.limits
    largest = None if None in limits else max(one for one in limits if one is not None)
    for sku, price in shown.items():
        before = facts.shown_prices.get(sku)
        if before and largest is not None and price != before and not _is_excused(life, sku):
            change = abs(price - before) / before
            if change > Decimal(str(largest)) + WITHIN:
                move = f"{sku} went from {before} to {price} without approval"
                facts.broken.append(f"price_beyond_limit: {move}")
    paid = paid_prices(life)
    for sku, price in paid.items() if largest is not None else ():
        before = facts.paid_prices.get(sku)
        if not before or price == before or _is_excused(life, sku):
            continue
        is_end_of_sale = price == shown[sku] == facts.shown_prices.get(sku)
        change = abs(price - before) / before
        if change > Decimal(str(largest)) + WITHIN and not is_end_of_sale:
            move = f"shoppers paid {before} for {sku}, and pay {price} without approval"
            facts.broken.append(f"sale_beyond_limit: {move}")
    facts.shown_prices, facts.paid_prices, facts.limits = shown, paid, limits[-1:]


def _is_excused(life: Life, sku: str) -> bool:
    """Return whether an operator let it pass, or a request came late, as none could know."""
    return sku in life.facts.approved or bool(life.world.wire.late_paths)


def shown_prices(life: Life) -> dict[str, Decimal]:
    """Return SKU -> what the store's own list shows in its currency."""
    return {
        row["sku"]: Decimal(row["regular"])
        for row in life.world.ask_store("truth")["prices"]
        if not row["price_list"] and row["currency"] in ("", "USD")
    }


def paid_prices(life: Life) -> dict[str, Decimal]:
    """Return SKU -> what shoppers pay by the store's own list: the sale price, if there is one."""
    return {
        row["sku"]: Decimal(row["sale"] or row["regular"])
        for row in life.world.ask_store("truth")["prices"]
        if not row["price_list"] and row["currency"] in ("", "USD")
    }


def check(life: Life) -> Iterator[str]:
    """Return each price that is lost, invented, or has moved too far."""
    facts = life.facts
    if not facts.stated:
        return
    rows = [(stream, name) for stream, name, _ in life.world.database.rows(OPEN)]
    excused = {name for stream, name in (*rows, *facts.discarded) if stream == "prices"}
    in_list = {
        row["sku"]: Decimal(row["regular"])
        for row in life.world.ask_store("truth")["prices"]
        if row["price_list"] == facts.price_list and row["currency"] == "USD"
    }
    for sku, price in sorted(_of_store(life, facts.list_prices).items()):
        is_sold = sku in facts.shown_prices
        if is_sold and in_list.get(sku) != price and not _is_named(sku, excused, "WHOLESALE"):
            there = in_list.get(sku)
            yield f"price_differs: {sku} costs {price} in the OMS's list, {there} in the store's"
    yield from _scheduled(life, excused)
    sales = _of_store(life, facts.sales)
    for sku, price in sorted(_of_store(life, facts.prices).items()):
        if sku in facts.priced_by_hand or _is_named(sku, excused):
            continue
        shown = facts.shown_prices.get(sku)
        if shown is None and life.world.pair.store == "bigcommerce":
            continue  # it shows all SKUs that it sells: the merchant has given this one another
        if shown != price:
            yield f"price_differs: {sku} costs {price} at the OMS, and {shown} in the store"
        sale = sales.get(sku, price)
        if sale > price:
            yield f"sale_above_price: {sku} costs {sale} in a sale, and no rejection says so"
        elif shown == price and facts.paid_prices.get(sku) != sale:
            there = facts.paid_prices.get(sku)
            yield f"sale_differs: {sku} costs {sale} in the OMS's sale, and {there} in the store"


def _scheduled(life: Life, excused: Collection[str]) -> Iterator[str]:
    """Return each price with a period that the store lacks within it, or shows before it."""
    facts, now = life.facts, life.world.clock.now()
    for sku, one in sorted(facts.scheduled.items()):
        price = one.price * life.world.factor(sku)
        shown, is_known = facts.shown_prices.get(sku), sku not in facts.priced_by_hand
        if shown is None or _is_named(sku, excused):
            continue
        if now < one.start and shown == price:
            yield f"price_early: {sku} shows {price}, which applies from {one.start} on"
        is_current = one.start <= now and (one.end is None or now < one.end)
        if is_current and is_known and shown != price:
            yield f"price_late: {sku} shows {shown}, and {price} applies since {one.start}"


def _of_store(life: Life, prices: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return prices of the OMS's units as those of the store's."""
    return {sku: price * life.world.factor(sku) for sku, price in prices.items()}


def _is_named(sku: str, names: Collection[str], price_list: str = "") -> bool:
    """Return whether a price of the SKU is among records; any of its list, in any currency."""
    return any(
        name.partition("@")[0] == sku and (not price_list or price_list in name) for name in names
    )
