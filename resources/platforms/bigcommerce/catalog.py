"""The source of the catalog: a store's products, with the level their stock is tracked at."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from domain.errors import PermanentError, Problem, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import fallback_id, unspaced
from domain.parsing.answers import CONTRACT
from domain.parsing.payload import HIGHEST_ID, Decoded, Document, Scalar
from domain.parsing.text import clean_text
from domain.records.catalog import Product
from domain.records.inventory import StoreItem
from domain.sources import COMPLETE, EVERYTHING, Page, Scope, Shape
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.answers_payload import PRODUCT_VARIANTS, PRODUCTS, Variant
from resources.platforms.bigcommerce.answers_payload import Product as ListedProduct
from resources.platforms.bigcommerce.client import page_of, scope_check
from resources.platforms.bigcommerce.inventory.levels import to_quantity
from resources.platforms.bigcommerce.personal import FACTS
from resources.platforms.bigcommerce.settings import CATALOG_PAGE

IDS_A_CALL = 100
PRODUCTS_PATH = "/v3/catalog/products"
READS_PRODUCTS = scope_check("store_v2_products_read_only")
DIGITAL = "digital"
LONGEST_NAME = 80
NO_ID = "the id is not a whole number above 0"
TRACKING = ("none", "product", "variant")


class CatalogSource:
    """The products of one store."""

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
        yield from self.read(scope.ids) if scope.ids is not None else self._read({})
        yield COMPLETE

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read products by their ids."""
        numbers = sorted({int(text) for text in ids if is_product_id(text)})
        for start in range(0, len(numbers), IDS_A_CALL):
            listed = ",".join(map(str, numbers[start : start + IDS_A_CALL]))
            yield from self._read({"id:in": listed})

    def to_canonical(self, payload: bytes) -> Mapped[Product] | Skipped:
        """Map a product. Raises ``RecordRejected`` if none of it can be used.

        A product with one variant is that variant, under the variant's own SKU, by which orders
        name it. Where a product with several variants is tracked as a whole, its stock lies under
        the product's own SKU; its variants have prices of their own only. What can't be
        understood of some variants is a warning.
        """
        entry = _Entry(payload)
        found = list(entry.items())
        items = tuple(item for item in found if isinstance(item, StoreItem))
        problems = tuple(problem for problem in found if isinstance(problem, Problem))
        number = _number(entry.product.id)
        if number is None and not problems:
            problems = (_unusable("id", NO_ID),)
        if problems and not items:
            raise RecordRejected(*problems)
        product = Product(
            product_id=number or "",
            name=clean_text(str(entry.product.name or ""), LONGEST_NAME),
            without_sku=tuple(entry.without_sku()),
            is_digital=entry.product.type == DIGITAL,
            items=items,
            priced_items=tuple(entry.priced_items()),
        )
        return Mapped(product, problems)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the store shows its current catalog whenever it is asked."""

    def _read(self, more: Mapping[str, str]) -> Iterator[Page]:
        params: dict[str, str | int] = {
            "include": "variants",
            "include_fields": "name,type,sku,inventory_tracking,inventory_level",
            "limit": CATALOG_PAGE,
            **more,
        }
        for products in products_by_id(self._http, params):
            now = datetime.now(UTC)
            yield Page([RawRecord(_name_of(raw), now, bytes(raw)) for raw in products])


def products_by_id(http: ApiClient, params: Mapping[str, str | int]) -> Iterator[list[msgspec.Raw]]:
    """Yield the products by ascending id: one that is deleted meanwhile can't hide another."""
    params = {**params, "sort": "id", "direction": "asc"}
    last = 0
    while page := page_of(http, PRODUCTS_PATH, {**params, "id:greater": last}, READS_PRODUCTS):
        numbers = [number for raw in page if (number := _id_of(raw)) is not None]
        if len(page) > 1 and not numbers:
            raise PermanentError(
                f"BigCommerce: GET {PRODUCTS_PATH} gave {len(page)} products of which none "
                f"can be read (id: none has one): {CONTRACT}"
            )
        if numbers and min(numbers) <= last:
            raise PermanentError(
                f"BigCommerce: GET {PRODUCTS_PATH} gave product {min(numbers)} after product "
                f"{last}: it ignores id:greater or sort, trying again won't help"
            )
        yield page
        if not numbers:
            return
        last = max(numbers)


class _Numbered(Document):
    id: Scalar = None


_NUMBERED = msgspec.json.Decoder(_Numbered)


class _Entry:
    """One product of a page, its document and the values of it that do not fit."""

    def __init__(self, payload: bytes) -> None:
        decoded = _decoded(payload)
        self.product: ListedProduct = decoded.document
        self._misfits = {problem.field: problem.message for problem in decoded.problems}
        written = bytes(PRODUCT_VARIANTS.decode(payload).document.variants)
        self._has_list = written[:1] == b"[" or written == b"null"
        self._is_shared = False

    def items(self) -> Iterator[StoreItem | Problem]:
        """Yield the product's items; what can't be read is a problem."""
        product = self.product
        if not self._has_list:
            yield _unusable("variants", "the product's variants are not a list")
            return
        tracking, variants = product.inventory_tracking, product.variants or []
        if tracking not in TRACKING:
            stated = self._misfits.get(
                "inventory_tracking", f"{str(tracking)!r} is not a kind of inventory tracking"
            )
            yield _unusable("inventory_tracking", stated)
            return
        if len(variants) > 1 and tracking != "product":
            self._is_shared = True  # the product has one tracking for all of its variants
            for i, variant in enumerate(variants):
                sku = variant.sku if variant is not None else None
                yield from self._item(i, variant, sku, f"variants[{i}].sku")
            return
        only = variants[0] if len(variants) == 1 else None
        if len(variants) == 1 and only is None:
            yield _unusable("variants", "a variant is not an object")
        elif only is not None and only.sku:
            yield from self._item(0, only, only.sku, "variants[0].sku")
        elif product.sku or "sku" in self._misfits:
            yield from self._item(0 if only else None, only, product.sku, "sku")

    def without_sku(self) -> Iterator[str]:
        """Yield what has no SKU of its own; a product's only variant may have the product's."""
        variants = [variant for variant in self.product.variants or () if variant is not None]
        if len(variants) > 1:
            yield from (f"variant {_number(v.id) or 'without id'}" for v in variants if not v.sku)
        elif not self.product.sku and not any(variant.sku for variant in variants):
            yield f"product {_number(self.product.id)}"

    def priced_items(self) -> Iterator[StoreItem]:
        """Yield the variants that have no stock of their own, as far as they have a SKU."""
        variants = self.product.variants or []
        if len(variants) > 1 and self.product.inventory_tracking == "product":
            for i, variant in enumerate(variants):
                for found in self._item(i, variant, variant.sku if variant else None, "sku"):
                    if isinstance(found, StoreItem):
                        yield msgspec.structs.replace(found, has_stock=False, level=None)

    def _item(
        self, index: int | None, variant: Variant | None, sku: Scalar, field: str
    ) -> Iterator[StoreItem | Problem]:
        """Yield the item of a variant, or of a product without one; nothing without a SKU."""
        if index is not None and variant is None:
            yield _unusable("variants", "a variant is not an object")
            return
        if not sku and field not in self._misfits:
            return
        product_id = _number(self.product.id)
        variant_id = _number(variant.id) if variant is not None else None
        if product_id is None or (variant is not None and variant_id is None):
            field = "id" if product_id is None else "variants.id"
            yield _unusable(field, NO_ID)
            return
        item = {
            "sku": sku,
            "parent_id": product_id,
            "item_id": variant_id,
            "tracking": self.product.inventory_tracking,
            "is_shared": self._is_shared,
            "level": self._level(variant),
        }
        try:
            yield msgspec.convert(item, StoreItem)
        except msgspec.ValidationError:
            message = "the SKU is not text of at most 255 visible characters"
            yield _unusable("sku", message, str(sku or ""))

    def _level(self, variant: Variant | None) -> int | None:
        """Return the level that the catalog states; it is a hint, so an odd one is none."""
        tracking = self.product.inventory_tracking
        if tracking == "product":
            return to_quantity(self.product.inventory_level)
        return to_quantity(variant.inventory_level) if tracking == "variant" and variant else None


def _decoded(payload: bytes) -> Decoded[ListedProduct]:
    """Decode a product. Raises ``RecordRejected`` if the entry is none."""
    try:
        return PRODUCTS.decode(payload)
    except RecordRejected:
        raise RecordRejected(_unusable("variants", "the entry is not a product")) from None


def _name_of(raw: msgspec.Raw) -> str:
    """Return a product's id, or the same fallback id for the same content, however it is spaced."""
    number = _id_of(raw)
    return str(number) if number else fallback_id(unspaced(bytes(raw)))


def is_product_id(text: str) -> bool:
    """Return whether a text can be the id of a product."""
    return text.isascii() and text.isdigit() and 0 < int(text) <= HIGHEST_ID


def _id_of(raw: msgspec.Raw) -> int | None:
    """Return a product's id, ``None`` if it has none that can be read."""
    try:
        number = _NUMBERED.decode(bytes(raw)).id
    except (ValueError, RecursionError):
        return None
    return number if type(number) is int and 0 < number <= HIGHEST_ID else None


def _number(value: Scalar) -> str | None:
    return str(value) if type(value) is int and 0 < value <= HIGHEST_ID else None


def _unusable(field: str, message: str, value: str = "") -> Problem:
    advice = "correct the product in the store's catalog"
    return Problem("catalog_item_unusable", field, message, advice, value)
