"""What an order's document states of its deliveries and units."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.milestones import Milestone
from resources.platforms.commercetools.orders.delivered import to_store_snapshot
from resources.platforms.commercetools.orders.states import STANDING
from resources.platforms.commercetools.orders.units import ordered_units, units_of
from resources.platforms.commercetools.payload import ORDERS
from tests.resources.platforms.commercetools.projects import order

Json = dict[str, Any]


def delivery(line: str, quantity: int | None) -> Json:
    """Return a delivery of units of a line item."""
    return {"id": "d", "items": [{"id": line, "quantity": quantity}, None], "parcels": []}


def test_deliveries_of_every_way_of_shipping_count() -> None:
    """Of mode Multiple, too; custom line items, and what is null, are not units."""
    document = order()
    first, second = [line["id"] for line in document["lineItems"]]
    document |= {
        "shippingMode": "Multiple",
        "shippingInfo": None,
        "shipping": [
            {"shippingKey": "a", "shippingInfo": {"deliveries": [delivery(first, 2), None]}},
            {"shippingKey": "b", "shippingInfo": {"deliveries": [delivery(second, 1)]}},
            {"shippingKey": "c", "shippingInfo": {"deliveries": [delivery("custom-item", 5)]}},
            {"shippingKey": "d", "shippingInfo": None},
            None,
        ],
    }
    document["lineItems"].append(None)
    assert tuple(units_of(ORDERS.decode(orjson.dumps(document)).document, STANDING)) == (4, 3)
    document["shippingInfo"] = {"deliveries": [None, delivery(first, 1), delivery(first, None)]}
    assert to_store_snapshot(orjson.dumps(document)).shipped_units == 4


@pytest.mark.parametrize(
    ("order_state", "shipment_state", "status", "is_final", "milestone"),
    [
        ("Open", None, "Pending", False, Milestone.CREATED),
        ("Open", "Delayed", "Delayed", False, None),
        ("Open", "Delivered", "Delivered", False, Milestone.DELIVERED),
        ("Open", "Canceled", "Canceled", True, Milestone.CANCELED),
        ("Cancelled", "Shipped", "Cancelled", True, Milestone.CANCELED),
        ("Open", "NewState", "NewState", False, None),
    ],
)
def test_a_snapshot_states_what_the_order_shows(
    order_state: str,
    shipment_state: str | None,
    status: str,
    is_final: bool,
    milestone: Milestone | None,
) -> None:
    """A state that is not known shows no milestone, and is not final."""
    document = order(orderState=order_state) | {"shipmentState": shipment_state}
    found = to_store_snapshot(orjson.dumps(document))
    assert (found.status, found.is_final, found.milestone) == (status, is_final, milestone)


def test_the_units_of_an_order_that_can_not_be_mapped_count_as_far_as_they_can_be_read() -> None:
    """Lines of one SKU are added up; without a SKU or a quantity above zero there are none."""
    document = order()
    mug = document["lineItems"][0]
    document["lineItems"] = [
        mug,
        mug | {"id": "x"},
        None,
        mug | {"variant": None},
        mug | {"variant": {"sku": " "}},
        mug | {"quantity": None},
        mug | {"quantity": 0},
        mug | {"quantity": -2},
        mug | {"variant": {"sku": " LAMP "}, "quantity": 1},
    ]
    assert ordered_units(orjson.dumps(document)) == {"MUG": 6, "LAMP": 1}


@pytest.mark.parametrize("payload", [b"", b"[]", b"{"])
def test_an_unreadable_order_states_nothing(payload: bytes) -> None:
    """Neither units nor a shipment that a reconciliation would believe."""
    assert ordered_units(payload) == {}
    found = to_store_snapshot(payload)
    assert (found.status, found.shipped_units, found.milestone) == ("", 0, None)
