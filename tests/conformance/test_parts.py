"""A system has exactly the parts that its registry states, and its sources keep their promises."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from domain.exchange import Mapped, Skipped
from domain.milestones import Milestone
from domain.policies import OrdersPolicy, ShipmentsPolicy
from domain.rules.export import OrderHeader
from domain.sources import Scope
from domain.values import Window
from resources import oms, platforms
from tests.conformance.systems import DAY, Simulated, SimulatedOms, SimulatedStore

HOUR = timedelta(hours=1)


def test_a_built_system_has_the_parts_of_its_registry(system: Simulated) -> None:
    """What a connection may ask for is decided before any system is built."""
    registry = platforms.REGISTRY if isinstance(system, SimulatedStore) else oms.REGISTRY
    stated, built = registry[system.kind], system.open()
    assert {stream: type(source) for stream, source in built.sources.items()} == stated.sources
    assert set(built.targets) == set(stated.targets)
    assert built.identity.bucket
    assert built.identity.overlaps(system.open().identity)


def test_a_store_declares_the_statuses_of_its_orders(store: SimulatedStore) -> None:
    """The defaults are its own statuses, and so is what its documents state and what is set."""
    declared = platforms.REGISTRY[store.kind].statuses
    assert declared is not None
    assert declared.export
    assert {*declared.export, *declared.update, *declared.cancel} <= declared.names.keys()
    assert list(declared.unusable(OrdersPolicy(), ShipmentsPolicy())) == []
    store.place([DAY])
    seen: list[str] = []

    def decide(header: OrderHeader) -> Skipped:
        seen.append(header.status)
        return Skipped("seen", "")

    connector = store.open()
    for page in connector.sources["orders"].fetch(Window(DAY, DAY + HOUR)):
        for record in page.records:
            connector.sources["orders"].to_canonical(record.payload, decide)
    assert seen
    assert declared.is_open or set(seen) <= declared.names.keys()
    settable = declared.names if declared.settable is None else declared.settable
    statuses = {connector.targets["shipments"].status_for(milestone) for milestone in Milestone}
    assert declared.is_open or statuses - {None} <= settable.keys()


def test_a_read_of_changes_is_never_complete(system: Simulated) -> None:
    """A record that is not in a window has not been deleted."""
    system.place([DAY, DAY + HOUR])
    source = system.source(system.open(small_pages=True))
    assert source.shape == "changes"
    assert not any(page.complete for page in source.fetch(Window(DAY, DAY + 2 * HOUR)))
    asyncio.run(source.acknowledge(["1"]))
    assert sum(len(page.records) for page in source.fetch(Window(DAY, DAY + 2 * HOUR))) == 2


def test_a_stores_catalog_is_complete_at_its_end(store: SimulatedStore) -> None:
    """Only then is what was absent gone; a product that is read by its id is the same."""
    catalog = store.open().sources["catalog"]
    assert catalog.shape == "snapshot"
    *pages, last = catalog.fetch(Window(DAY, DAY + HOUR))
    assert (last.complete, list(last.records)) == (True, [])
    assert not any(page.complete for page in pages)
    records = {record.source_id: record for page in pages for record in page.records}
    mapped = [catalog.to_canonical(record.payload) for record in records.values()]
    skus = {item.sku for one in mapped if isinstance(one, Mapped) for item in one.record.items}
    assert {*store.tracked, *filter(None, [store.untracked])} <= skus
    [first, *_] = records
    [page] = catalog.read([first, "987654", "no-id"])
    [found] = page.records
    assert (found.source_id, found.payload) == (first, records[first].payload)


def test_a_number_over_many_nodes_has_the_node_that_the_source_names(
    tenant: SimulatedOms,
) -> None:
    """A missing row is looked for under it, whichever OMS it is, and by no name of another one."""
    source = tenant.open().sources["inventory"]
    records = [record for page in source.read(tenant.skus[:1]) for record in page.records]
    assert [record.source_id for record in records] == [f"{tenant.skus[0]}@{source.view}"]
    for record in records:
        mapped = source.to_canonical(record.payload)
        assert isinstance(mapped, Mapped)
        assert mapped.record.node == source.view


def test_an_omss_snapshots_are_complete_for_what_was_asked(tenant: SimulatedOms) -> None:
    """Items and levels of the named SKUs, and no others."""
    built, asked = tenant.open(small_pages=True), [*tenant.skus[:2], "NO-SUCH"]
    for source in (built.sources["inventory"], built.sources["catalog"]):
        *pages, last = source.fetch(Window(DAY, DAY + HOUR), Scope(asked))
        assert last.complete
        assert not any(page.complete for page in pages)
        mapped = [source.to_canonical(record.payload) for page in pages for record in page.records]
        found = {one.record.sku for one in mapped if isinstance(one, Mapped)}
        assert set(asked[:2]) <= found <= set(asked)
