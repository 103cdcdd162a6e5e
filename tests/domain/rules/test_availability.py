"""The availability policy: never negative, never more than there is."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from domain.connections import InventoryPolicy
from domain.exchange import Skipped
from domain.records.inventory import StockLevel, StockTarget
from domain.rules.availability import sellable, target_of

NOW = datetime(2026, 3, 19, tzinfo=UTC)
quantities = st.decimals(min_value=0, max_value=100_000, places=2)
units = st.integers(0, 500)


def _level(available: Decimal, expected: Decimal | None = None, **more: object) -> StockLevel:
    given_fields = {
        "sku": "MUG",
        "node": "NetworkView",
        "available": available,
        "expected": expected,
        "observed_at": NOW,
    } | more
    return convert(given_fields, StockLevel)


@given(quantities, units, units, units)
def test_the_shown_quantity_is_never_negative_and_never_more_than_available(
    available: Decimal, safety: int, buffer: int, undelivered: int
) -> None:
    """Whatever is held back."""
    policy = InventoryPolicy(safety_stock=safety, channel_buffer=buffer)
    assert 0 <= sellable(_level(available), policy, undelivered) <= available


@given(quantities, quantities, units, units)
def test_more_available_never_shows_less(
    one: Decimal, other: Decimal, safety: int, undelivered: int
) -> None:
    """Monotonic in the availability."""
    policy = InventoryPolicy(safety_stock=safety)
    low, high = sorted((one, other))
    assert sellable(_level(low), policy, undelivered) <= sellable(_level(high), policy, undelivered)


@given(quantities, units, units, units, units)
def test_holding_more_back_never_shows_more(
    available: Decimal, safety: int, buffer: int, undelivered: int, more: int
) -> None:
    """Safety stock, buffer and undelivered orders each lower the number by their own amount."""
    plain = sellable(
        _level(available), InventoryPolicy(safety_stock=safety, channel_buffer=buffer), undelivered
    )
    for policy, waiting in (
        (InventoryPolicy(safety_stock=safety + more, channel_buffer=buffer), undelivered),
        (InventoryPolicy(safety_stock=safety, channel_buffer=buffer + more), undelivered),
        (InventoryPolicy(safety_stock=safety, channel_buffer=buffer), undelivered + more),
    ):
        assert sellable(_level(available), policy, waiting) == max(plain - more, 0)


@given(quantities, quantities, units)
def test_expected_supply_counts_for_backorder_skus_only(
    available: Decimal, expected: Decimal, safety: int
) -> None:
    """A SKU that may be sold before it arrives shows what is coming, too; another does not."""
    level = _level(available, expected)
    plain = InventoryPolicy(safety_stock=safety)
    ahead = InventoryPolicy(safety_stock=safety, backorder_skus=("MUG",))
    assert sellable(level, plain, 0) == sellable(_level(available), plain, 0)
    assert sellable(level, ahead, 0) == sellable(_level(available + expected), plain, 0)


@given(quantities, units, units)
def test_a_skus_own_buffer_takes_the_place_of_the_channels(
    available: Decimal, buffer: int, own: int
) -> None:
    """They don't add up."""
    policy = InventoryPolicy(channel_buffer=buffer, sku_buffers={"MUG": own})
    assert sellable(_level(available), policy, 0) == sellable(
        _level(available), InventoryPolicy(channel_buffer=own), 0
    )


@given(quantities, st.sampled_from(["skip", "number", "stop_tracking"]))
def test_an_infinite_item_is_never_shown_by_its_number(available: Decimal, rule: str) -> None:
    """Its number means nothing: the policy says what is shown instead."""
    policy = InventoryPolicy.model_validate({"infinite": rule, "infinite_quantity": 777})
    target = target_of(_level(available, infinite=True), policy, {"default": "1"}, {})
    if rule == "skip":
        assert isinstance(target, Skipped)
    else:
        assert isinstance(target, StockTarget)
        assert (target.infinite, target.quantity) == (
            (True, 0) if rule == "stop_tracking" else (False, 777)
        )


def test_a_node_without_a_location_feeds_none() -> None:
    """A node that is not mapped is skipped by a named rule; so is an unknown location."""
    policy = InventoryPolicy(mode="by_node", nodes={"DC1": "EAST"})
    for node, locations, rule in (
        ("DC2", {"EAST": "2"}, "node_not_mapped"),
        ("DC1", {"WEST": "3"}, "location_unknown"),
    ):
        target = target_of(_level(Decimal(5), node=node), policy, locations, {})
        assert isinstance(target, Skipped)
        assert target.rule == rule
