"""What both ports promise of reading single records: the same bytes as in a window, nothing for what is not there, and hardly a call."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from domain.exchange import RawRecord
from domain.values import Window
from tests.conformance.systems import DAY, Simulated, SimulatedOms, SimulatedStore

HOUR = timedelta(hours=1)
ABSENT = "987654"


def by_id(connector: Any, ids: list[str]) -> dict[str, RawRecord]:
    """Read orders by id, whichever side the connector is of."""
    found = connector.read_orders(ids)
    records = found if isinstance(found, list) else [record for page in found for record in page]
    assert len({record.source_id for record in records}) == len(records)
    return {record.source_id: record for record in records}


def test_orders_are_read_by_id_exactly_as_in_a_window(system: Simulated) -> None:
    """A reconciliation may hold what it looked up against what was captured, byte by byte; unknown orders are absent."""
    ids = system.place([DAY + n * system.resolution for n in range(5)])
    connector = system.open(small_pages=True)
    windowed = {
        r.source_id: r for page in system.fetch(connector, Window(DAY, DAY + HOUR)) for r in page
    }

    assert by_id(connector, [*ids[:3], ABSENT]) == {
        source_id: windowed[source_id] for source_id in ids[:3]
    }
    assert by_id(connector, []) == {}
    assert by_id(connector, [ABSENT, "no-id-of-ours", "'"]) == {}


def test_a_store_tells_how_far_its_order_shows_to_be(store: SimulatedStore) -> None:
    """Status, finality and shipped units come from the order's own document; one that can't be read says nothing."""
    [number] = store.place([DAY])
    connector = store.open()
    for status, is_final in store.statuses.items():
        store.set_status(number, status)
        sight = connector.to_store_snapshot(by_id(connector, [number])[number].payload)
        assert (sight.status, sight.is_final, sight.shipped_units, sight.is_archived) == (
            status,
            is_final,
            0,
            False,
        )
    assert connector.to_store_snapshot(b"<html>").shows is None


async def _saved(writer: Any, connector: Any, order: Any) -> None:
    await writer.save_order(connector.order_payload(order), "ord-1", is_new=True)


def test_an_oms_holds_what_it_was_sent_without_a_difference(tenant: SimulatedOms) -> None:
    """Whatever the tenant makes of a saved order, it is not told as a drift, and nothing is left to correct."""
    order = tenant.order(1)
    asyncio.run(tenant.write([], lambda writer, connector: _saved(writer, connector, order)))
    connector = tenant.open()
    held = by_id(connector, [order.order_id])[order.order_id]
    wanted = connector.order_payload(order)

    claim = connector.to_origin(held.payload)
    assert claim is not None
    assert (claim.source_id, claim.is_own_id, claim.is_cancelled) == (order.source_id, True, False)
    assert connector.compare_order(held.payload, wanted) == (wanted, [])
    assert connector.to_origin(b"<html>") is None
