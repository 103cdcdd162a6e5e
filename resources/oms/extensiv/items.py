"""Products with what a store shows of them, read product by product (oms.md, section 2.3).

The account has no list of its products, but one of its stock, which names their SKUs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import is_id
from domain.parsing.vendor_documents import text_of
from domain.records.listed_items import ListedItem
from resources.http.client import ApiClient
from resources.oms.extensiv.parsing import Findings
from resources.oms.extensiv.payload import decode_listed
from resources.oms.extensiv.products import ProductReads, sku_read
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.extensiv.stock_list import StockList, sku_of


class ItemsSource(ProductReads):
    """The products of one account, as a store shows them."""

    states: ClassVar[frozenset[str]] = frozenset({"name", "description", "weight"})
    refusal = "extensiv: products can only be read by SKU, and no SKUs were named"

    def __init__(self, client: ApiClient, stock: StockList, settings: ExtensivSettings) -> None:
        super().__init__(client, settings)
        self._stock = stock

    @property
    def items_a_read(self) -> int | None:
        """Return how many products a run reads, a call each."""
        return self._settings.items_a_read

    def skus(self) -> list[str]:
        """Return the SKUs that have a row of stock."""
        rows = (row for page in self._stock.everything() for row in page)
        return sorted({sku for row in rows if is_id(sku := sku_of(row))})

    def to_canonical(self, payload: bytes) -> Mapped[ListedItem] | Skipped:
        """Map a captured product. Raises ``RecordRejected`` ``oms_payload_unreadable``."""
        decoded = decode_listed(payload)
        row, name = decoded.document, self._settings.price_field
        found = Findings(decoded.problems)
        with found.collecting():
            sku, price = sku_read(row), self._price(row)
            item = ListedItem(
                sku=sku,
                name=text_of(row.name) or None,
                description=text_of(row.description) or None,
                # 0 is how the account writes that none is set
                weight=found.number(row.weight_lbs, "weight_lbs") if row.weight_lbs else None,
                price=found.number(price, name) if price else None,
            )
        return Mapped(item)

    def _record(self, row: bytes) -> RawRecord:
        return RawRecord(self._name(sku_of(row), row), datetime.now(UTC), row)
