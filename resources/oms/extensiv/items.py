"""Products with what a store shows of them, read product by product (oms.md, section 2.3).

The account has no list of its products, but one of its stock, which names their SKUs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from domain.errors import LockstepError
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import is_id
from domain.parsing.vendor_documents import text_of
from domain.records.listed_items import ListedItem
from domain.sources import EVERYTHING, Page, Scope, Shape, read_named
from domain.values import Window
from resources.http.client import ApiClient
from resources.oms.extensiv.parsing import Findings
from resources.oms.extensiv.payload import decode_listed, unreadable
from resources.oms.extensiv.personal import FACTS
from resources.oms.extensiv.products import name_of, rows_of, unread_row
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.extensiv.stock_list import StockList, sku_of


class ItemsSource:
    """The products of one account, as a store shows them."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS
    states: ClassVar[frozenset[str]] = frozenset({"name", "description", "weight"})

    def __init__(self, client: ApiClient, stock: StockList, settings: ExtensivSettings) -> None:
        self._client, self._stock, self._settings = client, stock, settings

    @property
    def items_a_read(self) -> int | None:
        """Return how many products a run reads, a call each."""
        return self._settings.items_a_read

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: products are read in turn, whenever they are asked for."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the products in scope."""
        del window
        refusal = "extensiv: products can only be read by SKU, and no SKUs were named"
        return read_named(self.read, scope, refusal)

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read products, a call each; those that the account lacks are absent.

        A product that can't be read while others can becomes a rejection. Raises the account's
        fault if none can be read, or too many can't.
        """
        for sku, row in rows_of(self._client, self._settings, ids):
            yield Page([_unread(sku, row) if isinstance(row, LockstepError) else _record(row)])

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
            sku = text_of(row.sku)
            if row.lockstep_unread is not None:
                raise unreadable("sku", f"The product could not be read: {row.lockstep_unread}")
            if not sku:
                raise unreadable("sku", "The product has no SKU.")
            price = row.retail_price if name == "retail_price" else row.wholesale_price
            item = ListedItem(
                sku=sku,
                name=text_of(row.name) or None,
                description=text_of(row.description) or None,
                # 0 is how the account writes that none is set
                weight=found.number(row.weight_lbs, "weight_lbs") if row.weight_lbs else None,
                price=found.number(price, name) if price else None,
            )
        return Mapped(item)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the account shows its products whenever it is asked."""


def _record(row: bytes) -> RawRecord:
    return RawRecord(name_of(sku_of(row), row), datetime.now(UTC), row)


def _unread(sku: str, error: LockstepError) -> RawRecord:
    payload, content = unread_row(sku, error)
    return RawRecord(name_of(sku, sku.encode()), datetime.now(UTC), payload, content)
