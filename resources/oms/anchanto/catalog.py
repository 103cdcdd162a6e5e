"""The account's items: the SKUs that have a row of stock. ``item_uom`` stands for all units."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from domain.errors import RecordRejected
from domain.exchange import Mapped, MasterItem, RawRecord, Skipped
from domain.identity import fallback_id, is_id
from domain.parsing.vendor_documents import text_of
from domain.skus import sku_key
from domain.sources import EVERYTHING, Page, Scope, Shape, read_named
from domain.values import Window
from resources.oms.anchanto.inventory import StockList
from resources.oms.anchanto.payload import Documents, unreadable
from resources.oms.anchanto.personal import FACTS
from resources.oms.anchanto.settings import AnchantoSettings


class CatalogSource:
    """The items of one account. UNVERIFIED: every SKU has a row of stock, if only of 0."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS
    lists_all: ClassVar[bool] = False

    def __init__(self, stock: StockList, settings: AnchantoSettings) -> None:
        self._stock, self._uom = stock, settings.item_uom
        self._documents = Documents(settings.wire.fields)

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: items are looked up when they are needed."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Look up the SKUs in scope."""
        del window
        refusal = "anchanto: items are looked up by SKU, and no SKUs were named"
        return read_named(self.read, scope, refusal)

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Look up SKUs; each spelling that was asked for has a record of its own."""
        now = datetime.now(UTC)
        left: dict[str, list[str]] = {}
        for sku in dict.fromkeys(ids):
            left.setdefault(sku_key(sku), []).append(sku)
        for rows in self._stock.rows(ids):
            names = [(row, sku_key(self._stock.key_of(row)[0])) for row in rows]
            yield Page(
                [_record(sku, now, row) for row, name in names for sku in left.pop(name, ())]
            )

    def to_canonical(self, payload: bytes) -> Mapped[MasterItem] | Skipped:
        """Map a row. Raises ``RecordRejected`` if it names no SKU."""
        [decoded, *_] = self._documents.stock(payload)
        sku = text_of(decoded.document.sku)
        if decoded.problems:
            raise RecordRejected(*decoded.problems)
        if not sku:
            raise unreadable("sku", "The row has no SKU.")
        return Mapped(MasterItem(sku, self._uom, ""))

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the account shows its items whenever it is asked."""


def _record(sku: str, now: datetime, row: bytes) -> RawRecord:
    return RawRecord(sku if is_id(sku) else fallback_id(row), now, row)
