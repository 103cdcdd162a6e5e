"""Where a run dies: a method and its n-th call."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from tests.assets.scene import Scene
from tests.end_to_end.conftest import Runner

KILLED = {"signal": 9, "exit": None}


class Place(NamedTuple):
    """Before or after the n-th call of a method."""

    module: str
    name: str
    when: str
    call: int = 1

    def __str__(self) -> str:
        return f"{self.when} {self.name} {self.call}"


CAPTURES, RECORDS, DELIVERIES = (
    "resources.ledger.captures.captures",
    "resources.ledger.records.records",
    "resources.ledger.deliveries.deliveries",
)
STORE, CATALOG, ENGINE = (
    "resources.ledger.session",
    "resources.ledger.records.catalog",
    "assets.delivery.settlement",
)
OMS_WRITER, STORE_WRITER, STOCK_WRITER = (
    "resources.oms.manhattan.orders.writer",
    "resources.platforms.bigcommerce.shipments.writer",
    "resources.platforms.bigcommerce.inventory.writer",
)


def kill(scene: Scene, runner: Runner, stream: str, place: Place, first: date, **more: Any) -> None:
    """Run a chain in a process that dies at ``place``: of yesterday alone, or up to the present."""
    last = first if first == scene.yesterday else datetime.now(UTC).date()
    assert runner.run(scene, stream, first, last, crash=place._asdict(), **more) == KILLED
