"""The requests of a change to an order, and what is refused before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from domain.errors import Problem, RecordRejected
from domain.exchange import ShipmentLine, ShipmentRequest
from resources.platforms.salesforce.answers_payload import HELD_ORDERS
from resources.platforms.salesforce.shipments.order import HeldOrder
from resources.platforms.salesforce.shipments.parts import Parts
from tests.resources.platforms.salesforce.orgs import order, settings

Json = dict[str, Any]
LOCATION = "131Lk0000000001AAA"
NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)


def held(document: Json) -> HeldOrder:
    """Return an order as it is read before a write."""
    return HeldOrder(HELD_ORDERS.decode(orjson.dumps(document)).document, settings().names)


def parcel(document: Json, *lines: tuple[str, int]) -> ShipmentRequest:
    """Return a parcel of an order's lines."""
    [group] = document["OrderDeliveryGroupSummaries"]["records"]
    shipped = tuple(ShipmentLine(line, units) for line, units in lines)
    return ShipmentRequest(document["Id"], group["Id"], shipped, "1Z", "ups")


def lines_of(document: Json) -> list[str]:
    """Return the ids of an order's items."""
    return [item["Id"] for item in document["OrderItemSummaries"]["records"]]


def refused(document: Json, request: ShipmentRequest, **changes: Any) -> Problem:
    """Return why a parcel is not sent."""
    with pytest.raises(RecordRejected) as rejected:
        Parts(settings(**changes)).shipment(held(document), request, "k1")
    [problem] = rejected.value.problems
    assert problem.advice
    return problem


def test_a_parcel_without_lines_or_with_too_many_units_is_not_sent() -> None:
    """The API would take either without a check."""
    document = order()
    mug, shirt, shipping = lines_of(document)
    none = refused(document, parcel(document))
    assert (none.code, none.field) == ("shipment_without_lines", "ShipmentItems")
    for lines, named in (
        ([(mug, 4)], mug), ([(mug, 2), (mug, 2)], mug), ([(mug, 1), (shirt, 2)], shirt),
        ([(shipping, 1)], shipping), ([("unknown", 1)], "unknown"),
    ):  # fmt: skip
        problem = refused(document, parcel(document, *lines))
        assert (problem.code, problem.value) == ("shipment_refused", named)


def test_a_fulfilment_order_needs_the_groups_delivery_method() -> None:
    """A shipment alone does not."""
    document = order()
    request = parcel(document, (lines_of(document)[0], 1))
    [group] = document["OrderDeliveryGroupSummaries"]["records"]
    group["OrderDeliveryMethodId"] = None
    problem = refused(document, request, fulfilled_from=LOCATION)
    assert (problem.code, problem.value) == ("group_not_shippable", group["Id"])
    document["OrderDeliveryGroupSummaries"] = None
    assert refused(document, request, fulfilled_from=LOCATION).code == "group_not_shippable"
    made = Parts(settings()).shipment(held(document), request, "k1")
    assert made[0]["body"]["ShipToName"] == "-"


def test_a_status_is_noted_in_the_history_where_the_org_has_one() -> None:
    """Together with the move, under its key; without the object it is the move alone."""
    found = held(order())
    move, entry = Parts(settings()).status(found, "Fulfilled", "k1", NOW)
    assert move["body"] == {"Status": "Fulfilled"}
    assert entry["url"].endswith("/Lockstep_Status__c/Lockstep_Key__c/lockstep-k1")
    assert "2026-03-04T10:00:00Z" in entry["body"].values()
    assert Parts(settings(has_history=False)).status(found, "Fulfilled", "k1", NOW) == [move]


def test_a_shipment_is_of_the_group_of_its_first_known_line() -> None:
    """The store may have shipments of lines that the order does not name: those are of none."""
    document = order()
    [group] = document["OrderDeliveryGroupSummaries"]["records"]
    mug, shirt, _ = lines_of(document)
    document["OrderItemSummaries"]["records"][1]["OrderDeliveryGroupSummaryId"] = None
    document["Shipments"] = {
        "records": [
            {"Id": name, "Status": "Shipped", "Lockstep_Key__c": key,
             "ShipmentItems": {"records": [{"Lockstep_Line__c": each} for each in lines]}}
            for name, key, lines in (
                ("1", "lockstep-k1", (None, "unknown", mug)), ("2", "other", (shirt, "unknown")),
                ("3", None, ()),
            )
        ]
    }  # fmt: skip
    shipments = held(document).shipments()
    assert [(each.shipment_id, each.group_id, each.key) for each in shipments] == [
        ("1", group["Id"], "k1"), ("2", "", ""), ("3", "", ""),
    ]  # fmt: skip
