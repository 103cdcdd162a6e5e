"""The account's products: which SKUs it has. They have no units: ``item_uom`` stands for all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import ClassVar

from domain.errors import RecordRejected
from domain.exchange import Mapped, MasterItem, RawRecord, Skipped
from domain.identity import fallback_id, is_id
from domain.parsing.text import clean_text
from domain.parsing.vendor_documents import text_of
from domain.skus import sku_key
from domain.sources import EVERYTHING, Page, Scope, Shape, read_named
from domain.values import Window
from resources.http.client import ApiClient
from resources.oms.extensiv.client import fetch_one, path_of
from resources.oms.extensiv.payload import decode_product, unreadable
from resources.oms.extensiv.personal import FACTS
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.extensiv.stock_list import StockList, sku_of

LONGEST_TEXT = 500


class CatalogSource:
    """The products of one account; a SKU with stock is a product."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS
    lists_all: ClassVar[bool] = False

    def __init__(self, client: ApiClient, stock: StockList, settings: ExtensivSettings) -> None:
        self._client, self._stock, self._settings = client, stock, settings

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: products are looked up when they are needed."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Look up the SKUs in scope; the account can't list its products."""
        del window
        refusal = "extensiv: products can only be looked up by SKU, and no SKUs were named"
        return read_named(self.read, scope, refusal)

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Look up SKUs: many in the list of stock first, the others one by one."""
        asked, now = list(dict.fromkeys(ids)), datetime.now(UTC)
        left: dict[str, list[str]] = {}
        for sku in asked:  # each spelling is asked for: case may count at the account
            left.setdefault(sku_key(sku), []).append(sku)
        if len(asked) > self._settings.single_reads:
            for rows in self._stock.rows(asked):
                found = [(sku, row) for row in rows for sku in left.pop(sku_key(sku_of(row)), ())]
                yield Page([_record(sku, now, row) for sku, row in found])
        for sku in chain.from_iterable(left.values()):
            row = self._product(sku)
            if row is not None:
                yield Page([_record(sku, now, row)])

    def to_canonical(self, payload: bytes) -> Mapped[MasterItem] | Skipped:
        """Map a row. Raises ``RecordRejected`` if it names no product."""
        decoded = decode_product(payload)
        sku = text_of(decoded.document.sku)
        if decoded.problems:
            raise RecordRejected(*decoded.problems)
        if not sku:
            raise unreadable("sku", "The row has no SKU.")
        text = decoded.document.name or decoded.document.description or ""
        return Mapped(MasterItem(sku, self._settings.item_uom, clean_text(text, LONGEST_TEXT)))

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the account shows its products whenever it is asked."""

    def _product(self, sku: str) -> bytes | None:
        path = path_of(self._settings.paths.product, sku=sku)
        return fetch_one(self._client, self._settings.codes, path)


def _record(sku: str, now: datetime, row: bytes) -> RawRecord:
    return RawRecord(sku if is_id(sku) else fallback_id(row), now, row)
