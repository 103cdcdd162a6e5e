"""The simulated tenant where it was gentler than the vendor's: ids, released lines, rate."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sandbox.system import Request
from tests.sandbox.manhattan_caller import BY_ID, SAVE, Caller, codes_of, order_of


@pytest.fixture
def caller() -> Caller:
    """A separate tenant for each test."""
    return Caller()


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"OrderType": {"OrderTypeId": "Nonesuch"}}, "OrderType.OrderTypeId"),
        ({"DocType": {"DocTypeId": "Invoice"}}, "DocType.DocTypeId"),
        (
            {"OrderChargeDetail": [{"ChargeDetailId": "1", "ChargeType": {"ChargeTypeId": "Tip"}}]},
            "OrderChargeDetail.ChargeType.ChargeTypeId",
        ),
        ({"OrderNote": [{"NoteId": "1", "NoteType": {"NoteTypeId": "X"}}]}, "OrderNote"),
    ],
)
def test_an_id_that_the_tenant_has_not_configured_is_refused(
    caller: Caller, attributes: dict[str, Any], field: str
) -> None:
    """Nothing is saved; the message names the attribute. Custom attributes may hold anything."""
    status, envelope = caller.call("POST", SAVE, order_of("o1", **attributes))
    assert (status, codes_of(envelope)) == (400, ["CONFIGURATION_NOT_FOUND"])
    assert envelope["messages"]["Message"][0]["ErrorField"].startswith(field)
    assert caller.effects() == {}
    caller.save(order_of("o1", Extended={"OrderTypeId": "Nonesuch"}))


@pytest.mark.parametrize(
    "change",
    [
        {"Quantity": 3},
        {"UnitPrice": 11},
        {"ItemId": "SKU-2"},
        {"ShippingMethodId": "Express"},
        {"ShipToAddress": {"Address": {"City": "Bruges"}}},
        {"DeliveryMethod": {"DeliveryMethodId": "PickUpAtStore"}},
        {"OrderLineTaxDetail": [{"TaxDetailId": "vat", "TaxAmount": 0.5}]},
        {"OrderLineChargeDetail": [{"ChargeDetailId": "gift", "ChargeTotal": 2}]},
    ],
)
def test_a_released_line_takes_no_change_and_the_same_values_are_none(
    caller: Caller, change: dict[str, Any]
) -> None:
    """Before its release it does; afterwards the same save without a difference is not a change."""
    before = order_of("before")
    before["OrderLine"][0] |= change
    caller.save(order_of("before"))
    caller.save(before)
    caller.save(order_of("o1"))
    caller.advance("release")
    caller.save(order_of("o1"))
    status, envelope = caller.call(
        "POST", SAVE, {"OrderId": "o1", "OrderLine": [{"OrderLineId": "1"} | change]}
    )
    assert (status, codes_of(envelope)) == (400, ["MODIFICATION_NOT_ALLOWED"])
    assert envelope["messages"]["Message"][0]["ErrorField"] == next(iter(change))


def test_more_requests_than_the_tenant_allows_are_refused_until_a_second_has_passed(
    caller: Caller,
) -> None:
    """A burst of two seconds' requests, then 429 in the envelope, with the seconds to wait."""
    caller.control("settings", {"requests_per_second": 1})
    assert [caller.call("GET", f"{BY_ID}none")[0] for _ in range(3)] == [404, 404, 429]
    request = Request("GET", f"{BY_ID}x", {}, {"authorization": f"Bearer {caller.token}"}, b"")
    refused = caller.tenant.handle(request)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    time.sleep(1.1)
    assert caller.call("GET", f"{BY_ID}none")[0] == 404
