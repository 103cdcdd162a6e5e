"""Where each price belongs in the store: the policy x the newest prices x the catalog x the time.

One plan for delivery, reconciliation and preview. A plan is plain data; nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import orjson

from domain.connections import PRICES, Connection
from domain.errors import LockstepError, Problem
from domain.exchange import Skipped
from domain.identity import content_digest
from domain.policies import PricesPolicy, UomRule
from domain.prices import PricePlace, PriceTag, tag_content
from domain.records.inventory import StoreItem
from domain.records.orders import ONE
from domain.records.prices import Price
from domain.records.record import decode_record
from domain.rules.pricing import list_of, next_change, not_in_force, tag_of
from domain.skus import BySku, sku_key
from resources.ledger.records.prices import UNLISTED, TakenUp
from resources.ledger.session import Session
from resources.sync import Sync

NOT_IN_STORE = "not_in_store"
GONE = Skipped("price_gone", "the OMS no longer has this price")
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class PricePlan:
    """What the store should show of one price; without a place, the rule that shows nothing."""

    place: PricePlace | None = None
    tag: PriceTag | None = None
    skipped: Skipped | None = None
    problem: Problem | None = None
    """Why the price is none of the store's unit."""

    @property
    def key(self) -> str:
        """Return the key of the target state; empty if the price belongs to no place."""
        return self.place.key if self.place is not None else ""

    @property
    def content(self) -> bytes:
        """Return the target state once the price is written."""
        return tag_content(self.tag)


def plan_price(
    price: Price,
    policy: PricesPolicy,
    items: Mapping[str, StoreItem],
    now: datetime,
    units: BySku[UomRule],
) -> PricePlan:
    """Return the plan of a price. Pure; ``items`` are the store's by the prices' SKUs.

    ``units`` are the connection's rules: the OMS asks its price for the unit of its orders.
    """
    if (early := not_in_force(price, now)) is not None:
        return PricePlan(skipped=early)
    price_list = list_of(price, policy)
    if isinstance(price_list, Skipped):
        return PricePlan(skipped=price_list)
    item = items.get(price.sku)
    if item is None:
        return PricePlan(skipped=Skipped(NOT_IN_STORE, "the store has no such SKU"))
    rule = units.get(price.sku)
    tag = tag_of(price, ONE if rule is None else rule.factor)
    if isinstance(tag, Problem):
        return PricePlan(problem=tag)
    return PricePlan(PricePlace(item, price_list, price.currency), tag)


def plan_prices(
    sync: Sync, session: Session, prices: Iterable[Price], now: datetime
) -> list[PricePlan]:
    """Return the plan of each price, in their order."""
    prices = list(prices)
    items = session.catalog.store_items({price.sku for price in prices}, priced=True)
    policy, units = sync.connection.prices, BySku(sync.connection.orders.uom_rules)
    return [plan_price(price, policy, items, now, units) for price in prices]


def take_up_due(sync: Sync, session: Session, now: datetime) -> None:
    """Store the places of all prices that are due, whatever partition or chunk they are in.

    Before one is planned, so that it is known which others belong to its place. Its caller holds
    the writer's lock.
    """
    while due := session.prices.untaken(now, AT_ONCE):
        prices = [decode_record(Price, one.canonical) for one in due]
        plans = plan_prices(sync, session, prices, now)
        session.prices.take_up(
            [
                taken_up(one.source_id, one.source_day, one.capture_id, price, plan, now)
                for one, price, plan in zip(due, prices, plans, strict=True)
            ]
        )


def taken_up(
    source_id: str, day: date, capture_id: UUID, price: Price, plan: PricePlan, now: datetime
) -> TakenUp:
    """Return a price as the ledger keeps it with its plan."""
    until = next_change(price, now)
    return TakenUp(source_id, sku_key(price.sku), day, capture_id, plan.key, until)


def ambiguous(plan: PricePlan, rivals: Mapping[str, list[str]]) -> Problem | None:
    """Return why a price can't be sent: another one of the OMS is about the same item."""
    others = rivals.get(plan.key)
    if others is None or plan.place is None:
        return None
    return Problem(
        "price_ambiguous",
        "sku",
        f"The OMS has several prices for the store's SKU {plan.place.item.sku}, in one list and "
        f"currency: {', '.join(others[:5])}.",
        "Keep one of them at the OMS, or give its price lists different lists of the store in "
        "prices.lists; until then none of them is sent.",
        plan.place.item.sku,
    )


def policy_digest(connection: Connection) -> str:
    """Return a digest of the settings that decide what the store shows."""
    policy = connection.prices.model_dump(mode="json", exclude={"interval"})
    content: dict[str, object] = {PRICES: policy}
    if rules := connection.orders.uom_rules:
        content["factors"] = {sku: str(rule.factor) for sku, rule in rules.items()}
    return content_digest(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hex()


def make_listed_due(sync: Sync, session: Session) -> int:
    """Make the prices due whose list the store did not have, and has now.

    Where the store can't be asked, the next read of prices asks it.
    """
    waiting = session.prices.unlisted()
    prices = [decode_record(Price, canonical) for canonical in waiting.values()]
    plans = plan_prices(sync, session, prices, session.now()) if prices else ()
    places = [
        plan.place
        for name, plan in zip(waiting, plans, strict=True)
        if plan.place is not None and plan.place.price_list == name
    ]
    if not places:
        return 0
    try:
        shown = sync.store_prices.prices(places)
    except LockstepError:
        return 0
    problems = {place.price_list: shown[place.key].problem for place in places}
    found = [n for n, problem in problems.items() if problem is None or problem.code != UNLISTED]
    return session.prices.make_listed_due(found) if found else 0


def make_changed_due(sync: Sync, session: Session) -> int:
    """Make the prices due whose policy, item or period has changed since their plan."""
    return session.prices.make_due(policy_digest(sync.connection), session.now())
