"""Reads SKUs with their tracking, locations, and the levels that the store holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
import orjson

from domain.errors import PermanentError, Problem
from domain.exchange import Unusable
from domain.identity import content_digest, fallback_id
from domain.payload import HIGHEST_ID
from domain.records.inventory import StoreItem
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.client import CONTRACT, require_scope
from resources.platforms.bigcommerce.settings import CATALOG_PAGE, INVENTORY_PAGE, SKUS_A_CALL

TRACKING = ("none", "product", "variant")


class CatalogReader:
    """Reads catalog, locations and inventory of one store."""

    def __init__(self, http: ApiClient) -> None:
        self._http = http

    def items(self) -> Iterator[list[StoreItem | Unusable]]:
        """Yield every SKU, a page of products at a time.

        A product with one variant is that variant. Where a product with several variants is tracked
        as a whole, its stock lies under the product's own SKU; its variants have none of their own
        and are left out. A product or variant that can't be understood is ``Unusable``.
        """
        params = {
            "include": "variants",
            "include_fields": "sku,inventory_tracking",
            "limit": CATALOG_PAGE,
        }
        for products in self._pages("/v3/catalog/products", params, "store_v2_products_read_only"):
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
        """Return location code -> id, and the code ``default`` for the default location."""
        scope = "store_locations_read_only"
        found = {}
        for page in self._pages("/v3/inventory/locations", {"limit": INVENTORY_PAGE}, scope):
            found.update({str(location["code"]): str(location["id"]) for location in page})
        for page in self._pages(
            "/v3/inventory/locations", {"is_default": "true", "limit": INVENTORY_PAGE}, scope
        ):
            for location in page:
                found["default"] = str(location["id"])
        return found

    def stock(self, skus: Collection[str]) -> dict[tuple[str, str], int]:
        """Return (SKU, location id) -> quantity on hand; without SKUs that hold a comma."""
        levels: dict[tuple[str, str], int] = {}
        wanted = [sku for sku in skus if "," not in sku]
        for start in range(0, len(wanted), SKUS_A_CALL):
            params = {
                "sku:in": ",".join(wanted[start : start + SKUS_A_CALL]),
                "limit": INVENTORY_PAGE,
            }
            for page in self._pages("/v3/inventory/items", params, "store_inventory_read_only"):
                levels.update(_levels_of(page))
        return levels

    def _pages(
        self, path: str, params: Mapping[str, Any], scope: str
    ) -> Iterator[list[dict[str, Any]]]:
        page = 1
        while True:
            reply = self._http.request("GET", path, params={**params, "page": page})
            if reply.status == 204:
                return
            require_scope(reply, scope)
            document = reply.json()
            data = document.get("data") if isinstance(document, dict) else None
            if not isinstance(data, list):
                raise PermanentError(f"{reply.where} answered without data: {CONTRACT}")
            if data:
                yield data
            pages = (document.get("meta") or {}).get("pagination", {}).get("total_pages")
            if not data or not isinstance(pages, int) or page >= pages:
                return
            page += 1


def _levels_of(page: list[dict[str, Any]]) -> dict[tuple[str, str], int]:
    try:
        return {
            (str(item["identity"]["sku"]), str(level["location_id"])): int(
                level["total_inventory_onhand"]
            )
            for item in page
            for level in item["locations"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise PermanentError(
            "BigCommerce: GET /v3/inventory/items gave a level that can't be read "
            f"({type(error).__name__} at {str(error)[:60]}): {CONTRACT}"
        ) from None


def _items_of(product: Any) -> Iterator[StoreItem | Unusable]:
    variants = product.get("variants") if isinstance(product, dict) else None
    if not isinstance(product, dict) or not isinstance(variants, list | None):
        yield _unusable(product, "variants", "the entry is not a product with a list of variants")
        return
    tracking = product.get("inventory_tracking")
    if tracking not in TRACKING:
        yield _unusable(
            product,
            "inventory_tracking",
            f"{str(tracking)!r} is not a kind of inventory tracking",
        )
        return
    if variants and len(variants) > 1 and tracking != "product":
        for variant in variants:
            yield from _item(
                product, variant, variant.get("sku") if isinstance(variant, dict) else "", tracking
            )
        return
    only = variants[0] if variants and len(variants) == 1 else None
    yield from _item(
        product,
        only,
        product.get("sku") or (only.get("sku") if isinstance(only, dict) else ""),
        tracking,
    )


def _item(
    product: Mapping[str, Any], variant: Any, sku: Any, tracking: Any
) -> Iterator[StoreItem | Unusable]:
    """Yield the item of a variant, or of a product without one; nothing where it has no SKU."""
    if variant is not None and not isinstance(variant, dict):
        yield _unusable(product, "variants", "a variant is no object")
        return
    if not sku:
        return
    product_id, variant_id = (
        _number(product.get("id")),
        _number(variant.get("id")) if variant is not None else None,
    )
    if product_id is None or (variant is not None and variant_id is None):
        yield _unusable(
            product,
            "id" if product_id is None else "variants.id",
            "the id is no whole number above 0",
        )
        return
    item = {
        "sku": sku,
        "product_id": product_id,
        "variant_id": variant_id,
        "tracking": tracking,
    }
    try:
        yield msgspec.convert(item, StoreItem)
    except msgspec.ValidationError:
        yield _unusable(
            product, "sku", "the SKU is no text of at most 255 visible characters", str(sku)
        )


def _number(value: Any) -> str | None:
    return str(value) if type(value) is int and 0 < value <= HIGHEST_ID else None


def _unusable(product: Any, field: str, message: str, value: str = "") -> Unusable:
    """Return the entry as a problem, under the product's id where it has one."""
    number = _number(product.get("id")) if isinstance(product, dict) else None
    content = orjson.dumps(product, default=str)
    problem = Problem(
        "catalog_item_unusable", field, message, "correct the product in the store's catalog", value
    )
    return Unusable(
        f"product {number}" if number else fallback_id(content),
        (problem,),
        content_digest(content),
    )
