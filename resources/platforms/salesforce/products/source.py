"""The source of the stream ``catalog``: products that are active, and what changed of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from domain.exchange import Mapped, RawRecord, Skipped
from domain.records.catalog import Product
from domain.sources import EVERYTHING, Page, Scope, Shape
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.salesforce.fields import STAMP, product_children, product_fields
from resources.platforms.salesforce.personal import FACTS
from resources.platforms.salesforce.products.details import ADDED, STOCK, Levels, ProductDetails
from resources.platforms.salesforce.products.mapping import ProductMapper
from resources.platforms.salesforce.reader import NEVER, ChangesReader, Resource
from resources.platforms.salesforce.settings import SalesforceSettings
from resources.versions import compared_without, without


class ProductsSource:
    """The products of one org. One that is deleted, or not active, is no longer sold: gone."""

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self,
        http: ApiClient,
        settings: SalesforceSettings,
        currency: str | None = None,
        levels: Levels | None = None,
    ) -> None:
        """``currency``: whose prices count, where a product has several."""
        children = product_children(settings)
        product = Resource("Product2", product_fields(settings), children, deleted=True)
        details = ProductDetails(http, settings, levels) if settings.products.completes else None
        self._reader = ChangesReader(http, settings, product, details)
        self._mapper = ProductMapper(settings.products, settings.currency or currency)

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change since; one call."""
        return self._reader.probe(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every product modified in the window; one from before there were stores: all."""
        del scope
        for records in self._reader.read(Window(max(window.since, NEVER), window.until)):
            yield Page([_compared(record) for record in records])

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read products by id."""
        for records in self._reader.read_by_id(ids):
            yield Page([_compared(record) for record in records])

    def to_canonical(self, payload: bytes) -> Mapped[Product] | Skipped:
        """Map a captured product. Raises ``RecordRejected``."""
        return self._mapper.to_product(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the org keeps its products, and a window can be read again."""


def _compared(record: RawRecord) -> RawRecord:
    """Return a record whose versions differ by more than the time of the change."""
    return compared_without(record, _without_times)


def _without_times(row: dict[str, Any]) -> None:
    without(row, STAMP)
    prices = row.get("PricebookEntries")
    if isinstance(prices, dict):
        without(prices.get("records"), STAMP)
    added = row.get(ADDED)
    if not isinstance(added, dict):
        return
    without(added, STOCK)
    for name, value in added.items():
        if isinstance(value, list):
            added[name] = [one for one in value if not _is_deleted(one)]
            without(added[name], STAMP)
        elif name == "Parent" and isinstance(value, dict):
            _without_times(value)


def _is_deleted(row: object) -> bool:
    return isinstance(row, dict) and row.get("IsDeleted") is True
