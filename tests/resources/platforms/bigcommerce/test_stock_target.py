"""Levels of stock as a target: tracking is switched off or on where a level needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest
from msgspec.structs import replace

from domain.delivery import Claimed, Intent, LevelChange, Outcome
from domain.records.inventory import StockTarget, StoreItem, Tracking
from resources.http.retries import RetryPolicy
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import platform, read_items
from tests.resources.platforms.bigcommerce.test_writing import catalogued, stocked


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry within hundredths of a second."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)


def apply(shop: Shop, *changes: LevelChange) -> list[Outcome]:
    """Write levels in one batch."""
    claimed = [Claimed(Intent("level", uuid4(), c.target.sku, c), "stk-1") for c in changes]

    async def run() -> list[Outcome]:
        store = platform(shop.url)
        async with store.targets["inventory"].writer(lambda _: None) as writer:
            found: list[Outcome] = await writer.apply(claimed)
        store.close()
        return found

    return asyncio.run(run())


def level(
    items: dict[str, StoreItem],
    sku: str,
    quantity: int = 0,
    *,
    infinite: bool = False,
    track: Tracking = "none",
) -> LevelChange:
    """Return a level to write."""
    target = StockTarget(sku=sku, location="1", quantity=quantity, infinite=infinite, track=track)
    return LevelChange(target, items[sku])


def tracking(shop: Shop) -> dict[str, str]:
    """Return how the store tracks each SKU."""
    reader = platform(shop.url)
    found = {
        item.sku: item.tracking
        for page in read_items(reader)
        for item in page
        if isinstance(item, StoreItem)
    }
    reader.close()
    return found


def codes(outcomes: Sequence[Outcome]) -> list[tuple[str, list[str]]]:
    """Return state and problems of each outcome."""
    return [(one.state, [problem.code for problem in one.problems]) for one in outcomes]


def test_a_level_without_a_limit_switches_tracking_off(shop: Shop) -> None:
    """Each product by itself: one that the store lacks stops no other."""
    items = catalogued(shop)
    items["GONE"] = replace(items["SOLO"], sku="GONE", parent_id="999")
    outcomes = apply(shop, level(items, "GONE", infinite=True), level(items, "SOLO", infinite=True))
    assert codes(outcomes) == [("refused", ["tracking_not_changed"]), ("done", [])]
    assert tracking(shop)["SOLO"] == "none"


def test_a_conflict_of_a_product_is_no_busy_store(shop: Shop) -> None:
    """409, by the contract of products; 423 is a locked one."""
    items = catalogued(shop)
    shop.fault(kind="status", status=409, body={"title": "no such brand"}, method="PUT", times=1)
    outcomes = apply(shop, level(items, "SOLO", infinite=True))
    assert codes(outcomes) == [("refused", ["tracking_not_changed"])]


@pytest.mark.parametrize("sku", ["OFF", "SOLO"])
def test_a_level_of_an_item_that_is_not_tracked_switches_tracking_on(shop: Shop, sku: str) -> None:
    """And the quantity is written at that level; it may be on already."""
    items = catalogued(shop)
    [outcome] = apply(shop, level(items, sku, 9, track="product"))
    assert outcome.state == "done"
    assert tracking(shop)[sku] == "product"
    assert stocked(shop)[sku, 1] == 9


def test_no_quantity_is_written_where_tracking_can_not_be_switched_on(shop: Shop) -> None:
    """The store would show it for nothing."""
    items = catalogued(shop)
    items["GONE"] = replace(items["OFF"], sku="GONE", parent_id="999")
    outcomes = apply(
        shop, level(items, "GONE", 9, track="product"), level(items, "OFF", 4, track="product")
    )
    assert codes(outcomes) == [("refused", ["tracking_not_changed"]), ("done", [])]
    assert stocked(shop)["OFF", 1] == 4


def test_a_refused_row_stops_no_other(shop: Shop) -> None:
    """Its outcome names the reason."""
    items = catalogued(shop)
    outcomes = apply(shop, level(items, "OFF", 5), level(items, "SOLO", 6))
    assert codes(outcomes) == [("refused", ["tracking_off"]), ("done", [])]
    assert stocked(shop)["SOLO", 1] == 6


def test_a_store_that_refuses_access_fails_all_levels_of_a_batch(shop: Shop) -> None:
    """None of them is at fault, so none is rejected."""
    items = catalogued(shop)
    shop.fault(kind="status", method="PUT", status=403, path="/adjustments/")
    outcomes = apply(shop, level(items, "SOLO", 6), level(items, "SHIRT-S", 7))
    assert len({one.state for one in outcomes}) == 1
    assert outcomes[0].state not in ("done", "refused")
    assert all(one.error for one in outcomes)
