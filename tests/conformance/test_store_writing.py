"""Writes to a store: repeatable upserts, distinct shipments, a result for each stock row."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.errors import RecordRejected
from domain.exchange import Exchange, Mapped, OutcomeUnknown, Skipped
from domain.milestones import Milestone
from domain.policies import OrdersPolicy
from domain.ports import CommercePlatform
from domain.records.inventory import StockTarget
from domain.rules.translation import OrderRules
from domain.statuses import StoreStatuses
from domain.values import Window
from resources import platforms
from tests.conformance.calls import Calls
from tests.conformance.systems import DAY, SimulatedStore
from tests.conformance.test_reading import HOUR
from tests.resources.platforms.bigcommerce.stores import read_items

NUMBER, OTHER = "1Z5R89390357567127", "1Z8W4R260373687877"
CORRELATION = "ord-conformance-1"
POLICY = OrdersPolicy(default_shipping_method="Ground")


def statuses_of(kind: str) -> StoreStatuses:
    """Return the statuses that a store's connector declares."""
    declared = platforms.REGISTRY[kind].statuses
    assert declared is not None
    return declared


def writing(store: SimulatedStore, use: Any) -> list[Exchange]:
    """Open the store for writing, use it, and return the exchanges that were logged."""
    log: list[Exchange] = []
    asyncio.run(store.write(log, use))
    return log


def test_every_row_of_a_stock_batch_has_a_result_and_a_bad_row_holds_up_no_other(
    store_of_stock: SimulatedStore,
) -> None:
    """Good rows are in the store; the others have a code, a message and advice.

    Repeating the batch changes nothing.
    """
    store = store_of_stock

    async def use(writer: Calls, connector: CommercePlatform) -> None:
        items = {item.sku: item for page in read_items(connector) for item in page}
        location = connector.targets["inventory"].locations()["default"]
        assert {*store.tracked, *filter(None, [store.untracked])} <= items.keys()
        good = [
            StockTarget(sku=sku, location=location, quantity=n)
            for n, sku in enumerate(store.tracked, 3)
        ]
        refused = store.refused(items)
        bad = [target for target, _ in refused]
        items |= {item.sku: item for _, item in refused}
        batch = [good[0], *bad[:1], *good[1:], *bad[1:]]
        for _ in range(2):
            answers = await writer.put_stock(batch, items, "conformance")
            assert [answer.target for answer in answers] == batch
            assert [answer.target for answer in answers if answer.problem is not None] == bad
            assert all(
                a.problem.code and a.problem.message and a.problem.advice
                for a in answers
                if a.problem
            )
            assert {target.sku: store.levels()[target.sku, location] for target in good} == {
                t.sku: t.quantity for t in good
            }
        held = connector.targets["inventory"].levels(store.tracked)
        assert {t.sku: held[t.sku, location] for t in good} == {t.sku: t.quantity for t in good}
        assert await writer.put_stock([], items, "conformance") == []

    writing(store, use)


def test_stopping_an_items_tracking_may_be_repeated(store: SimulatedStore) -> None:
    """Its tracking is off afterwards, however many times it was stopped."""
    if not store.untracked:
        pytest.skip(f"{store.kind} counts every SKU: an entry can't be switched off")

    async def use(writer: Calls, connector: CommercePlatform) -> None:
        items = {item.sku: item for page in read_items(connector) for item in page}
        for _ in range(2):
            await writer.untrack(items[store.tracked[0]])
        assert {
            item.tracking
            for page in read_items(connector)
            for item in page
            if item.sku == store.tracked[0]
        } == {"none"}

    writing(store, use)


def test_a_shipment_is_found_again_by_its_content(store: SimulatedStore) -> None:
    """Address, tracking number, lines and units identify it: the call is not idempotent."""
    [order_id] = store.place([DAY])
    first, second = store.parcel(order_id, NUMBER), store.parcel(order_id, OTHER)

    async def use(writer: Calls, _: CommercePlatform) -> None:
        assert await writer.list_shipments(order_id) == []
        made = [
            (await writer.create_shipment(request, CORRELATION)).target_id
            for request in (first, second)
        ]
        held = {
            shipment.tracking_number: shipment for shipment in await writer.list_shipments(order_id)
        }
        assert [held[NUMBER].shipment_id, held[OTHER].shipment_id] == made
        assert (held[NUMBER].group_id, held[NUMBER].lines) == (first.group_id, first.lines)

    writing(store, use)


def test_a_shipment_that_is_taken_back_leaves_its_units_to_be_shipped(
    store: SimulatedStore,
) -> None:
    """Taking it back again changes nothing, and the same units can go in another parcel."""
    [order_id] = store.place([DAY])

    async def use(writer: Calls, _: CommercePlatform) -> None:
        made = await writer.create_shipment(store.parcel(order_id, NUMBER), CORRELATION)
        shipped = (await writer.read_order(order_id)).shipped_units
        for _ in range(2):
            receipt = await writer.remove_shipment(order_id, made.target_id, CORRELATION)
            assert receipt.target_id == made.target_id
            assert await writer.list_shipments(order_id) == []
            assert (await writer.read_order(order_id)).shipped_units == 0
        again = await writer.create_shipment(store.parcel(order_id, OTHER), CORRELATION)
        [shipment] = await writer.list_shipments(order_id)
        assert (shipment.shipment_id, shipment.tracking_number) == (again.target_id, OTHER)
        assert (await writer.read_order(order_id)).shipped_units == shipped

    writing(store, use)


def test_a_shipment_whose_answer_is_lost_is_unknown_and_created_once(store: SimulatedStore) -> None:
    """The call is not retried; the list of shipments shows that it took effect."""
    [order_id] = store.place([DAY])
    store.fault(kind="drop_after", method="POST", path=store.ships, times=1)

    async def use(writer: Calls, _: CommercePlatform) -> None:
        with pytest.raises(OutcomeUnknown):
            await writer.create_shipment(store.parcel(order_id, NUMBER), CORRELATION)
        assert [shipment.tracking_number for shipment in await writer.list_shipments(order_id)] == [
            NUMBER
        ]

    writing(store, use)
    assert len(store.shipments(order_id)) == 1


@pytest.mark.parametrize("kind", ["drop_after", "malformed", "truncated"])
def test_a_late_tracking_number_may_be_sent_again(store: SimulatedStore, kind: str) -> None:
    """An update is an upsert, even if its first answer is lost or unreadable."""
    [order_id] = store.place([DAY])

    async def use(writer: Calls, _: CommercePlatform) -> None:
        made = await writer.create_shipment(store.parcel(order_id, ""), CORRELATION)
        store.fault(kind=kind, method=store.changes, path=store.writes, times=1)
        for _ in range(2):
            receipt = await writer.update_shipment(
                made.target_id, store.parcel(order_id, NUMBER), CORRELATION
            )
            assert receipt.target_id == made.target_id
        assert store.shipments(order_id) == [(made.target_id, NUMBER)]

    writing(store, use)


def test_a_status_may_be_sent_again_and_every_status_is_known(store: SimulatedStore) -> None:
    """A status is final where fulfilment must not change it any more; all statuses are known."""
    [order_id] = store.place([DAY])

    async def use(writer: Calls, connector: CommercePlatform) -> None:
        for status, is_final in store.statuses.items():
            for _ in range(2):
                await writer.put_status(order_id, status, CORRELATION)
            state = await writer.read_order(order_id)
            assert (state.order_id, state.status, state.is_final) == (order_id, status, is_final)
        for milestone in Milestone:
            assert connector.targets["shipments"].status_for(milestone) in {None, *store.statuses}

    writing(store, use)


def test_an_order_in_any_status_is_mapped_or_skipped_by_a_rule(store: SimulatedStore) -> None:
    """None is rejected for its status."""
    for status in store.statuses:
        [order_id] = store.place([DAY])
        store.set_status(order_id, status)
    connector = store.open()
    records = [
        r for page in store.fetch(connector, Window(DAY, DAY + 24 * 9000 * HOUR)) for r in page
    ]
    assert len(records) == len(store.statuses)
    rules = OrderRules(POLICY, statuses_of(store.kind).chosen(POLICY))
    for record in records:
        for known in (False, True):
            found = rules.to_order(
                connector.sources["orders"].to_canonical,
                record.payload,
                lambda _, known=known: known,
            )
            assert isinstance(found, (Mapped, Skipped))


def test_what_the_store_refuses_is_a_rejection(store: SimulatedStore) -> None:
    """An order that does not exist, and a parcel with more units than were ordered."""
    [order_id] = store.place([DAY])
    parcel = store.parcel(order_id, NUMBER)

    async def use(writer: Calls, _: CommercePlatform) -> None:
        for _ in parcel.lines * 3:
            await writer.create_shipment(parcel, CORRELATION)
        for call in (
            writer.create_shipment(parcel, CORRELATION),
            writer.read_order("999999"),
            writer.list_shipments("999999"),
        ):
            with pytest.raises(RecordRejected) as rejected:
                await call
            assert all(
                problem.code and problem.message and problem.advice
                for problem in rejected.value.problems
            )

    writing(store, use)


def test_the_correlation_id_is_sent_and_logged(store: SimulatedStore) -> None:
    """In the request's header, for the store's logs, and in our own message log."""
    [order_id] = store.place([DAY])

    async def use(writer: Calls, _: CommercePlatform) -> None:
        made = await writer.create_shipment(store.parcel(order_id, NUMBER), CORRELATION)
        await writer.update_shipment(made.target_id, store.parcel(order_id, OTHER), CORRELATION)
        await writer.put_status(order_id, next(iter(store.statuses)), CORRELATION)

    store.exchanges.clear()
    log = writing(store, use)
    writes = [
        request
        for request, _ in store.exchanges
        if request.method != "GET" and "token" not in request.path
    ]
    assert len(writes) == len(log) == 3
    assert all(CORRELATION in request.headers.values() for request in writes)
    assert {exchange.correlation_id for exchange in log} == {CORRELATION}
