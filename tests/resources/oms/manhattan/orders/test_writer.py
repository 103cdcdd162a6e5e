"""Writes to a tenant over real HTTP."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any

import pytest

from domain.errors import PermanentError, RecordRejected
from domain.exchange import Exchange, Receipt
from resources.oms.manhattan.adapter import ManhattanOms
from tests.resources.oms.manhattan.conftest import Tenant
from tests.resources.oms.manhattan.samples import line_of, order_of

Connect = Callable[..., ManhattanOms]
REASON = "Customer Request"


def save(
    oms: ManhattanOms,
    payload: Any,
    *,
    is_new: bool = True,
    log: Callable[[Exchange], None] = lambda _: None,
) -> Receipt:
    """Save one order."""

    async def run() -> Receipt:
        async with oms.orders.writer(log) as writer:
            return await writer.calls.save_order(payload, "ord-1", is_new=is_new)

    return asyncio.run(run())


def cancel(oms: ManhattanOms, order_id: str, reason: str = REASON) -> Receipt:
    """Request one cancellation."""

    async def run() -> Receipt:
        async with oms.orders.writer(lambda _: None) as writer:
            return await writer.calls.cancel_order(order_id, reason, "ord-1")

    return asyncio.run(run())


def codes_of(caught: pytest.ExceptionInfo[RecordRejected]) -> list[str]:
    """List the codes of a rejection."""
    return [problem.code for problem in caught.value.problems]


def test_an_order_arrives_with_its_total_and_our_correlation_id(
    connect: Connect, tenant: Tenant
) -> None:
    """The OMS's total is what the shopper owes, and both systems can find the exchange."""
    oms = connect()
    exchanges: list[Exchange] = []
    receipt = save(oms, oms.orders.payload(order_of()), log=exchanges.append)
    assert (receipt.target_id, receipt.state, receipt.warnings) == ("T-1001", "done", ())
    effect = tenant.effect("T-1001")
    assert (effect["total"], effect["creates"], effect["correlations"]) == ("54.04", 1, ["ord-1"])
    assert [
        (exchange.endpoint, exchange.status, exchange.correlation_id) for exchange in exchanges
    ] == [("/order/api/order/order/save", 200, "ord-1")]


def test_a_replay_changes_nothing(connect: Connect, tenant: Tenant) -> None:
    """Every entry has an id, so nothing is added a second time."""
    oms = connect()
    payload = oms.orders.payload(order_of())
    save(oms, payload)
    first = tenant.effect("T-1001")["order"]
    save(oms, payload)
    again = tenant.effect("T-1001")["order"]
    assert {**again, "UpdatedTimestamp": None} == {**first, "UpdatedTimestamp": None}


def test_a_lost_answer_is_sent_again_and_creates_one_order(
    connect: Connect, tenant: Tenant
) -> None:
    """A save is an upsert by the order's id, so a retry is safe."""
    oms = connect()
    tenant.control("faults", {"kind": "drop_after", "path": "save$", "times": 1})
    save(oms, oms.orders.payload(order_of()))
    effect = tenant.effect("T-1001")
    assert (effect["creates"], effect["saves"], effect["total"]) == (1, 2, "54.04")


@pytest.fixture(autouse=True)
def no_faults_left(tenant: Tenant) -> Any:
    """Clear the tenant's faults after each test."""
    yield
    tenant.control("faults", method="DELETE")


def test_a_revoked_token_is_replaced_once(connect: Connect, tenant: Tenant) -> None:
    """The call succeeds with a new token, and no order is lost."""
    oms = connect()
    save(oms, oms.orders.payload(order_of("T-1")))
    tenant.control("tokens/expire")
    save(oms, oms.orders.payload(order_of("T-2")))
    counts = tenant.control("counts", method="GET")
    assert (counts["orders"], counts["unauthorized"], counts["requests"]["token"]) == (2, 1, 2)


def test_a_change_sends_changed_fields_and_the_oms_has_the_wanted_total(
    connect: Connect, tenant: Tenant
) -> None:
    """A removed line, a new one and a changed charge, in one partial save."""
    oms = connect()
    known = oms.orders.payload(order_of())
    save(oms, known)
    lines = (order_of().lines[0], line_of("3", "SKU-3", "1", "10.00"))
    wanted = oms.orders.payload(order_of(lines=lines, charges=()))
    change = oms.orders.change(known, wanted)
    assert change is not None
    assert save(oms, change, is_new=False).warnings == ()
    effect = tenant.effect("T-1001")
    assert effect["total"] == "51.11"
    assert [(line["OrderLineId"], line["Quantity"]) for line in effect["lines"]] == [
        ("1", 2),
        ("2", 0),
        ("3", 1),
    ]


def test_lines_that_cannot_change_are_named_and_the_rest_is_saved(
    connect: Connect, tenant: Tenant
) -> None:
    """The OMS refuses the whole change for one released line; the rest is sent without it."""
    oms = connect()
    known = oms.orders.payload(order_of())
    save(oms, known)
    tenant.control(
        "orders/T-1001/ship", {"lines": [{"line": "1", "quantity": 1}], "carrier": "UPS"}
    )
    wanted = copy.deepcopy(known)
    wanted["OrderLine"][0]["Quantity"] = 5
    wanted["CustomerEmail"] = "new@example.com"
    change = oms.orders.change(known, wanted)
    assert change is not None
    receipt = save(oms, change, is_new=False)
    assert [(problem.code, problem.value) for problem in receipt.refused] == [
        ("line_not_eligible", "1")
    ]
    assert (receipt.refused_lines, receipt.warnings) == (("1",), ())
    effect = tenant.effect("T-1001")
    assert effect["order"]["CustomerEmail"] == "new@example.com"
    assert effect["lines"][0]["OrderedQuantity"] == 2


def test_a_change_of_nothing_but_ineligible_lines_is_rejected(
    connect: Connect, tenant: Tenant
) -> None:
    """Nothing was changed, so nothing may count as delivered."""
    oms = connect()
    save(oms, oms.orders.payload(order_of()))
    tenant.control("advance", {"to": "release", "cancel_rate": 0})
    change = {"OrderId": "T-1001", "OrderLine": [{"OrderLineId": "1", "Quantity": 5}]}
    with pytest.raises(RecordRejected) as caught:
        save(oms, change, is_new=False)
    assert codes_of(caught) == ["line_not_eligible"]


def test_a_refused_order_is_rejected_with_every_reason_and_its_line(connect: Connect) -> None:
    """The operator sees item and line without looking into the OMS."""
    oms = connect()
    payload = oms.orders.payload(
        order_of(lines=(line_of("1", "NOPE"), line_of("2", "SKU-1", uom="CASE")))
    )
    with pytest.raises(RecordRejected) as caught:
        save(oms, payload)
    assert codes_of(caught) == ["oms_item_not_found", "oms_invalid_uom"]
    assert caught.value.problems[0].field == "OrderLine[1].ItemId"


def test_an_error_inside_a_success_is_a_rejection(connect: Connect) -> None:
    """The order was saved, but its payment was not processed: ``success`` is not enough."""
    oms = connect()
    payload = oms.orders.payload(order_of())
    payload["Payment"][0]["PaymentMethod"][0]["PaymentType"] = {"PaymentTypeId": "Barter"}  # type: ignore[index]
    with pytest.raises(RecordRejected) as caught:
        save(oms, payload)
    assert codes_of(caught) == ["oms_payment_type_not_found"]


def test_a_warning_is_kept_beside_the_receipt(connect: Connect) -> None:
    """The OMS saves an unknown shipping method, but an operator should know."""
    oms = connect()
    payload = oms.orders.payload(order_of())
    payload["OrderLine"][1]["ShippingMethodId"] = "Pigeon"  # type: ignore[index]
    receipt = save(oms, payload)
    assert [(warning.code, warning.field) for warning in receipt.warnings] == [
        ("oms_unknown_shipping_method", "OrderLine[2].ShippingMethodId")
    ]


def test_wrong_credentials_stop_the_batch(connect: Connect) -> None:
    """No record is at fault."""
    oms = connect({"client_id": "other"})
    with pytest.raises(PermanentError, match="client"):
        save(oms, oms.orders.payload(order_of()))


def test_an_open_order_is_canceled_at_once_and_a_repetition_does_no_harm(
    connect: Connect, tenant: Tenant
) -> None:
    """Repeating a cancellation is safe."""
    oms = connect()
    save(oms, oms.orders.payload(order_of()))
    assert cancel(oms, "T-1001").state == "done"
    assert cancel(oms, "T-1001").state == "done"
    assert tenant.effect("T-1001")["canceled"]


def test_a_lost_answer_to_a_cancellation_is_recovered(connect: Connect, tenant: Tenant) -> None:
    """The second attempt finds the order canceled, as requested."""
    oms = connect()
    save(oms, oms.orders.payload(order_of()))
    tenant.control("faults", {"kind": "drop_after", "path": "cancel$", "times": 1})
    assert cancel(oms, "T-1001").state == "done"


def test_the_cancellation_of_a_released_order_is_only_requested(
    connect: Connect, tenant: Tenant
) -> None:
    """With late cancellation the outcome comes later, with the order's next state."""
    tenant.control("settings", {"late_cancellation": True})
    oms = connect()
    save(oms, oms.orders.payload(order_of()))
    tenant.control("advance", {"to": "release", "cancel_rate": 0})
    assert cancel(oms, "T-1001").state == "requested"
    tenant.control("orders/T-1001/cancel_outcome", {"accepted": True})
    assert cancel(oms, "T-1001").state == "done"


@pytest.mark.parametrize("step", ["release", "ship"])
def test_a_cancellation_that_comes_too_late_is_refused(
    connect: Connect, tenant: Tenant, step: str
) -> None:
    """Without late cancellation an order can't be canceled from Released on."""
    oms = connect()
    save(oms, oms.orders.payload(order_of()))
    tenant.control("advance", {"to": step, "cancel_rate": 0, "partial_rate": 0})
    with pytest.raises(RecordRejected) as caught:
        cancel(oms, "T-1001")
    assert codes_of(caught) == ["cancel_refused"]


def test_an_unknown_cancel_reason_or_order_is_named(connect: Connect) -> None:
    """A setting or the record is wrong; it was not too late."""
    oms = connect()
    save(oms, oms.orders.payload(order_of()))
    with pytest.raises(RecordRejected) as caught:
        cancel(oms, "T-1001", "Whim")
    assert codes_of(caught) == ["oms_reason_not_found"]
    with pytest.raises(RecordRejected) as caught:
        cancel(oms, "T-404")
    assert codes_of(caught) == ["oms_order_not_found"]
