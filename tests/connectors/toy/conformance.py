"""The folder as the conformance suite's tenant; what needs HTTP of it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import orjson
from msgspec.structs import replace

from domain.milestones import Milestone
from domain.ports import OrderManagementSystem
from domain.records.orders import Order
from resources.http.rate_limit import LocalQuota
from resources.secrets import resolve
from tests.conformance.systems import SimulatedOms, connection_of
from tests.connectors.toy.adapter import CONNECTOR
from tests.connectors.toy.settings import KIND
from tests.resources.oms.manhattan.samples import ADDRESS, SHIP, line_of, order_of

PREFIX = "T-"


class System(SimulatedOms):
    """One folder, with tests that make no HTTP calls only."""

    kind = KIND
    resolution = timedelta(microseconds=1)
    skus = ("SKU-1", "SKU-2", "SKU-3")
    statuses: ClassVar = ("open", "canceled")
    milestones: ClassVar = frozenset({Milestone.CREATED, Milestone.CANCELED})

    def __init__(self, folder: Path) -> None:
        self.folder, self.opened = folder, []
        (folder / "orders").mkdir()
        rows = "".join(f"{sku},100\n" for sku in self.skus)
        (folder / "stock.csv").write_text(f"sku,available\n{rows}")
        self._last = 100

    def close(self) -> None:
        """Close what was opened."""
        for connector in self.opened:
            connector.close()

    def secrets(self) -> tuple[str, ...]:
        """Return none: a folder has no credentials."""
        return ()

    def open(
        self, *, wrong_secret: bool = False, small_pages: bool = False
    ) -> OrderManagementSystem:
        """Build a connector; a folder has neither secrets nor pages."""
        del wrong_secret, small_pages
        section = {"kind": self.kind, "folder": str(self.folder)}
        built = CONNECTOR.build(
            CONNECTOR.settings.model_validate(section),
            connection_of(oms=section, orders={"order_id_prefix": PREFIX}),
            resolve,
            LocalQuota(),
        )
        self.opened.append(built)
        return built

    def order(self, number: int) -> Order:
        """Return a valid canonical order without discounts, taxes and charges."""
        lines = (
            line_of("1", "SKU-1", quantity="2", price="10.00"),
            line_of("2", "SKU-2", quantity="1", price="5.10"),
        )
        return order_of(
            f"{PREFIX}{number}", lines=lines, charges=(), payments=(), total="25.10", total_tax="0"
        )

    def changed(self, order: Order) -> Order:
        """Return the order with another address."""
        return replace(order, groups=(replace(SHIP, address=replace(ADDRESS, city="Dallas")),))

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Create one record changed at each time."""
        orders = self.open().targets["orders"]
        placed = []
        for moment in moments:
            self._last += 1
            payload = orders.payload(self.order(self._last))
            placed.append(str(payload["id"]))
            document = {**payload, "status": "open", "updated": moment.isoformat()}
            file = self.folder / "orders" / f"{placed[-1]}.json"
            file.write_bytes(orjson.dumps(document))
        return placed

    def touch(self, source_id: str) -> None:
        """Change a record now."""
        file = self.folder / "orders" / f"{source_id}.json"
        document: dict[str, Any] = orjson.loads(file.read_bytes())
        now = datetime.now(UTC).isoformat()
        file.write_bytes(orjson.dumps({**document, "updated": now}))

    def in_status(self, payload: bytes, status: str) -> bytes:
        """Return a captured order in a status."""
        document: dict[str, Any] = orjson.loads(payload)
        document["order"]["status"] = status
        return orjson.dumps(document)

    def creates(self, order_id: str) -> int:
        """Return 1 if there is such an order: a file can't be there twice."""
        return int((self.folder / "orders" / f"{order_id}.json").exists())

    def is_canceled(self, order_id: str) -> bool:
        """Return whether the order is canceled."""
        file = self.folder / "orders" / f"{order_id}.json"
        return bool(orjson.loads(file.read_bytes())["status"] == "canceled")

    def correlations(self, order_id: str) -> list[str]:
        """Return none: the file keeps no correlation id."""
        del order_id
        return []
