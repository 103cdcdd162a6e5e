"""Reads SKUs with their tracking, locations, and the levels that the store holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec
import orjson

from domain.errors import PermanentError, Problem, RecordRejected
from domain.exchange import Unusable
from domain.identity import content_digest, fallback_id
from domain.payload import HIGHEST_ID, Document, Scalar
from domain.records.inventory import StoreItem
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.answers_payload import (
    INVENTORY_ITEMS,
    LOCATIONS,
    PRODUCT_VARIANTS,
    PRODUCTS,
    Location,
    Product,
    Variant,
)
from resources.platforms.bigcommerce.client import (
    CONTRACT,
    entries_of,
    page_of,
    pages_of,
    scope_check,
)
from resources.platforms.bigcommerce.settings import CATALOG_PAGE, INVENTORY_PAGE, SKUS_A_CALL

PRODUCTS_PATH = "/v3/catalog/products"
READS_PRODUCTS = scope_check("store_v2_products_read_only")
READS_LOCATIONS = scope_check("store_locations_read_only")
READS_STOCK = scope_check("store_inventory_read_only")
TRACKING = ("none", "product", "variant")


class CatalogReader:
    """Reads catalog, locations and inventory of one store."""

    def __init__(self, http: ApiClient) -> None:
        self._http = http

    def items(self) -> Iterator[list[StoreItem | Unusable]]:
        """Yield every SKU, a page of products at a time.

        A product with one variant is that variant, under the variant's own SKU, by which orders
        name it. Where a product with several variants is tracked
        as a whole, its stock lies under the product's own SKU; its variants have none of their own
        and are left out. A product or variant that can't be understood is ``Unusable``.
        """
        params: dict[str, str | int] = {
            "include": "variants",
            "include_fields": "sku,inventory_tracking,inventory_level",
            "limit": CATALOG_PAGE,
            "sort": "id",
            "direction": "asc",
        }
        for products in self._products(params):
            found = [item for product in products for item in _items_of(product)]
            if len(products) > 1 and found and all(isinstance(item, Unusable) for item in found):
                # One bad product is the product's fault; where all are bad, it is the answer's.
                first = found[0].problems[0]  # type: ignore[union-attr]
                raise PermanentError(
                    f"BigCommerce: GET /v3/catalog/products gave {len(products)} products of which "
                    f"none can be read ({first.field}: {first.message}): {CONTRACT}"
                )
            yield found

    def locations(self) -> dict[str, str]:
        """Return location code -> id, and the code ``default`` for the default location.

        A location without a code is left out: nothing can name it.
        """
        found = {
            str(location.code): str(location.id)
            for location in self._locations({})
            if location.code is not None
        }
        default = next(self._locations({"is_default": "true"}), None)
        return found if default is None else found | {"default": str(default.id)}

    def _locations(self, params: Mapping[str, str]) -> Iterator[Location]:
        path = "/v3/inventory/locations"
        bounds: dict[str, str | int] = {**params, "limit": INVENTORY_PAGE}
        for page in pages_of(self._http, path, bounds, READS_LOCATIONS):
            for location in entries_of(f"BigCommerce: GET {path}", page, LOCATIONS):
                if location.id is None:
                    raise PermanentError(
                        f"BigCommerce: GET {path} gave a location without an id: {CONTRACT}"
                    )
                yield location

    def stock(self, skus: Collection[str]) -> dict[tuple[str, str], int]:
        """Return (SKU, location id) -> quantity on hand; without SKUs that hold a comma."""
        levels: dict[tuple[str, str], int] = {}
        wanted = [sku for sku in skus if "," not in sku]
        for start in range(0, len(wanted), SKUS_A_CALL):
            chunk = wanted[start : start + SKUS_A_CALL]
            params: dict[str, str | int] = {"sku:in": ",".join(chunk), "limit": INVENTORY_PAGE}
            found: dict[tuple[str, str], int] = {}
            for page in pages_of(self._http, "/v3/inventory/items", params, READS_STOCK):
                found.update(_levels_of(page))
                if len({sku for sku, _ in found}) >= len(set(chunk)):
                    break  # each SKU is on the list once, so nothing can follow
            levels.update(found)
        return levels

    def _products(self, params: Mapping[str, str | int]) -> Iterator[list[msgspec.Raw]]:
        """Yield the products by ascending id: one that is deleted meanwhile can't hide another."""
        last = 0
        while page := page_of(
            self._http, PRODUCTS_PATH, {**params, "id:greater": last}, READS_PRODUCTS
        ):
            numbers = [number for raw in page if (number := _id_of(raw)) is not None]
            if len(page) > 1 and not numbers:
                raise PermanentError(
                    f"BigCommerce: GET {PRODUCTS_PATH} gave {len(page)} products of which none "
                    f"can be read (id: none has one): {CONTRACT}"
                )
            if numbers and min(numbers) <= last:
                raise PermanentError(
                    f"BigCommerce: GET {PRODUCTS_PATH} gave product {min(numbers)} after product "
                    f"{last}: it ignores id:greater or sort, another try won't help"
                )
            yield page
            if not numbers:
                return
            last = max(numbers)


def _levels_of(page: Sequence[msgspec.Raw]) -> dict[tuple[str, str], int]:
    where = "BigCommerce: GET /v3/inventory/items"
    levels = {}
    for item in entries_of(where, page, INVENTORY_ITEMS):
        sku = item.identity.sku if item.identity is not None else None
        for level in item.locations or ():
            on_hand = _quantity(level.total_inventory_onhand) if level is not None else None
            if sku is None or level is None or level.location_id is None or on_hand is None:
                raise PermanentError(f"{where} gave a level that can't be read: {CONTRACT}")
            levels[str(sku), str(level.location_id)] = on_hand
        if item.locations is None:
            raise PermanentError(f"{where} gave an item without locations: {CONTRACT}")
    return levels


def _quantity(value: Scalar) -> int | None:
    try:
        return int(value) if value is not None else None
    except (ValueError, OverflowError):
        return None


class _Numbered(Document):
    id: Scalar = None


_NUMBERED = msgspec.json.Decoder(_Numbered)


class _Entry:
    """One product of a page, its document and the values of it that do not fit."""

    def __init__(self, raw: msgspec.Raw) -> None:
        self._raw = raw
        decoded = PRODUCTS.decode(bytes(raw))
        self.product: Product = decoded.document
        self._misfits = {problem.field: problem.message for problem in decoded.problems}
        written = bytes(PRODUCT_VARIANTS.decode(bytes(raw)).document.variants)
        self._has_list = written[:1] == b"[" or written == b"null"
        self._is_shared = False

    def items(self) -> Iterator[StoreItem | Unusable]:
        """Yield the product's items; what can't be read is ``Unusable``."""
        product = self.product
        if not self._has_list:
            yield self._unusable("variants", "the product's variants are not a list")
            return
        tracking, variants = product.inventory_tracking, product.variants or []
        if tracking not in TRACKING:
            stated = self._misfits.get(
                "inventory_tracking", f"{str(tracking)!r} is not a kind of inventory tracking"
            )
            yield self._unusable("inventory_tracking", stated)
            return
        if len(variants) > 1 and tracking != "product":
            self._is_shared = True  # the product has one tracking for all of its variants
            for i, variant in enumerate(variants):
                sku = variant.sku if variant is not None else None
                yield from self._item(i, variant, sku, f"variants[{i}].sku")
            return
        only = variants[0] if len(variants) == 1 else None
        if len(variants) == 1 and only is None:
            yield self._unusable("variants", "a variant is no object")
        elif only is not None and only.sku:
            yield from self._item(0, only, only.sku, "variants[0].sku")
        elif product.sku or "sku" in self._misfits:
            yield from self._item(0 if only else None, only, product.sku, "sku")

    def _item(
        self, index: int | None, variant: Variant | None, sku: Scalar, field: str
    ) -> Iterator[StoreItem | Unusable]:
        """Yield the item of a variant, or of a product without one; nothing without a SKU."""
        if index is not None and variant is None:
            yield self._unusable("variants", "a variant is no object")
            return
        if not sku and field not in self._misfits:
            return
        product_id = _number(self.product.id)
        variant_id = _number(variant.id) if variant is not None else None
        if product_id is None or (variant is not None and variant_id is None):
            field = "id" if product_id is None else "variants.id"
            yield self._unusable(field, "the id is no whole number above 0")
            return
        item = {
            "sku": sku,
            "product_id": product_id,
            "variant_id": variant_id,
            "tracking": self.product.inventory_tracking,
            "is_shared": self._is_shared,
            "level": self._level(variant),
        }
        try:
            yield msgspec.convert(item, StoreItem)
        except msgspec.ValidationError:
            message = "the SKU is no text of at most 255 visible characters"
            yield self._unusable("sku", message, str(sku or ""))

    def _level(self, variant: Variant | None) -> int | None:
        """Return the level that the catalog states; it is a hint, so an odd one is none."""
        tracking = self.product.inventory_tracking
        if tracking == "product":
            return _quantity(self.product.inventory_level)
        return _quantity(variant.inventory_level) if tracking == "variant" and variant else None

    def _unusable(self, field: str, message: str, value: str = "") -> Unusable:
        return _unusable(self._raw, _number(self.product.id), field, message, value)


def _items_of(raw: msgspec.Raw) -> Iterator[StoreItem | Unusable]:
    try:
        entry = _Entry(raw)
    except RecordRejected:
        yield _unusable(raw, None, "variants", "the entry is not a product")
        return
    yield from entry.items()


def _id_of(raw: msgspec.Raw) -> int | None:
    """Return a product's id, ``None`` where it has none that can be read."""
    try:
        number = _NUMBERED.decode(bytes(raw)).id
    except (ValueError, RecursionError):
        return None
    return number if type(number) is int and 0 < number <= HIGHEST_ID else None


def _number(value: Scalar) -> str | None:
    return str(value) if type(value) is int and 0 < value <= HIGHEST_ID else None


def _unusable(
    raw: msgspec.Raw, number: str | None, field: str, message: str, value: str = ""
) -> Unusable:
    """Return the entry as a problem, under the product's id where it has one."""
    # Written anew: the digest must not depend on the spaces in the vendor's answer.
    content = orjson.dumps(orjson.loads(bytes(raw)))
    problem = Problem(
        "catalog_item_unusable", field, message, "correct the product in the store's catalog", value
    )
    return Unusable(
        f"product {number}" if number else fallback_id(content),
        (problem,),
        content_digest(content),
    )
