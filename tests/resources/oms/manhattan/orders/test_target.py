"""Orders as a target: creation in bulk, what a tenant holds, units."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Held, Intent, OrderCancel, OrderSave, Outcome
from domain.exchange import Exchange
from resources.oms.manhattan.adapter import ManhattanOms
from tests.resources.oms.manhattan.conftest import Tenant
from tests.resources.oms.manhattan.samples import line_of, order_of

Connect = Callable[..., ManhattanOms]
Json = dict[str, Any]
IDS = ("T-1", "T-2", "T-3")


def claims(oms: ManhattanOms, *order_ids: str) -> list[Claimed]:
    """Claim the creation of orders."""
    contents = [oms.orders.payload(order_of(order_id)) for order_id in order_ids]
    return [
        Claimed(
            Intent("create", uuid4(), order_id, OrderSave(content, content, None)),
            f"ord-{order_id}",
        )
        for order_id, content in zip(order_ids, contents, strict=True)
    ]


def apply(
    oms: ManhattanOms,
    claimed: Sequence[Claimed],
    log: Callable[[Exchange], None] = lambda _: None,
) -> list[Outcome]:
    """Deliver in one batch."""

    async def run() -> list[Outcome]:
        async with oms.orders.writer(log) as writer:
            return await writer.apply(claimed)

    return asyncio.run(run())


def fault(tenant: Tenant, **rule: Any) -> None:
    """Let creations in bulk be answered so."""
    tenant.control("faults", {"kind": "status", "path": "bulkImport$", **rule})


@pytest.fixture(autouse=True)
def no_faults_left(tenant: Tenant) -> Any:
    """Clear the tenant's faults after each test."""
    yield
    tenant.control("faults", method="DELETE")


def test_orders_are_created_in_one_call(connect: Connect, tenant: Tenant) -> None:
    """Whose exchange each of them has under its own correlation id."""
    oms, exchanges = connect({"orders_per_call": 3}), list[Exchange]()
    outcomes = apply(oms, claims(oms, *IDS), exchanges.append)
    assert [(one.state, one.target_id) for one in outcomes] == [("done", name) for name in IDS]
    assert [tenant.effect(name)["creates"] for name in IDS] == [1, 1, 1]
    assert [one.correlation_id for one in exchanges] == [f"ord-{name}" for name in IDS]
    assert len({one.endpoint for one in exchanges}) == 1


def test_an_order_of_a_bulk_that_is_not_created_is_sent_by_itself(
    connect: Connect, tenant: Tenant
) -> None:
    """One that exists already; by itself it is saved, or says what is wrong with it."""
    oms = connect()
    assert apply(oms, claims(oms, "T-2"))[0].state == "done"
    outcomes = apply(oms, claims(oms, *IDS))
    assert [one.state for one in outcomes] == ["done", "unsent", "done"]
    assert tenant.effect("T-2")["creates"] == 1


@pytest.mark.parametrize("data", [None, {}, {"Orders": None}, {"Orders": []}, [], "saved"])
def test_an_answer_that_lists_no_created_orders_confirms_none(
    connect: Connect, tenant: Tenant, data: object
) -> None:
    """Each is then saved by itself, which finds those that were created."""
    oms = connect()
    fault(tenant, status=200, body={"success": True, "data": data})
    assert [one.state for one in apply(oms, claims(oms, *IDS))] == ["unsent"] * 3


def test_an_order_that_is_listed_with_an_error_is_not_confirmed(
    connect: Connect, tenant: Tenant
) -> None:
    """A note is a warning of its own order, or of all if it names none."""
    oms = connect()
    entries = [
        {"Type": "ERROR", "Code": "X", "BusinessKeys": {"OrderId": "T-1"}},
        {"Type": "WARNING", "Code": "Y", "Description": "two", "BusinessKeys": {"OrderId": "T-2"}},
        {"Type": "INFO", "Code": "Z", "Description": "all"},
    ]
    orders = [{"OrderId": name} for name in IDS]
    body = {"success": True, "data": {"Orders": orders}, "messages": {"Message": entries}}
    fault(tenant, status=200, body=body)
    first, second, third = apply(oms, claims(oms, *IDS))
    assert (first.state, second.state, third.state) == ("unsent", "done", "done")
    assert (len(second.warnings), len(third.warnings)) == (2, 1)
    assert "all" in third.warnings[0].message


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_tenant_without_the_service_stops_the_deliveries_with_advice(
    connect: Connect, tenant: Tenant, status: int
) -> None:
    """No order is at fault."""
    oms = connect()
    fault(tenant, status=status, body={})
    outcomes = apply(oms, claims(oms, "T-1", "T-2"))
    assert len({one.state for one in outcomes}) == 1
    assert outcomes[0].state not in ("done", "refused", "unsent")
    assert all("orders_per_call" in one.error for one in outcomes)


def held(oms: ManhattanOms, order_id: str, *contents: Json) -> Held:
    """Return what the tenant holds of an order."""

    async def run() -> dict[str, Held]:
        async with oms.orders.writer(lambda _: None) as writer:
            return await writer.held({order_id: contents})

    return asyncio.run(run())[order_id]


def test_an_order_that_was_canceled_is_held_as_canceled(connect: Connect, tenant: Tenant) -> None:
    """By a cancellation of ours."""
    oms = connect()
    assert apply(oms, claims(oms, "T-1"))[0].state == "done"
    content = oms.orders.payload(order_of("T-1"))
    assert not held(oms, "T-1", content).is_canceled
    cancel = Intent("cancel", uuid4(), "T-1", OrderCancel("T-1", "Customer Request"))
    [outcome] = apply(oms, [Claimed(cancel, "ord-1")])
    assert (outcome.state, outcome.target_id) == ("done", "T-1")
    assert held(oms, "T-1", content).is_canceled


def test_a_held_order_of_another_shape_is_a_problem_of_that_order(
    connect: Connect, tenant: Tenant
) -> None:
    """It is not compared as far as it goes, which could look like equality."""
    oms = connect()
    content = oms.orders.payload(order_of("T-1"))
    row = {"OrderId": "T-1", "OrderLine": 5, "UpdatedTimestamp": "2026-03-04T05:06:07.123"}
    body = {"success": True, "data": [row], "header": {"totalCount": 1}}
    tenant.control(
        "faults", {"kind": "status", "status": 200, "body": body, "path": "order/search"}
    )
    found = held(oms, "T-1", content)
    assert found.content is None
    assert [problem.code for problem in found.problems] == ["oms_payload_unreadable"]


def test_the_units_of_an_order_are_counted_by_sku(connect: Connect) -> None:
    """Over its lines; a quantity that is not a number counts for nothing."""
    orders = connect().orders
    lines = (
        line_of("1", "A", "2", "5"),
        line_of("2", "A", "1.5", "5"),
        line_of("3", "B", "4", "5"),
    )
    content = orders.payload(order_of(lines=lines))
    assert orders.units(content) == {"A": Decimal("3.5"), "B": Decimal(4)}
    odd = [{"ItemId": "A", "Quantity": 1}, {"ItemId": "A", "Quantity": "many"}, {"ItemId": "B"}]
    assert orders.units({"OrderLine": odd}) == {"A": Decimal(1)}
    assert orders.units({}) == {}


def test_a_line_that_the_tenant_can_no_longer_change_stays_as_it_was(
    connect: Connect, tenant: Tenant
) -> None:
    """The others change; the receipt says what the tenant holds of the order then."""
    oms = connect()
    [created] = claims(oms, "T-1")
    before: Any = created.content.wanted
    assert apply(oms, [created])[0].state == "done"
    tenant.control("orders/T-1/ship", {"lines": [{"line": "1", "quantity": 2}]})
    first, second = before["OrderLine"]
    wanted = before | {"CustomerEmail": "new@example.com"}
    wanted["OrderLine"] = [first | {"Quantity": 5}, second]
    change: Any = oms.orders.change(before, wanted)
    intent = Intent("update", uuid4(), "T-1", OrderSave(change, wanted, before))
    [outcome] = apply(oms, [Claimed(intent, "ord-1")])
    assert (outcome.state, [p.code for p in outcome.problems]) == ("partly", ["line_not_eligible"])
    assert outcome.held == wanted | {"OrderLine": [first, second]}
    assert tenant.effect("T-1")["order"]["CustomerEmail"] == "new@example.com"


def change_after_cancellation(oms: ManhattanOms, tenant: Tenant, **line: Any) -> Outcome:
    """Change the e-mail and the first of two lines, which the tenant has canceled."""
    [created] = claims(oms, "T-1")
    before: Any = created.content.wanted
    assert apply(oms, [created])[0].state == "done"
    tenant.control("orders/T-1/cancel", {"lines": ["1"]})
    first, second = before["OrderLine"]
    wanted = before | {"CustomerEmail": "new@example.com", "OrderLine": [first | line, second]}
    change: Any = oms.orders.change(before, wanted)
    intent = Intent("update", uuid4(), "T-1", OrderSave(change, wanted, before))
    [outcome] = apply(oms, [Claimed(intent, "ord-1")])
    assert tenant.effect("T-1")["order"]["CustomerEmail"] == "new@example.com"
    return outcome


@pytest.mark.parametrize("line", [{"UnitPrice": 1.5}, {"Quantity": 1}, {"ShippingMethodId": "X"}])
def test_a_line_that_the_tenant_has_canceled_stays_as_it_is(
    connect: Connect, tenant: Tenant, line: Json
) -> None:
    """The rest is sent; nothing of the line is left to be done, so it is planned no more."""
    outcome = change_after_cancellation(connect(), tenant, **line)
    assert (outcome.state, outcome.problems, outcome.held) == ("done", (), None)
    assert [(w.code, w.value) for w in outcome.warnings] == [("line_canceled_at_oms", "1")]


@pytest.mark.parametrize("line", [{"Quantity": 5}, {"ItemId": "SKU-2"}])
def test_more_of_a_canceled_line_is_refused(connect: Connect, tenant: Tenant, line: Json) -> None:
    """The shopper waits for units that the tenant does not ship."""
    outcome = change_after_cancellation(connect(), tenant, **line)
    assert (outcome.state, [p.code for p in outcome.problems]) == ("partly", ["line_not_eligible"])
