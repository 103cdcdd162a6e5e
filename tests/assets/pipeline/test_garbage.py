"""A chunk's records are freed with their chunk: none waits in a reference cycle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from assets.delivery.plan import Plan
from domain.records.fulfilment import Fulfilment
from domain.records.inventory import StockTarget
from domain.records.orders import Order
from resources.ledger.rows import AcceptedRecord, StoredCapture
from sandbox.app import RunningSandbox
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow(seconds=10)

RECORDS = (Order, Fulfilment, StockTarget, Plan, StoredCapture, AcceptedRecord)


@contextmanager
def cycles() -> Iterator[list[str]]:
    """Collect which of our records the collector finds to be garbage that only it could free."""
    found: list[str] = []
    gc.collect()
    gc.disable()
    try:
        gc.set_debug(gc.DEBUG_SAVEALL)  # also for the collections of the steps
        yield found
        gc.collect()
        found += sorted(type(thing).__name__ for thing in gc.garbage if isinstance(thing, RECORDS))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("stream", ["orders", "inventory", "shipments"])
def test_no_record_is_left_in_a_cycle(
    sandbox: RunningSandbox, database: str, tmp_path: Path, stream: str
) -> None:
    """Otherwise memory would grow chunk by chunk, and each collection would traverse all of it."""
    scene = Scene(sandbox.url, database, f"c{uuid4().hex[:10]}", tmp_path)
    scene.place_many(range(1, 30))
    if stream != "orders":
        scene.run("orders")
        for number in range(1, 10):
            scene.to_oms(f"orders/{number}/ship", {"carrier": "UPS", "tracking": f"1Z{number}"})
    with cycles() as found:
        scene.run(stream)
    scene.close()
    assert found == []
