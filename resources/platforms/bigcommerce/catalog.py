"""Reads what stock is addressed by: SKUs with their tracking, locations, and the levels that the store holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from domain.errors import PermanentError
from domain.inventory import StoreItem
from resources.http import ApiClient
from resources.platforms.bigcommerce.settings import CATALOG_PAGE, INVENTORY_PAGE, SKUS_A_CALL

TRACKING = ("none", "product", "variant")


class CatalogReader:
    """Reads catalog, locations and inventory of one store."""

    def __init__(self, http: ApiClient) -> None:
        self._http = http

    def items(self) -> Iterator[list[StoreItem]]:
        """Yield every SKU, a page of products at a time.

        A product with one variant is that variant. Where a product with several variants is tracked as a whole, its stock lies
        under the product's own SKU; its variants have none of their own and are left out.
        """
        params = {"include": "variants", "include_fields": "sku,inventory_tracking", "limit": CATALOG_PAGE}
        for products in self._pages("/v3/catalog/products", params, "store_v2_products_read_only"):
            yield [item for product in products for item in _items_of(product)]

    def locations(self) -> dict[str, str]:
        """Return location code -> id, and the code ``default`` for the default location."""
        scope = "store_locations_read_only"
        found = {}
        for page in self._pages("/v3/inventory/locations", {"limit": INVENTORY_PAGE}, scope):
            found.update({str(location["code"]): str(location["id"]) for location in page})
        for page in self._pages("/v3/inventory/locations", {"is_default": "true", "limit": INVENTORY_PAGE}, scope):
            for location in page:
                found["default"] = str(location["id"])
        return found

    def stock(self, skus: Collection[str]) -> dict[tuple[str, str], int]:
        """Return (SKU, location id) -> quantity on hand; SKUs with a comma can't be asked for, and are absent."""
        levels: dict[tuple[str, str], int] = {}
        wanted = [sku for sku in skus if "," not in sku]
        for start in range(0, len(wanted), SKUS_A_CALL):
            params = {"sku:in": ",".join(wanted[start : start + SKUS_A_CALL]), "limit": INVENTORY_PAGE}
            for page in self._pages("/v3/inventory/items", params, "store_inventory_read_only"):
                for item in page:
                    for level in item["locations"]:
                        levels[str(item["identity"]["sku"]), str(level["location_id"])] = int(level["total_inventory_onhand"])
        return levels

    def _pages(self, path: str, params: Mapping[str, Any], scope: str) -> Iterator[list[dict[str, Any]]]:
        page = 1
        while True:
            reply = self._http.request("GET", path, params={**params, "page": page})
            if reply.status == 204:
                return
            if not reply.ok:
                raise PermanentError(f"{reply.complaint()}; check that the token has the scope {scope}")
            document = reply.json()
            data = document.get("data") if isinstance(document, dict) else None
            if not isinstance(data, list):
                raise PermanentError(f"{reply.where} answered without data; that breaks the API's contract, another try won't help")
            if data:
                yield data
            pages = (document.get("meta") or {}).get("pagination", {}).get("total_pages")
            if not data or not isinstance(pages, int) or page >= pages:
                return
            page += 1


def _items_of(product: Mapping[str, Any]) -> Iterator[StoreItem]:
    tracking = product.get("inventory_tracking")
    if tracking not in TRACKING:
        raise PermanentError(f"BigCommerce: product {product.get('id')} has the unknown inventory_tracking {tracking!r}")
    product_id = str(product["id"])
    variants = product.get("variants") or []
    if len(variants) <= 1 or tracking == "product":
        variant_id = str(variants[0]["id"]) if len(variants) == 1 else None
        sku = product.get("sku") or (variants[0].get("sku") if len(variants) == 1 else "")
        if sku:
            yield StoreItem(sku=sku, product_id=product_id, variant_id=variant_id, tracking=tracking)
        return
    for variant in variants:
        if variant.get("sku"):
            yield StoreItem(sku=variant["sku"], product_id=product_id, variant_id=str(variant["id"]), tracking=tracking)
