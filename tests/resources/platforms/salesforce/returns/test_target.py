"""Return orders in an org of the sandbox, and the refunds that it has."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from domain.delivery import Claimed, Held, Intent
from domain.refunds import ReturnedUnits, ReturnRecord
from resources.platforms.salesforce.returns.payload import ReturnedOrder
from resources.platforms.salesforce.returns.target import SalesforceReturnsWriter
from resources.platforms.salesforce.settings import SalesforceSettings
from tests.resources.platforms.salesforce.conftest import Shop
from tests.resources.platforms.salesforce.orgs import settings

Json = dict[str, Any]
UNKNOWN = "1OsLk9999999999AAA"


def show(order: str, *lines: ReturnedUnits, number: str = "RMA-1") -> Claimed:
    """Claim a return."""
    content = ReturnRecord(order, number, lines, "1Z")
    return Claimed(Intent("return", uuid4(), order, content), "ret-1")


def item_of(shop: Shop, order: str) -> str:
    """Return the order's first item."""
    return str(shop.parcel(order).lines[0].line_id)


def held(shop: Shop, order: str) -> Held:
    """Return what the org has of an order's refunds."""

    async def read() -> Held:
        target: Any = shop.connector.targets["returns"]
        async with target.writer(lambda _: None) as writer:
            return (await writer.held({order: ()}))[order]  # type: ignore[no-any-return]

    return asyncio.run(read())


def test_a_return_is_made_once_and_two_returns_are_two(shop: Shop) -> None:
    """However often it is sent."""
    order = shop.place()
    item = item_of(shop, order)
    for expected, arrived in ((2, 0), (2, 0), (2, 2)):
        wanted = ReturnedUnits(item, arrived, 0, 0, expected=expected)
        [outcome] = shop.apply("returns", show(order, wanted))
        assert (outcome.state, outcome.target_id) == ("done", order)
    [line] = shop.rows("ReturnOrderLineItem")
    assert (line["QuantityExpected"], line["QuantityReceived"]) == (2, 2)
    [outcome] = shop.apply("returns", show(order, ReturnedUnits(item, 1, 1, 0), number="RMA-2"))
    assert outcome.state == "done", outcome.error
    assert [row["Status"] for row in shop.rows("ReturnOrder")] == ["Approved", "Closed"]


@pytest.mark.parametrize("arrived", [0, 1])
def test_what_a_lost_request_makes_meanwhile_is_no_refusal(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, arrived: int
) -> None:
    """The rows refuse to be made again; what differs is changed, and what does not is done."""
    order = shop.place()
    item = item_of(shop, order)
    read, looks = SalesforceReturnsWriter._read, 0

    async def late(self: SalesforceReturnsWriter, order_id: str) -> ReturnedOrder:
        nonlocal looks
        looks += 1
        found = await read(self, order_id)
        return msgspec.structs.replace(found, return_orders=None) if looks == 2 else found

    monkeypatch.setattr(SalesforceReturnsWriter, "_read", late)
    for units in (0, arrived):
        wanted = ReturnedUnits(item, units, 0, 0, expected=1)
        [outcome] = shop.apply("returns", show(order, wanted))
        assert outcome.state == "done", outcome.error
    assert looks == 3
    [line] = shop.rows("ReturnOrderLineItem")
    assert (line["QuantityExpected"], line["QuantityReceived"]) == (1, arrived)


def test_locked_rows_are_tried_again_and_a_refused_row_takes_all_back(shop: Shop) -> None:
    """A composite keeps all or nothing."""
    order = shop.place()
    item = item_of(shop, order)
    shop.control("settings", {"locks": {order: 2}})
    [outcome] = shop.apply("returns", show(order, ReturnedUnits(item, 1, 0, 0)))
    assert outcome.state == "done", outcome.error
    wrong = ReturnedUnits(item, 1, 2, 0)  # more are taken back than arrived
    [outcome] = shop.apply("returns", show(order, wrong, number="RMA-2"))
    assert [problem.code for problem in outcome.problems] == ["return_refused"]
    assert len(shop.rows("ReturnOrder")) == len(shop.rows("ReturnOrderLineItem")) == 1


@pytest.mark.parametrize("order", [UNKNOWN, "no-id"])
def test_an_order_that_the_org_lacks_is_a_rejection(shop: Shop, order: str) -> None:
    """It stops nothing else."""
    [outcome] = shop.apply("returns", show(order, ReturnedUnits("x", 1, 0, 0)))
    assert [problem.code for problem in outcome.problems] == ["order_missing_in_store"]
    assert [problem.code for problem in held(shop, order).problems] == ["order_missing_in_store"]


def test_refunds_of_the_org_are_shown_with_what_has_shipped(shop: Shop) -> None:
    """Paid, pending and failed ones; they name no units."""
    order = shop.place()
    item = item_of(shop, order)
    found = held(shop, order).content
    assert found.refunds == ()
    assert found.unshipped[item] > 0 == found.shipped[item]
    [payment] = shop.rows("OrderPaymentSummary")
    for status in ("Processed", "Pending", "Failed"):
        values = {"OrderPaymentSummaryId": payment["Id"], "Amount": 5.0, "Status": status}
        shop.control("put/Refund", values)
    refunds = held(shop, order).content.refunds
    said = [(str(r.unassigned), bool(r.declined), r.is_pending) for r in refunds]
    assert said == [("5.00", False, False), ("5.00", False, True), ("0.00", True, False)]
    assert all((r.key, dict(r.units)) == ("", {}) for r in refunds)
    other = shop.place("1002", payments=[])
    assert held(shop, other).content.refunds == ()


def test_two_states_of_a_return_order_may_not_be_written_alike() -> None:
    """Otherwise an open return would look like a settled one."""
    assert isinstance(settings(return_statuses={"open": "Submitted"}), SalesforceSettings)
    with pytest.raises(ValueError, match="written alike"):
        settings(return_statuses={"open": "Closed"})
