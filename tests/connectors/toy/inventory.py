"""Stock: the rows of ``stock.csv``, each as it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from domain.exchange import Mapped, RawRecord, Skipped
from domain.policies import InventoryPolicy
from domain.records.inventory import StockLevel
from domain.skus import sku_key
from domain.sources import COMPLETE, EVERYTHING, Page, Scope, Shape
from domain.values import Window
from tests.connectors.toy.client import Files
from tests.connectors.toy.payload import FACTS, units_of, usable


class InventorySource:
    """The stock of the one warehouse; the file has no times, so it is read as a whole."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(self, files: Files, policy: InventoryPolicy) -> None:
        self._files = files
        self.view = policy.view or "Warehouse"

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: the file can't be asked for what has changed."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the rows of the SKUs in scope, or all of them; at its end it is complete."""
        del window
        yield from self._pages(scope.ids)
        yield COMPLETE

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read the rows of SKUs."""
        yield from self._pages(ids)

    def to_canonical(self, payload: bytes) -> Mapped[StockLevel] | Skipped:
        """Map a row. Raises ``RecordRejected``."""
        sku, available = _cells(payload)
        with usable():
            units = units_of(available, "available")
            return Mapped(StockLevel(sku=sku, node=self.view, available=units))

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the file states the current stock."""

    def _pages(self, skus: Collection[str] | None) -> Iterator[Page]:
        wanted = None if skus is None else {sku_key(sku) for sku in skus}
        now = datetime.now(UTC)
        records = [
            RawRecord(f"{_cells(row)[0]}@{self.view}", now, row)
            for row in self._files.rows()
            if wanted is None or sku_key(_cells(row)[0]) in wanted
        ]
        if records:
            yield Page(records)


def _cells(row: bytes) -> tuple[str, str]:
    """Return SKU and quantity; no SKU has a comma here."""
    sku, _, available = row.decode("utf-8", "replace").partition(",")
    return sku.strip(), available.strip()
