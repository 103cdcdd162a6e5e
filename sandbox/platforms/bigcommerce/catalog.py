"""Products and variants: the store's catalog and ``/v3/catalog``."""

from __future__ import annotations

from typing import Any

from sandbox.platforms.bigcommerce import dates

Json = dict[str, Any]

TRACKING = ("none", "product", "variant")
TEXTS = ("description", "warranty", "upc", "gtin", "mpn")
SIZES = ("weight", "width", "height", "depth")


class Catalog:
    """Products by id, variants by id, and the SKUs of both."""

    def __init__(self) -> None:
        self.products: dict[int, Json] = {}
        self.brands: dict[int, str] = {}
        self.categories: dict[int, str] = {}
        self.parents: dict[int, int] = {}
        """Category -> the one that it is in; those at the top are absent."""
        self.variants: dict[int, Json] = {}
        self.by_sku: dict[str, int] = {}
        self.products_by_sku: dict[str, int] = {}
        self._last = {"product": 110, "variant": 0}

    def put(self, given: Json, now: int) -> int:
        """Add or replace a product with its variants, or with one base variant as BigCommerce does.

        A product or variant that is put again without an id keeps the id that its SKU has, and so
        its stock. Raises ValueError, with nothing changed, for an unknown tracking mode or a SKU of
        another product's variant.
        """
        sku = str(given.get("sku") or "")
        tracking = given.get(
            "inventory_tracking", "product" if not given.get("variants") else "variant"
        )
        number = int(given.get("id") or self.products_by_sku.get(sku) or self._last["product"] + 1)
        variants = given.get("variants") or [{"sku": sku, "id": given.get("base_variant_id")}]
        is_base = not given.get("variants")
        self._check(number, tracking, [str(entry.get("sku") or sku) for entry in variants])
        product = _product(given, number, tracking, now)
        before = self.products.get(number, {"variant_ids": [], "sku": ""})
        olds = [self.variants.pop(old) for old in before["variant_ids"]]
        product["variant_ids"] = [
            self._put_variant(entry, product, is_base=is_base) for entry in variants
        ]
        product["base_variant_id"] = (
            product["variant_ids"][0] if not given.get("variants") else None
        )
        self.products[number] = product
        self._forget(before["sku"], olds, product)
        self._last["product"] = max(self._last["product"], number)
        if sku:
            self.products_by_sku[sku] = number
        return number

    def brand_of(self, name: str) -> int:
        """Return the id of the brand of a name, in any case; one that is not there is created."""
        same = (n for n, known in self.brands.items() if known.casefold() == name.casefold())
        if (number := next(same, None)) is None:
            number = max(self.brands, default=30) + 1
            self.brands[number] = name
        return number

    def add_variant(self, product: Json, given: Json) -> int:
        """Add a variant to a product that has options; return its id."""
        number = self._put_variant(given, product, is_base=False)
        product["variant_ids"].append(number)
        return number

    def remove(self, number: int) -> None:
        """Delete a product with its variants, as a merchant does."""
        product = self.products.pop(number)
        for variant_id in product["variant_ids"]:
            self.by_sku.pop(self.variants.pop(variant_id)["sku"], None)
        self.products_by_sku.pop(product["sku"], None)

    def _forget(self, sku: str, variants: list[Json], product: Json) -> None:
        """Free the SKUs that a product and its variants had before, and have no more."""
        for old in variants:
            kept = self.variants.get(old["id"])
            if self.by_sku.get(old["sku"]) == old["id"] and (
                kept is None or kept["sku"] != old["sku"]
            ):
                del self.by_sku[old["sku"]]
        if sku != product["sku"] and self.products_by_sku.get(sku) == product["id"]:
            del self.products_by_sku[sku]

    def _check(self, number: int, tracking: str, skus: list[str]) -> None:
        if tracking not in TRACKING:
            raise ValueError(f"inventory_tracking {tracking!r} is not one of {', '.join(TRACKING)}")
        for sku in skus:
            owner = self.variants.get(self.by_sku.get(sku, 0))
            if (owner is not None and owner["product_id"] != number) or (
                sku and skus.count(sku) > 1
            ):
                raise ValueError(f"sku {sku!r} is in use")

    def _put_variant(self, given: Json, product: Json, *, is_base: bool) -> int:
        sku = str(given.get("sku") or product["sku"])
        number = int(given.get("id") or self.by_sku.get(sku) or self._last["variant"] + 1)
        self._last["variant"] = max(self._last["variant"], number)
        price = given.get("price")
        self.variants[number] = {
            "id": number,
            "product_id": product["id"],
            "sku": sku,
            "sku_id": None if is_base else number,
            "price": price,
            "sale_price": given.get("sale_price"),
            "calculated_price": float(product["price"] if price is None else price),
            **{name: given.get(name, "") for name in ("upc", "gtin", "mpn", "image_url")},
            **{name: given.get(name) for name in SIZES},
            "purchasing_disabled": False,
            "purchasing_disabled_message": "",
            "option_values": given.get("option_values", []),
            "inventory_warning_level": 0,
            "bin_picking_number": "",
        }
        if sku:
            self.by_sku[sku] = number
        return number

    def restore(self, products: list[Json], variants: list[Json]) -> None:
        """Restore products and variants from a snapshot."""
        self.products = {product["id"]: product for product in products}
        self.variants = {variant["id"]: variant for variant in variants}
        self.by_sku = {variant["sku"]: variant["id"] for variant in variants if variant["sku"]}
        self.products_by_sku = {
            product["sku"]: product["id"] for product in products if product["sku"]
        }
        self._last = {
            "product": max(self.products, default=110),
            "variant": max(self.variants, default=0),
        }


def _product(given: Json, number: int, tracking: str, now: int) -> Json:
    sku = str(given.get("sku") or "")
    return {
        "id": number,
        "name": given.get("name") or sku or f"Product {number}",
        "type": given.get("type", "physical"),
        "sku": sku,
        **{name: given.get(name, "") for name in TEXTS},
        **{name: float(given.get(name) or 0) for name in SIZES},
        "price": float(given.get("price") or 0),
        "sale_price": float(given.get("sale_price") or 0),
        "brand_id": int(given.get("brand_id") or 0),
        "categories": list(given.get("categories") or ()),
        "images": numbered(given.get("images"), number),
        "custom_fields": numbered(given.get("custom_fields"), number),
        "inventory_warning_level": 0,
        "inventory_tracking": tracking,
        "is_visible": bool(given.get("is_visible", True)),
        "availability": "available",
        "date_created": dates.to_iso(now),
        "date_modified": given.get("date_modified") or dates.to_iso(now),
    }


def numbered(entries: Any, number: int) -> list[Json]:
    """Give the entries of a product that have no ids ids of their own."""
    return [
        {"id": number * 1000 + i, **entry, **_hosted(entry)}
        for i, entry in enumerate(entries or (), 1)
    ]


def _hosted(entry: Json) -> Json:
    """Return where the store keeps its own copy of a picture that it was given by address."""
    url = entry.get("image_url")
    return {"url_standard": f"https://cdn.sandbox.example/{url[-40:]}"} if url else {}
