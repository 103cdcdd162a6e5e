"""The source of the stream ``catalog``: products that are active, and what changed of them."""

from __future__ import annotations

from typing import Any, ClassVar

from domain.exchange import Mapped, RawRecord, Skipped
from domain.records.catalog import Product
from resources.http.client import ApiClient
from resources.platforms.salesforce.fields import STAMP, product_children, product_fields
from resources.platforms.salesforce.personal import FACTS
from resources.platforms.salesforce.products.details import ADDED, STOCK, Levels, ProductDetails
from resources.platforms.salesforce.products.mapping import ProductMapper
from resources.platforms.salesforce.reader import ChangesReader, Resource
from resources.platforms.salesforce.settings import SalesforceSettings
from resources.store_sources import StoreProducts
from resources.versions import compared_without, without


class ProductsSource(StoreProducts):
    """The products of one org. One that is deleted, or not active, is no longer sold: gone."""

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
        reader = ChangesReader(http, settings, product, details)
        super().__init__(reader, reader.read_by_id, _compared)
        self._mapper = ProductMapper(settings.products, settings.currency or currency)

    def to_canonical(self, payload: bytes) -> Mapped[Product] | Skipped:
        """Map a captured product. Raises ``RecordRejected``."""
        return self._mapper.to_product(payload)


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
