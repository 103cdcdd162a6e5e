"""Update actions for an order as it was read: what is sent, what is not, and to which record."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.exchange import ShipmentLine, ShipmentRequest
from resources.platforms.commercetools.answers_payload import HELD_ORDERS
from resources.platforms.commercetools.shipments.actions import (
    add_delivery,
    remove_delivery,
    set_status,
    set_tracking,
)
from resources.platforms.commercetools.shipments.order import HeldOrder
from tests.resources.platforms.commercetools.projects import order, settings

Json = dict[str, Any]
KEY, CARRIER = "lockstep-1", "UPS"


def held(document: Json) -> HeldOrder:
    """Return an order as it is read before a write."""
    return HeldOrder(HELD_ORDERS.decode(orjson.dumps(document)).document, settings())


def parcel(
    document: Json, group: str = "shipping", quantity: int = 1, **changes: Any
) -> ShipmentRequest:
    """Return a parcel with units of the order's first line."""
    lines = (ShipmentLine(document["lineItems"][0]["id"], quantity),)
    given: Json = {"tracking_number": "1Z", "carrier": "ups"}
    return ShipmentRequest("o", group, lines, **(given | changes))


def delivered(*parcels: Json | None, **changes: Any) -> Json:
    """Return an order with a delivery ``d`` of one unit in some parcels."""
    document = order()
    items = [{"id": document["lineItems"][0]["id"], "quantity": 1}]
    delivery = {"id": "d", "items": items, "parcels": list(parcels)} | changes
    document["shippingInfo"]["deliveries"] = [None, delivery]
    return document


def tracked(name: str, number: str) -> Json:
    """Return a parcel with a tracking number."""
    return {"id": name, "trackingData": {"trackingId": number, "carrier": CARRIER}}


def test_a_delivery_with_the_key_is_not_added_again() -> None:
    """Even where the order has no units left for a second one."""
    document = delivered(key=KEY)
    assert add_delivery(held(document), parcel(document, quantity=3), KEY, CARRIER) == []
    [action] = add_delivery(held(document), parcel(document, quantity=2), "lockstep-2", CARRIER)
    assert (action["deliveryKey"], action["items"][0]["quantity"]) == ("lockstep-2", 2)


def test_a_parcel_without_tracking_is_delivered_without_it() -> None:
    """Not with an empty number, which a shopper would see as one."""
    document = order()
    request = parcel(document, tracking_number=" ", carrier=None)
    [action] = add_delivery(held(document), request, KEY, "")
    assert "trackingData" not in action["parcels"][0]
    [action] = add_delivery(held(document), request, KEY, CARRIER)
    assert action["parcels"][0]["trackingData"] == {"carrier": CARRIER}


def test_a_delivery_names_its_way_of_shipping_where_there_are_several() -> None:
    """In mode Multiple the API refuses one without; in mode Single it refuses one with."""
    info = {"shippingMethodName": "Express", "price": "5.00", "taxRate": 0.2}
    document = order(
        shippingMode="Multiple",
        shippingInfo=None,
        shipping=[{"shippingKey": "express", "shippingInfo": info}],
    )
    [action] = add_delivery(held(document), parcel(document, "express"), KEY, CARRIER)
    assert action["shippingKey"] == "express"
    document = order()
    [action] = add_delivery(held(document), parcel(document), KEY, CARRIER)
    assert "shippingKey" not in action


def test_a_delivery_to_an_address_of_its_lines_has_all_of_that_address() -> None:
    """With company, apartment and PO box; the label's reader needs them as much as the street."""
    office = {
        "key": "office", "country": "US", "firstName": "Jo", "company": "Acme", "pOBox": "12",
        "streetName": "Oak", "streetNumber": "1", "apartment": "4b", "building": "C",
        "additionalStreetInfo": "rear", "city": "Austin", "state": "TX", "postalCode": "78701",
    }  # fmt: skip
    document = order(itemShippingAddresses=[{"key": "home", "country": "US"}, None, office])
    targets = [{"addressKey": "office", "quantity": 2}]
    document["lineItems"][0]["shippingDetails"] = {"targets": targets}
    [action] = add_delivery(held(document), parcel(document, "address-office"), KEY, CARRIER)
    assert action["address"] == office
    [action] = add_delivery(held(document), parcel(document), KEY, CARRIER)
    assert "address" not in action


def test_new_tracking_goes_to_the_parcel_that_has_the_old_one() -> None:
    """A parcel without tracking that staff have added before it stays as it is."""
    document = delivered(None, {"id": "p1"}, tracked("p2", "OLD"))
    [action] = set_tracking(held(document), "d", parcel(document), CARRIER)
    assert (action["action"], action["parcelId"]) == ("setParcelTrackingData", "p2")
    assert action["trackingData"] == {"trackingId": "1Z", "carrier": CARRIER}
    document = delivered({"id": "p1"}, {"id": "p2"})
    [action] = set_tracking(held(document), "d", parcel(document), CARRIER)
    assert action["parcelId"] == "p1"


def test_tracking_that_is_withdrawn_is_removed() -> None:
    """By an action without data, as the API has it."""
    document = delivered(tracked("p1", "OLD"))
    request = parcel(document, tracking_number="", carrier=None)
    assert set_tracking(held(document), "d", request, "") == [
        {"action": "setParcelTrackingData", "parcelId": "p1"}
    ]


def test_tracking_that_the_store_has_is_not_sent() -> None:
    """Each write makes a new version, and a message to every subscriber."""
    document = delivered(tracked("p1", "1Z"))
    assert set_tracking(held(document), "d", parcel(document), CARRIER) == []
    untracked = parcel(document, tracking_number="", carrier=None)
    assert set_tracking(held(delivered()), "d", untracked, "") == []


@pytest.mark.parametrize("parcels", [[], [None]])
def test_a_delivery_without_a_parcel_gets_one_with_the_tracking(parcels: list[Any]) -> None:
    """As one that was made by hand may be."""
    document = delivered(*parcels)
    assert set_tracking(held(document), "d", parcel(document, service="Ground"), CARRIER) == [
        {
            "action": "addParcelToDelivery",
            "deliveryId": "d",
            "trackingData": {"trackingId": "1Z", "carrier": CARRIER, "provider": "Ground"},
        }
    ]


def test_tracking_of_a_delivery_that_was_removed_is_a_rejection() -> None:
    """It names the delivery; no other one's tracking is changed."""
    document = delivered(tracked("p1", "OLD"))
    with pytest.raises(RecordRejected) as raised:
        set_tracking(held(document), "gone", parcel(document), CARRIER)
    [problem] = raised.value.problems
    assert (problem.code, problem.field) == ("shipment_update_refused", "deliveries")
    assert problem.value == "gone"


@pytest.mark.parametrize(
    ("complete_at", "status", "state", "moves"),
    [
        ("never", "Delivered", "Open", ["Delivered"]),
        ("shipped", "Shipped", "Open", ["Shipped", "Complete"]),
        ("shipped", "Delivered", "Confirmed", ["Delivered", "Complete"]),
        ("shipped", "Delivered", "Complete", ["Delivered"]),
        ("shipped", "Partial", "Open", ["Partial"]),
        ("delivered", "Shipped", "Open", ["Shipped"]),
        ("delivered", "Delivered", "Open", ["Delivered", "Complete"]),
        ("shipped", "Cancelled", "Open", ["Canceled", "Cancelled"]),
        ("shipped", "Cancelled", "Cancelled", ["Canceled"]),
        ("shipped", "Shipped", "Cancelled", ["Shipped"]),
        ("shipped", "Pending", "Open", []),
    ],
)
def test_an_order_is_completed_where_the_connection_says_so(
    complete_at: str, status: str, state: str, moves: list[str]
) -> None:
    """Only an open or confirmed one; a canceled one never becomes complete."""
    actions = set_status(held(order(orderState=state)), status, settings(complete_at=complete_at))
    assert [each.get("shipmentState") or each["orderState"] for each in actions] == moves


def test_a_delivery_that_is_removed_leaves_its_units_to_a_new_one_in_the_same_update() -> None:
    """One that is gone already needs nothing."""
    document = delivered(tracked("p", "1Z"))
    found, whole = held(document), parcel(document, quantity=3)
    with pytest.raises(RecordRejected):
        add_delivery(found, whole, KEY, CARRIER)
    found.give_back("d")
    assert remove_delivery(found, "d") == [{"action": "removeDelivery", "deliveryId": "d"}]
    [action] = add_delivery(found, whole, KEY, CARRIER)
    assert action["items"][0]["quantity"] == 3
    assert remove_delivery(found, "gone") == []
