"""An account that is read by files, as the conformance suite's tenant; it makes no HTTP calls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from domain.delivery import Claimed, Intent, OrderSave
from domain.ports import OrderManagementSystem
from resources.http.rate_limit import LocalQuota
from resources.oms import REGISTRY
from resources.oms.anchanto.files.orders_state import EPOCH, OrdersState
from resources.secrets import resolve
from tests.conformance.oms import anchanto
from tests.conformance.systems import connection_of
from tests.resources.oms.anchanto.files_samples import put

FOLDERS = ("stock", "statuses", "shipments", "orders", "cancellations")


class System(anchanto.System):
    """One folder, with tests that make no HTTP calls only."""

    resolution = timedelta(microseconds=1)
    parts: ClassVar = {}

    def __init__(self, folder: Path) -> None:
        self.folder, self.opened, self._last = folder, [], 100
        for name in FOLDERS:
            (folder / name).mkdir()
        put(folder / "stock/1.csv", *((sku, "EAST", 50) for sku in self.skus))

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
        section: dict[str, Any] = {
            "kind": self.kind,
            "experimental": True,
            "account": "acme",
            "store_code": "WEB",
            "exchange": {"folder": str(self.folder), "settle": "PT0S"},
            "snapshot_ttl": "PT0S",
        }
        connector = REGISTRY[self.kind]
        connection = connection_of(oms=section, orders={"order_id_prefix": anchanto.PREFIX})
        built: OrderManagementSystem = connector.build(
            connector.settings.model_validate(section), connection, resolve, LocalQuota()
        )
        self.opened.append(built)
        return built

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Send an order for each time, and set it as that of its change."""
        target = self.open().targets["orders"]
        placed: list[str] = []

        async def send() -> None:
            claims = []
            for _ in moments:
                self._last += 1
                payload = target.payload(self.order(self._last))
                placed.append(str(payload["number"]))
                intent = Intent("create", uuid4(), placed[-1], OrderSave(payload, payload, None))
                claims.append(Claimed(intent, "c-1"))
            async with target.writer(lambda _: None) as writer:
                assert {one.state for one in await writer.apply(claims)} == {"done"}

        asyncio.run(send())
        for number, moment in zip(placed, moments, strict=True):
            self._set_changed(number, moment)
        return placed

    def touch(self, source_id: str) -> None:
        """Change a record now."""
        self._set_changed(source_id, datetime.now(UTC))

    def creates(self, order_id: str) -> int:
        """Return how many files have the order."""
        files = (self.folder / "orders").glob("[!.]*.csv")
        return sum(f",{order_id}," in f",{file.read_text().splitlines()[1]}" for file in files)

    def is_canceled(self, order_id: str) -> bool:
        """Return whether the order's cancellation was asked for."""
        files = (self.folder / "cancellations").glob("[!.]*.csv")
        return any(file.read_text().splitlines()[1].startswith(f"{order_id},") for file in files)

    def correlations(self, order_id: str) -> list[str]:
        """Return none: a file has no correlation id."""
        del order_id
        return []

    def _set_changed(self, number: str, moment: datetime) -> None:
        micros = (moment - EPOCH) // timedelta(microseconds=1)
        with OrdersState(self.folder).transaction() as database:
            database.execute("UPDATE orders SET changed_at = ? WHERE number = ?", (micros, number))
