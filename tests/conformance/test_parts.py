"""A system has exactly the parts that its registry states, and its sources keep their promises."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from domain.exchange import Mapped
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
    assert {*store.tracked, store.untracked} <= skus
    [first, *_] = records
    [page] = catalog.read([first, "987654", "no-id"])
    [found] = page.records
    assert (found.source_id, found.payload) == (first, records[first].payload)


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
