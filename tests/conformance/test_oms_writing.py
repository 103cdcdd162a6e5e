"""Writes and stock of an OMS: repeatable saves and cancellations, changes, rows, statuses."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
import orjson
import pytest

from assets.streams.catalog.store_items import master_items
from domain.delivery import Claimed, Intent, OrderSave, Outcome
from domain.errors import RecordRejected
from domain.exchange import Exchange, Mapped
from domain.ports import OrderManagementSystem
from domain.records.orders import Note
from domain.values import Window
from tests.conformance.calls import Calls
from tests.conformance.mutations import mutations, refusal
from tests.conformance.systems import DAY, SimulatedOms
from tests.conformance.test_reading import HOUR
from tests.conformance.test_store_writing import CORRELATION


def writing(tenant: SimulatedOms, use: Any) -> list[Exchange]:
    """Open the tenant for writing, use it, and return the exchanges that were logged."""
    log: list[Exchange] = []
    asyncio.run(tenant.write(log, use))
    return log


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "kind", ["", "drop_before", "drop_after", "malformed", "truncated", "status"]
)
def test_an_order_is_created_once_however_many_times_it_is_saved(
    tenant: SimulatedOms, kind: str
) -> None:
    """After a lost, unreadable or failed answer the order is saved again, as the same order."""
    order = tenant.order(1)

    async def use(writer: Calls, connector: OrderManagementSystem) -> None:
        payload = connector.targets["orders"].payload(order)
        if kind:
            tenant.fault(kind=kind, path=tenant.saves, status=503, times=2)
        for _ in range(2):
            receipt = await writer.save_order(payload, CORRELATION, is_new=True)
            assert (receipt.target_id, receipt.state) == (order.order_id, "done")

    log = writing(tenant, use)
    assert tenant.creates(order.order_id) == 1
    assert tenant.correlations(order.order_id) == [CORRELATION]
    assert {exchange.correlation_id for exchange in log} == {CORRELATION}


def test_a_payload_can_be_stored_and_compared(tenant: SimulatedOms) -> None:
    """The ledger's JSON equals a payload built again, so an unchanged order is not a change."""
    connector, order = tenant.open(), tenant.order(1)
    kept = orjson.loads(orjson.dumps(connector.targets["orders"].payload(order)))
    assert kept == connector.targets["orders"].payload(order)
    assert (
        connector.targets["orders"].change(kept, connector.targets["orders"].payload(order)) is None
    )
    whole = connector.targets["orders"].change(
        kept, connector.targets["orders"].payload(order), whole=True
    )
    assert whole == kept


def test_a_change_is_smaller_than_the_whole_and_is_accepted(tenant: SimulatedOms) -> None:
    """It has changed fields and their keys only; the OMS accepts it, even twice."""
    if not tenant.takes_changes():
        pytest.skip(f"{tenant.kind} takes no changes of an order")
    order = tenant.order(1)
    changed = tenant.changed(order)

    async def use(writer: Calls, connector: OrderManagementSystem) -> None:
        known, wanted = (
            connector.targets["orders"].payload(order),
            connector.targets["orders"].payload(changed),
        )
        await writer.save_order(known, CORRELATION, is_new=True)
        change = connector.targets["orders"].change(known, wanted)
        assert change is not None
        assert len(orjson.dumps(change)) < len(orjson.dumps(wanted)) / 2
        for _ in range(2):
            await writer.save_order(change, CORRELATION, is_new=False)
        released = connector.targets["orders"].change(wanted, known)
        assert released is not None, "a hold that was removed must be sent"
        await writer.save_order(released, CORRELATION, is_new=False)

    writing(tenant, use)
    assert tenant.creates(order.order_id) == 1


def test_an_order_that_exists_differently_is_no_success(tenant: SimulatedOms) -> None:
    """Where an OMS takes an id once, another order of it is refused with the field that differs."""
    if tenant.takes_changes():
        pytest.skip(f"{tenant.kind} changes the order that it has")
    order = tenant.order(1)

    async def use(writer: Calls, connector: OrderManagementSystem) -> None:
        orders = connector.targets["orders"]
        await writer.save_order(orders.payload(order), CORRELATION, is_new=True)
        other = orders.payload(tenant.changed(order))
        with pytest.raises(RecordRejected) as rejected:
            await writer.save_order(other, CORRELATION, is_new=True)
        assert {p.code for p in rejected.value.problems} == {"order_exists_differently"}
        assert all(p.field and p.advice for p in rejected.value.problems)
        assert orders.change(orders.payload(order), other) is not None

    writing(tenant, use)
    assert tenant.creates(order.order_id) == 1


def test_a_long_text_arrives_whole_or_a_warning_names_it(tenant: SimulatedOms) -> None:
    """Also where the order was created before, and its answer was lost."""
    text = " ".join(f"Ring {number} times." for number in range(40))
    order = msgspec.structs.replace(tenant.order(1), notes=(Note(kind="customer", text=text),))
    connector = tenant.open()
    payload = connector.targets["orders"].payload(order)
    save = OrderSave(payload, payload, None)
    claimed = Claimed(Intent("create", uuid4(), order.source_id, save), CORRELATION)

    async def create() -> list[Outcome]:
        async with connector.targets["orders"].writer(lambda _: None) as writer:
            return [*await writer.apply([claimed]), *await writer.apply([claimed])]

    is_whole = text in str(payload)
    for outcome in asyncio.run(create()):
        assert outcome.state == "done"
        codes = [problem.code for problem in outcome.warnings]
        assert codes == ([] if is_whole else ["text_cut"])


def test_a_cancellation_may_be_repeated(tenant: SimulatedOms) -> None:
    """The order is canceled once, and a second request succeeds too."""
    order = tenant.order(1)

    async def use(writer: Calls, connector: OrderManagementSystem) -> None:
        await writer.save_order(
            connector.targets["orders"].payload(order), CORRELATION, is_new=True
        )
        for _ in range(2):
            receipt = await writer.cancel_order(order.order_id, "Customer Request", CORRELATION)
            assert receipt.state == "done"

    writing(tenant, use)
    assert tenant.is_canceled(order.order_id)


def test_items_are_looked_up_and_unknown_ones_are_absent(tenant: SimulatedOms) -> None:
    """Items have their unit; a SKU with characters of the query language is unknown, too."""
    source = tenant.open(small_pages=True).sources["catalog"]
    found = master_items(source, [*tenant.skus, "NO-SUCH", "O'Neil", "a, b", "(x)"])
    assert set(found) == set(tenant.skus)
    assert all(item.sku == sku and item.uom for sku, item in found.items())


def test_availability_rows_are_the_exact_bytes(tenant: SimulatedOms) -> None:
    """One row per SKU; the content leaves out what changes at every read."""
    connector = tenant.open(small_pages=True)
    tenant.exchanges.clear()
    first, second = (
        [r for page in connector.sources["inventory"].read(tenant.skus) for r in page.records]
        for _ in range(2)
    )
    assert sorted(record.source_id.partition("@")[0] for record in first) == sorted(tenant.skus)
    assert all(record.payload in tenant.served() for record in [*first, *second])
    assert [r.content or r.payload for r in first] == [r.content or r.payload for r in second]
    assert all(
        isinstance(connector.sources["inventory"].to_canonical(record.payload), Mapped)
        for record in first
    )


def test_a_corrupted_availability_row_is_a_rejection_and_no_crash(tenant: SimulatedOms) -> None:
    """A missing quantity is never zero, and only rejections are raised."""
    connector = tenant.open()
    [record] = [
        r for page in connector.sources["inventory"].read(tenant.skus[:1]) for r in page.records
    ]
    for payload in mutations(record.payload, 500):
        assert all(
            problem.code and problem.message and problem.advice
            for problem in refusal(connector.sources["inventory"].to_canonical, payload)
        )


def test_every_line_status_has_a_milestone_and_every_milestone_a_status(
    tenant: SimulatedOms,
) -> None:
    """The table is complete both ways: no status is guessed, no milestone is missing."""
    tenant.place([DAY])
    connector = tenant.open()
    [record] = [r for page in tenant.fetch(connector, Window(DAY, DAY + HOUR)) for r in page]
    reached = set()
    for status in tenant.statuses:
        mapped = tenant.to_canonical(connector, tenant.in_status(record.payload, status))
        assert isinstance(mapped, Mapped), status
        reached.add(mapped.record.milestone())
    assert reached == tenant.milestones
