"""Targets keep what they declare of their operations, on which the engine relies."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.errors import RecordRejected
from domain.exchange import OutcomeUnknown
from domain.ports import CommercePlatform, OrderManagementSystem
from tests.conformance.calls import Calls
from tests.conformance.systems import DAY, Simulated, SimulatedOms, SimulatedStore

NUMBER, OTHER, CORRELATION = "1Z12345E0291980793", "1Z12345E6605272234", "ord-0123456789abcdef"


def test_every_operation_of_a_target_can_be_delivered(system: Simulated) -> None:
    """A call takes rows, calls run at once, and what creates is looked at first after a restore."""
    targets: dict[str, Any] = dict(system.open().targets)
    assert targets
    for target in targets.values():
        assert target.acts_for > 0
        assert target.operations
        for name, operation in target.operations.items():
            assert operation.batch >= 1, name
            assert operation.concurrency >= 1, name
            if operation.repeat == "find":
                assert operation.creates, f"{name}: what is looked for is what was created"
            assert not (operation.commutes and operation.repeat == "upsert"), name


def test_what_an_oms_holds_is_read_in_the_form_of_the_target_state(tenant: SimulatedOms) -> None:
    """Whichever of two versions it has, at least that: what it has not is taken away again.

    An order that it lacks is absent, and a canceled one says so.
    """
    order = tenant.order(1)
    changed = tenant.changed(order)
    takes_changes = tenant.takes_changes()

    async def use(writer: Calls, connector: OrderManagementSystem) -> None:
        orders = connector.targets["orders"]
        first, second = orders.payload(order), orders.payload(changed)
        asked = {order.order_id: (first, second), "NO-SUCH-ORDER": (first,)}
        assert await writer.held_orders(asked) == {}
        for wanted in (first, second) if takes_changes else (first,):
            await writer.save_order(wanted, CORRELATION, is_new=wanted is first)
            held = await writer.held_orders(asked)
            assert set(held) == {order.order_id}
            assert not held[order.order_id].is_canceled
            assert not held[order.order_id].problems
            change = orders.change(held[order.order_id].content, wanted) or {}
            assert {value for name, value in change.items() if name != "OrderId"} <= {None}
        await writer.cancel_order(order.order_id, "Customer Request", CORRELATION)
        assert (await writer.held_orders(asked))[order.order_id].is_canceled

    asyncio.run(tenant.write([], use))


def test_a_created_shipment_is_found_unless_another_delivery_owns_it(
    store: SimulatedStore,
) -> None:
    """By number, address and units; another number only if it may be the parcel's older one."""
    [order_id] = store.place([DAY])
    parcel = store.parcel(order_id, NUMBER)

    async def use(writer: Calls, _: CommercePlatform) -> None:
        assert await writer.find_shipment(parcel) == ""
        made = (await writer.create_shipment(parcel, CORRELATION)).target_id
        assert await writer.find_shipment(parcel) == made
        assert await writer.find_shipment(parcel, {made}) == ""
        renamed = store.parcel(order_id, OTHER)
        assert await writer.find_shipment(renamed) == ""
        assert await writer.find_shipment(renamed, may_exist=True, numbers={OTHER}) == made
        assert await writer.find_shipment(renamed, may_exist=True, numbers={OTHER, NUMBER}) == ""

    asyncio.run(store.write([], use))


def test_a_store_that_does_not_answer_a_look_up_leaves_the_effect_unknown(
    store: SimulatedStore,
) -> None:
    """Any other error would count a shipment as not created, and it would be created again."""
    [order_id] = store.place([DAY])
    store.fault(kind="status", method="GET", status=500, path=store.ships)

    async def use(writer: Calls, _: CommercePlatform) -> None:
        with pytest.raises(OutcomeUnknown):
            await writer.find_shipment(store.parcel(order_id, NUMBER))

    asyncio.run(store.write([], use))


def test_an_order_that_the_store_lacks_is_the_records_fault(store: SimulatedStore) -> None:
    """Its fulfilment becomes a rejection; the others continue."""

    async def use(writer: Calls, _: CommercePlatform) -> None:
        with pytest.raises(RecordRejected):
            await writer.read_order("987654321")

    asyncio.run(store.write([], use))
