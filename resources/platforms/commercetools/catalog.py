"""The source of the catalog: the SKUs of a project's published products."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import fallback_id, is_id
from domain.records.catalog import Product
from domain.records.inventory import StoreItem
from domain.records.record import InvalidRecord
from domain.sources import COMPLETE, EVERYTHING, Page, Scope, Shape
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.commercetools.answers_payload import PRODUCTS, Variant
from resources.platforms.commercetools.client import one_of, query_by_id
from resources.platforms.commercetools.orders.texts import name_of
from resources.platforms.commercetools.personal import FACTS
from resources.platforms.commercetools.reader import header_of
from resources.platforms.commercetools.settings import CATALOG_PAGE, IDS_A_CALL

LONGEST_NAME = 80
PATH, SCOPE = "/product-projections", "view_products"


class CatalogSource:
    """The products of one project. Products that are not published are not sold, and left out."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(self, http: ApiClient) -> None:
        self._http = http

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: the catalog is read as a whole."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every product in scope, by ascending id."""
        del window
        yield from self.read(scope.ids) if scope.ids is not None else self._read([])
        yield COMPLETE

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read products by their ids."""
        wanted = sorted(set(ids))
        for start in range(0, len(wanted), IDS_A_CALL):
            yield from self._read([one_of("id", wanted[start : start + IDS_A_CALL])])

    def _read(self, where: Sequence[str]) -> Iterator[Page]:
        for page in query_by_id(self._http, PATH, where, CATALOG_PAGE, SCOPE):
            now = datetime.now(UTC)
            yield Page([RawRecord(_name_of(raw), now, bytes(raw)) for raw in page])

    def to_canonical(self, payload: bytes) -> Mapped[Product] | Skipped:
        """Map a product. Raises ``RecordRejected`` if none of it can be used.

        Each variant with a SKU is an item. Stock is counted for all of them or for none, by the
        inventory mode of carts, so no item can be switched off alone. What can't be understood of
        some variants is a warning.
        """
        decoded = PRODUCTS.decode(payload)
        product = decoded.document
        problems = [_unusable(p.field, p.message) for p in decoded.problems]
        items: list[StoreItem] = []
        product_id = product.id if product.id and is_id(product.id) else ""
        if not product_id:
            problems.append(_unusable("id", "the product has no id that can be used"))
        variants = [("masterVariant", product.master_variant)]
        variants += [(f"variants[{i}]", v) for i, v in enumerate(product.variants or ())]
        for where, variant in variants:
            found = _item(product_id, variant, where)
            if isinstance(found, Problem):
                problems.append(found)
            elif found is not None:
                items.append(found)
        if problems and (not items or not product_id):
            raise RecordRejected(*problems)
        mapped = Product(
            product_id=product_id,
            name=name_of(product.name, ())[:LONGEST_NAME],
            without_sku=tuple(
                f"variant {variant.id if type(variant.id) is int else where}"
                for where, variant in variants
                if variant and not variant.sku
            ),
            items=tuple(items),
        )
        return Mapped(mapped, tuple(problems))

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the project shows its current catalog whenever it is asked."""


def _item(product_id: str, variant: Variant | None, where: str) -> StoreItem | Problem | None:
    """Return a variant's item; ``None`` without a SKU, which nothing can be addressed by."""
    if variant is None or variant.sku is None or variant.sku == "":
        return None
    message = "the SKU is not text of at most 255 visible characters"
    if not isinstance(variant.sku, str):
        return _unusable(f"{where}.sku", message)
    try:
        return StoreItem(
            sku=variant.sku,
            parent_id=product_id,
            item_id=str(variant.id) if type(variant.id) is int else None,
            tracking="variant",
            is_shared=True,
        )
    except InvalidRecord:
        return _unusable(f"{where}.sku", message, variant.sku)


def _name_of(raw: msgspec.Raw) -> str:
    return header_of(raw)[0] or fallback_id(bytes(raw))


def _unusable(field: str, message: str, value: str = "") -> Problem:
    advice = "correct the product in the store's catalog"
    return Problem("catalog_item_unusable", field, message, advice, value)
