"""The source of the stream ``catalog``: published products, and what changed of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from domain.exchange import Mapped, RawRecord, Skipped
from domain.records.catalog import Product
from domain.sources import EVERYTHING, Page, Scope, Shape
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.commercetools.personal import FACTS
from resources.platforms.commercetools.products.mapping import ProductMapper
from resources.platforms.commercetools.reader import NEVER, ChangesReader, Resource
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.versions import compared_without, without

PRODUCT = Resource("product", "/product-projections", "view_products", expand=("categories[*]",))
VOLATILE = ("version", "lastModifiedAt")


class ProductsSource:
    """The published products of one project. One that is unpublished is no longer sold: gone."""

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(self, http: ApiClient, settings: CommercetoolsSettings) -> None:
        self._reader = ChangesReader(http, settings, PRODUCT)
        self._mapper = ProductMapper(settings.locales)

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change since; one call."""
        return self._reader.probe(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every product modified in the window; one from before there were stores: all."""
        del scope
        window = Window(max(window.since, NEVER), window.until)
        for records in self._reader.read(window):
            yield Page([_compared(record) for record in records])

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read products by id; one that is not published is absent."""
        for records in self._reader.read_by_id(ids):
            yield Page([_compared(record) for record in records])

    def to_canonical(self, payload: bytes) -> Mapped[Product] | Skipped:
        """Map a captured product. Raises ``RecordRejected``."""
        return self._mapper.to_product(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the project keeps its products, and a window can be read again."""


def _compared(record: RawRecord) -> RawRecord:
    """Return a record whose versions differ by neither stock nor counters."""
    return compared_without(record, _strip)


def _strip(product: dict[str, Any]) -> None:
    without(product, *VOLATILE)
    without(product.get("masterVariant"), "availability")
    without(product.get("variants"), "availability")
