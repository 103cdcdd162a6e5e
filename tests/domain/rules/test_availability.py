"""The availability policy: never negative, never more than there is."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from domain.exchange import MasterItem, Skipped
from domain.policies import InventoryPolicy, OrdersPolicy, UomRule
from domain.records.inventory import StockLevel, StockTarget
from domain.rules.availability import AvailabilityRules, location_of, unit_problem

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


def sellable(
    level: StockLevel, policy: InventoryPolicy, undelivered: int, rule: UomRule | None = None
) -> int:
    """Return what a location shows for one level."""
    rules = {level.sku: rule} if rule is not None else {}
    return AvailabilityRules(policy, rules).sellable([level], undelivered)


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
    target = AvailabilityRules(policy, {}).target([_level(available, infinite=True)], "1", 0)
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
        location = location_of(_level(Decimal(5), node=node), policy, locations)
        assert isinstance(location, Skipped)
        assert location.rule == rule


@given(quantities, st.integers(1, 144), st.integers(0, 40), st.integers(0, 40))
def test_units_of_the_store_are_never_more_than_the_oms_units_make(
    available: Decimal, factor: int, cases: int, safety: int
) -> None:
    """Whole cases only; cases under way and kept back are taken off as cases."""
    rule = UomRule(factor=Decimal(factor))
    policy = InventoryPolicy(safety_stock=safety)
    shown = sellable(_level(available), policy, cases * factor, rule)
    assert shown == max(int(available // factor) - cases - safety, 0)


@given(quantities, st.decimals("0.1", 24, places=1), units)
def test_a_factor_of_any_size_never_shows_more_than_there_is(
    available: Decimal, factor: Decimal, undelivered: int
) -> None:
    """A factor below one too: the store sells by the metre what the OMS counts in rolls."""
    shown = sellable(_level(available), InventoryPolicy(), undelivered, UomRule(factor=factor))
    assert Decimal(shown) * factor <= max(available - undelivered, Decimal(0))
    assert (Decimal(shown) + 1) * factor > available - undelivered


def test_stock_has_a_factor_of_its_own_where_orders_have_another_unit() -> None:
    """40 single units make three cases of 12, of which one is ordered."""
    rule = UomRule(uom="CASE", stock_factor=Decimal(12))
    assert sellable(_level(Decimal(40)), InventoryPolicy(), 1, rule) == 2


@pytest.mark.parametrize(
    ("orders", "item", "is_problem"),
    [
        ({"uom": "EA"}, MasterItem("MUG", "EA", uoms=("EA", "CASE")), False),
        ({"uom": "CASE"}, MasterItem("MUG", "EA", uoms=("EA", "CASE")), True),
        ({"uom": "CASE"}, MasterItem("MUG", "EA"), False),
        ({"uom": "CASE"}, None, False),
        (
            {"uom_rules": {"MUG": {"uom": "CASE"}}},
            MasterItem("MUG", "EA", uoms=("EA", "CASE")),
            True,
        ),
        (
            {"uom_rules": {"MUG": {"uom": "CASE", "stock_factor": 12}}},
            MasterItem("MUG", "EA", uoms=("EA", "CASE")),
            False,
        ),
    ],
)
def test_a_unit_that_is_not_the_stocks_needs_a_factor(
    orders: dict[str, object], item: MasterItem | None, *, is_problem: bool
) -> None:
    """Only where the item master says that both units are the item's: a name may be a synonym."""
    problem = unit_problem(_level(Decimal(5)), OrdersPolicy.model_validate(orders), item)
    assert (problem is not None) is is_problem
    if problem is not None:
        assert problem.code == "stock_unit_unknown"
        assert "MUG in EA, and orders are sent in CASE" in problem.message


def test_a_target_is_in_the_stores_unit() -> None:
    """By the SKU's own rule; another SKU's does not matter."""
    rules = {"MUG": UomRule(factor=Decimal(12)), "LAMP": UomRule(factor=Decimal(2))}
    target = AvailabilityRules(InventoryPolicy(), rules).target([_level(Decimal(24))], "1", 0)
    assert isinstance(target, StockTarget)
    assert target.quantity == 2
