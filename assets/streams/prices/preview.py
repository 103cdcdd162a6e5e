"""What would happen to prices, without a change at either system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from assets.streams.prices.plan import PricePlan, plan_price
from assets.streams.prices.stream import Prices, to_price
from assets.streams.sample import Sample, check_of, examined, kept_out, skipped_by
from domain.exchange import Skipped
from domain.prices import StorePrice
from domain.records.inventory import StoreItem
from domain.rules.pricing import held_back
from domain.skus import BySku
from domain.sources import Scope
from domain.values import Window
from resources.ledger.session import Session
from resources.sync import Sync


def preview_prices(
    sync: Sync, session: Session, items: Mapping[str, StoreItem]
) -> Iterator[Sample]:
    """Yield what would happen to the prices of some of the store's items."""
    known, now = BySku(items), datetime.now(UTC)
    policy, units = sync.connection.prices, BySku(sync.connection.orders.uom_rules)
    plans: dict[str, PricePlan] = {}
    check = check_of(sync, session, Prices())
    for page in sync.prices.fetch(Window(now, now), Scope(sorted(items), now)):
        for row in page.records:
            price = examined(row.source_id, partial(to_price, sync, row.payload), check)
            if isinstance(price, Sample):
                yield price
                continue
            item = known.get(price.sku)
            own = {price.sku: item} if item is not None else {}
            plans[row.source_id] = plan_price(price, policy, own, now, units)
    places = [plan.place for plan in plans.values() if plan.place is not None]
    shown = sync.store_prices.prices(places)
    for source_id, plan in plans.items():
        yield _one(sync, source_id, plan, shown)


def _one(sync: Sync, source_id: str, plan: PricePlan, shown: Mapping[str, StorePrice]) -> Sample:
    if plan.problem is not None:
        return kept_out(source_id, [plan.problem])
    if plan.place is None or plan.tag is None:
        return skipped_by(source_id, plan.skipped or Skipped("", ""))
    held, currency = shown[plan.key], plan.place.currency
    if held.problem is not None:
        return kept_out(source_id, [held.problem])
    before = "no price" if held.tag is None else held.tag.text(currency)
    text = f"the store shows {before}; it would show {plan.tag.text(currency)}"
    if held.tag == plan.tag:
        return Sample(source_id, "unchanged", text)
    problem = held_back(plan.tag, held.tag, currency, sync.connection.prices, plan.place.price_list)
    if problem is not None:
        return kept_out(source_id, [problem])
    return Sample(source_id, "send", text)
