"""Which statuses of a store a connection uses: the connector's defaults, or its own."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from domain.policies import OrdersPolicy, ShipmentsPolicy
from domain.statuses import StoreStatuses

SHOP = StoreStatuses(
    {"1": "New", "2": "Paid", "3": "Packed", "9": "Void"},
    export=("2",),
    update=("3",),
    cancel=("9",),
)


def faults(orders: dict[str, Any], shown: dict[str, Any], shop: StoreStatuses = SHOP) -> list[str]:
    """Return place and message of each unusable status."""
    found = shop.unusable(
        OrdersPolicy.model_validate(orders),
        ShipmentsPolicy.model_validate({"milestone_statuses": shown}),
    )
    return [f"{'.'.join(one.place)}: {one.message}" for one in found]


def test_the_connector_has_the_defaults() -> None:
    """A connection that names no status gets them, and none of another kind of store."""
    chosen = SHOP.chosen(OrdersPolicy())
    assert (chosen.export, chosen.update, chosen.cancel) == ({"2"}, {"3"}, {"9"})
    assert chosen.outgoing == {"2"}


def test_the_configuration_replaces_a_default_and_leaves_the_others() -> None:
    """An empty list is a choice as well: nothing is then canceled."""
    chosen = SHOP.chosen(OrdersPolicy(export_statuses=(1, 2), cancel_statuses=()))
    assert (chosen.export, chosen.update, chosen.cancel) == ({"1", "2"}, {"3"}, frozenset())


def test_orders_on_hold_are_exported_too() -> None:
    """Statuses are compared as text, since platforms have numbers or names."""
    policy = OrdersPolicy(export_statuses=(11, "paid"), hold_statuses={12: "Fraud"})
    assert SHOP.chosen(policy).outgoing == {"11", "paid", "12"}


@pytest.mark.parametrize(
    ("orders", "shown", "place"),
    [
        ({"export_statuses": [2, "Payd"]}, {}, "orders.export_statuses"),
        ({"update_statuses": ["Payd"]}, {}, "orders.update_statuses"),
        ({"cancel_statuses": ["Payd"]}, {}, "orders.cancel_statuses"),
        ({"hold_statuses": {"Payd": "Review"}}, {}, "orders.hold_statuses"),
        ({}, {"shipped": "Payd", "packed": None}, "shipments.milestone_statuses"),
    ],
)
def test_a_status_that_the_store_does_not_have_is_refused_with_those_it_has(
    orders: dict[str, Any], shown: dict[str, Any], place: str
) -> None:
    """A misspelt status would skip orders without a trace."""
    known = "known are 1 (New), 2 (Paid), 3 (Packed), 9 (Void)"
    assert faults(orders, shown) == [f"{place}: the store has no status 'Payd'; {known}"]


def test_a_store_whose_merchants_add_statuses_takes_any() -> None:
    """They can't be listed in advance."""
    shop = replace(SHOP, is_open=True)
    assert faults({"export_statuses": ["Payd"]}, {"shipped": "Gone"}, shop) == []


def test_fulfilment_may_have_statuses_of_its_own() -> None:
    """In some stores an order has one status for payment and another for fulfilment."""
    shop = replace(SHOP, settable={"Sent": "Sent"})
    assert faults({}, {"shipped": "Sent"}, shop) == []
    [fault] = faults({}, {"shipped": 3}, shop)
    assert fault.endswith("the store has no status '3'; known are Sent")


@pytest.mark.parametrize("policy", [{}, {"cancel_statuses": [9, 3]}])
def test_a_status_is_either_a_hold_or_a_cancellation(policy: dict[str, Any]) -> None:
    """By default or by configuration."""
    [fault] = faults(policy | {"hold_statuses": {9: "Review"}}, {})
    assert "status 9 is in hold_statuses and in cancel_statuses" in fault
