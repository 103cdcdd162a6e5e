"""Reading single records by both ports: the same bytes as in a window, unknown ones absent."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from domain.exchange import RawRecord
from domain.values import Window
from tests.conformance.systems import DAY, Simulated, SimulatedOms, SimulatedStore

HOUR = timedelta(hours=1)
ABSENT = "987654"


def by_id(system: Simulated, connector: Any, ids: list[str]) -> dict[str, RawRecord]:
    """Read orders by id from a connector of either side."""
    records = [record for page in system.source(connector).read(ids) for record in page.records]
    assert len({record.source_id for record in records}) == len(records)
    return {record.source_id: record for record in records}


def test_orders_are_read_by_id_exactly_as_in_a_window(system: Simulated) -> None:
    """A reconciliation compares them with captures byte by byte; unknown orders are absent."""
    ids = system.place([DAY + n * system.resolution for n in range(5)])
    connector = system.open(small_pages=True)
    windowed = {
        r.source_id: r for page in system.fetch(connector, Window(DAY, DAY + HOUR)) for r in page
    }

    assert by_id(system, connector, [*ids[:3], ABSENT]) == {
        source_id: windowed[source_id] for source_id in ids[:3]
    }
    assert by_id(system, connector, []) == {}
    assert by_id(system, connector, [ABSENT, "no-id-of-ours", "'"]) == {}


def test_a_store_order_shows_its_progress(store: SimulatedStore) -> None:
    """Status, finality and shipped units; an unreadable document shows none."""
    [number] = store.place([DAY])
    connector = store.open()
    for status, is_final in store.statuses.items():
        store.set_status(number, status)
        snapshot = connector.sources["orders"].to_store_snapshot(
            by_id(store, connector, [number])[number].payload
        )
        assert (
            snapshot.status,
            snapshot.is_final,
            snapshot.shipped_units,
            snapshot.is_archived,
        ) == (
            status,
            is_final,
            0,
            False,
        )
    assert connector.sources["orders"].to_store_snapshot(b"<html>").milestone is None


async def _saved(writer: Any, connector: Any, order: Any) -> None:
    await writer.save_order(connector.targets["orders"].payload(order), "ord-1", is_new=True)


def test_an_oms_holds_what_it_was_sent_without_a_difference(tenant: SimulatedOms) -> None:
    """What a tenant does to a saved order by itself is not drift, and needs no correction."""
    order = tenant.order(1)
    asyncio.run(tenant.write([], lambda writer, connector: _saved(writer, connector, order)))
    connector = tenant.open()
    held = by_id(tenant, connector, [order.order_id])[order.order_id]
    wanted = connector.targets["orders"].payload(order)

    origin = connector.sources["shipments"].to_origin(held.payload)
    assert origin is not None
    assert (origin.source_id, origin.is_own_id, origin.is_canceled) == (
        order.source_id,
        True,
        False,
    )
    assert connector.targets["orders"].compare(held.payload, wanted) == (wanted, [])
    assert connector.sources["shipments"].to_origin(b"<html>") is None
