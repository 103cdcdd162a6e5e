"""The source of the stream ``catalog``: published products, and what changed of them."""

from __future__ import annotations

from typing import Any, ClassVar

from domain.exchange import Mapped, RawRecord, Skipped
from domain.records.catalog import Product
from resources.http.client import ApiClient
from resources.platforms.commercetools.personal import FACTS
from resources.platforms.commercetools.products.mapping import ProductMapper
from resources.platforms.commercetools.reader import ChangesReader, Resource
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.store_sources import StoreProducts
from resources.versions import compared_without, without

PRODUCT = Resource("product", "/product-projections", "view_products", expand=("categories[*]",))
VOLATILE = ("version", "lastModifiedAt")


class ProductsSource(StoreProducts):
    """The published products of one project. One that is unpublished is no longer sold: gone."""

    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(self, http: ApiClient, settings: CommercetoolsSettings) -> None:
        reader = ChangesReader(http, settings, PRODUCT)
        super().__init__(reader, reader.read_by_id, _compared)
        self._mapper = ProductMapper(settings.locales)

    def to_canonical(self, payload: bytes) -> Mapped[Product] | Skipped:
        """Map a captured product. Raises ``RecordRejected``."""
        return self._mapper.to_product(payload)


def _compared(record: RawRecord) -> RawRecord:
    """Return a record whose versions differ by neither stock nor counters."""
    return compared_without(record, _strip)


def _strip(product: dict[str, Any]) -> None:
    without(product, *VOLATILE)
    without(product.get("masterVariant"), "availability")
    without(product.get("variants"), "availability")
