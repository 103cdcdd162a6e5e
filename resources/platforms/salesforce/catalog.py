"""The source of the catalog: the SKUs of an org's active products."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import fallback_id, is_id
from domain.parsing.text import clean_text
from domain.records.catalog import Product
from domain.records.inventory import StoreItem
from domain.records.record import InvalidRecord
from domain.sources import COMPLETE, EVERYTHING, Page, Scope, Shape
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.salesforce.client import QueryClient
from resources.platforms.salesforce.personal import FACTS
from resources.platforms.salesforce.product_settings import PARENT
from resources.platforms.salesforce.products.payload import CAPTURED_PRODUCTS, sku_of
from resources.platforms.salesforce.reader import header_of
from resources.platforms.salesforce.settings import IDS_A_CALL, SalesforceSettings
from resources.platforms.salesforce.soql import all_of, one_of, select
from resources.platforms.salesforce.soql import is_id as is_record_id

LONGEST_NAME = 80
SELECT = select("Id, Name, StockKeepingUnit, ProductCode, ProductClass", "Product2")
ACTIVE = "IsActive = true"


class CatalogSource:
    """The products of one org. One that is not active is not sold, and left out."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(self, http: ApiClient, settings: SalesforceSettings) -> None:
        self._queries = QueryClient(http, settings.data_path)

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: the catalog is read as a whole."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every product in scope, by ascending id."""
        del window
        yield from self.read(scope.ids) if scope.ids is not None else self._read([ACTIVE])
        yield COMPLETE

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read products by their ids."""
        wanted = sorted({each for each in ids if is_record_id(each)})
        for start in range(0, len(wanted), IDS_A_CALL):
            yield from self._read([ACTIVE, one_of("Id", wanted[start : start + IDS_A_CALL])])

    def _read(self, where: Sequence[str]) -> Iterator[Page]:
        for page in self._queries.rows(f"{SELECT}{all_of(where)} ORDER BY Id"):
            now = datetime.now(UTC)
            yield Page([RawRecord(_name_of(raw), now, bytes(raw)) for raw in page])

    def to_canonical(self, payload: bytes) -> Mapped[Product] | Skipped:
        """Map a product. Raises ``RecordRejected`` if it can't be used.

        A product is one item: variations are products of their own. Stock is not counted product by
        product, so no item can be switched off.
        """
        decoded = CAPTURED_PRODUCTS.decode(payload)
        product = decoded.document
        problems = [_unusable(p.field, p.message) for p in decoded.problems]
        product_id = product.id if product.id and is_id(product.id) else ""
        if not product_id:
            problems.append(_unusable("Id", "the product has no id that can be used"))
        if product.product_class == PARENT and not problems:
            return Skipped("product_of_variations", "only its variations are sold")
        sku = sku_of(product)
        items: list[StoreItem] = []
        if sku and product_id:
            try:
                items.append(
                    StoreItem(
                        sku=sku,
                        parent_id=product_id,
                        item_id=None,
                        tracking="product",
                        is_shared=True,
                    )
                )
            except InvalidRecord:
                message = "the SKU is not text of at most 255 visible characters"
                problems.append(_unusable("StockKeepingUnit", message, sku))
        if problems and (not items or not product_id):
            raise RecordRejected(*problems)
        name = clean_text(product.name or "", LONGEST_NAME)
        mapped = Product(
            product_id=product_id,
            name=name,
            without_sku=() if sku else (name or product_id,),
            items=tuple(items),
        )
        return Mapped(mapped, tuple(problems))

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the org shows its current catalog whenever it is asked."""


def _name_of(raw: msgspec.Raw) -> str:
    return header_of(raw)[0] or fallback_id(bytes(raw))


def _unusable(field: str, message: str, value: str = "") -> Problem:
    advice = "correct the product in the store's catalog"
    return Problem("catalog_item_unusable", field, message, advice, value)
