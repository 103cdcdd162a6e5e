"""Prices of the OMS that apply for a while: from a moment on, and perhaps until another one."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from tests.model.facts import Scheduled
from tests.model.life import Life
from tests.model.operations.prices import FROM, SKU, STORES, UNTIL, among_pairs, price_row
from tests.model.operations.prices import allow as allow_prices
from tests.model.operations.registry import among

CENTS = 1_001
"""The least price; each is another one, and near to what the store asks at first."""


@among_pairs(STORES, ("manhattan",))(
    "oms", 3, sku=SKU, minutes=among(-5, 20, 300), lasts=among(None, 60, 3_000)
)
def schedule_price(life: Life, sku: str, minutes: int, lasts: int | None) -> None:
    """Replace an item's price by one that applies later, or already; perhaps for a while."""
    allow_prices(life)
    price = Decimal(CENTS + next(life.runs.numbers)) / 100
    now = life.world.clock.now().replace(microsecond=0)
    start = now + timedelta(minutes=minutes)
    end = None if lasts is None else start + timedelta(minutes=lasts)
    period = {FROM: start.isoformat()} | ({} if end is None else {UNTIL: end.isoformat()})
    life.world.to_oms("prices", [price_row(sku, price) | period])
    facts = life.facts
    facts.prices.pop(sku, None)
    facts.sales.pop(sku, None)
    facts.priced_by_hand.discard(sku)
    facts.stated.add(sku)
    facts.scheduled[sku] = Scheduled(price, start, end)
