"""Answers ``/v3/catalog``: products, variants, brands and categories."""

from __future__ import annotations

from typing import Any

from sandbox.kit.refused import Refused
from sandbox.platforms.bigcommerce import dates
from sandbox.platforms.bigcommerce.catalog import SIZES, TEXTS, TRACKING, Catalog, Json, numbered
from sandbox.platforms.bigcommerce.creation import check_name, check_new, with_option_ids
from sandbox.platforms.bigcommerce.options import OWN_VALUES, check_variant, option_values
from sandbox.platforms.bigcommerce.paging import envelope, integer_set, paging_v3, text_set
from sandbox.platforms.bigcommerce.replies import json_reply, parse_object, v3_error
from sandbox.platforms.bigcommerce.shapes import misfit
from sandbox.system import Request, Response

Query = dict[str, list[str]]
MAX_LIMIT = 250
PRODUCT_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    **dict.fromkeys(TEXTS, (str,)),
    **dict.fromkeys(SIZES, (int, float)),
    "sale_price": (int, float),
    "brand_id": (int,),
    "brand_name": (str,),
    "categories": (list,),
    "images": (list,),
    "custom_fields": (list,),
    "sku": (str,),
    "price": (int, float),
    "inventory_tracking": (str,),
    "is_visible": (bool,),
    "availability": (str,),
}
PRODUCT_WRITABLE = (
    "name",
    "sku",
    "price",
    "inventory_tracking",
    *TEXTS,
    *SIZES,
    "sale_price",
    "brand_id",
    "brand_name",
    "categories",
    "images",
    "custom_fields",
    "is_visible",
    "availability",
    "inventory_warning_level",
)
SUBRESOURCES = ("images", "custom_fields")
"""Shown where a call includes them."""


class CatalogApi:
    """Answers ``/v3/catalog/products`` and ``/variants``; ``level`` returns an item's stock."""

    def __init__(self, catalog: Catalog, level: Any, now: Any) -> None:
        self.catalog, self.level, self.now = catalog, level, now

    def handle(self, parts: list[str], request: Request) -> Response:
        """Answer a call; ``parts`` is the path after ``catalog``."""
        match request.method, parts:
            case "GET", ["products"]:
                return self._products(request.query)
            case "GET", ["variants"]:
                return self._variants(request.query)
            case "GET", ["brands"]:
                return _listed(self.catalog.brands, request.query, {})
            case "GET", ["categories"]:
                parents = self.catalog.parents
                more = {n: {"parent_id": parents.get(n, 0)} for n in self.catalog.categories}
                return _listed(self.catalog.categories, request.query, more)
            case "GET", ["products", number] if number.isdigit():
                return json_reply(
                    {"data": self._show(self._product(int(number)), request.query), "meta": {}}
                )
            case "GET", ["products", number, "variants"] if number.isdigit():
                self._product(int(number))
                return self._variants(request.query | {"product_id:in": [number]})
            case "POST", ["products"]:
                return self._create(request)
            case "POST", ["products", number, "variants"] if number.isdigit():
                return self._add(self._product(int(number)), request)
            case _, ["products", number, "options", option, "values"] if number.isdigit():
                product = self._product(int(number))
                return option_values(self.catalog, product, int(option), request)
            case "PUT", ["products", number] if number.isdigit():
                return self._update(self._product(int(number)), request)
        raise Refused(v3_error(404, "The requested resource was not found."))

    def _product(self, number: int) -> Json:
        if number not in self.catalog.products:
            raise Refused(v3_error(404, f"The product with id {number} was not found."))
        return self.catalog.products[number]

    def _products(self, query: Query) -> Response:
        page, limit = paging_v3(query, 50, MAX_LIMIT)
        found = list(self.catalog.products.values())
        if (wanted := integer_set(query, "id:in", "id")) is not None:
            found = [product for product in found if product["id"] in wanted]
        if (skus := text_set(query, "sku:in")) is not None:
            found = [product for product in found if product["sku"] in skus]
        if "sku" in query:
            found = [product for product in found if product["sku"] in query["sku"]]
        if (tracking := text_set(query, "inventory_tracking")) is not None:
            found = [product for product in found if product["inventory_tracking"] in tracking]
        if (after := integer_set(query, "id:greater")) is not None:
            found = [product for product in found if product["id"] > max(after)]
        found = _modified(found, query)
        by = (query.get("sort") or ["id"])[-1]
        if by not in ("id", "date_modified"):
            raise Refused(v3_error(422, f"Products are not sorted by {by} here."))
        found.sort(key=lambda product: (product[by], product["id"]))
        chosen = [
            self._show(product, query) for product in found[(page - 1) * limit : page * limit]
        ]
        return envelope(chosen, len(found), page, limit, query)

    def _show(self, product: Json, query: Query) -> Json:
        shown = {
            key: value
            for key, value in product.items()
            if key not in ("variant_ids", OWN_VALUES) and value is not None
        }
        shown["calculated_price"] = shown["price"]
        shown["inventory_level"] = sum(self.level(number) for number in product["variant_ids"])
        fields, included = text_set(query, "include_fields"), text_set(query, "include") or set()
        parts = {name: shown.pop(name) for name in SUBRESOURCES}
        if fields is not None:
            shown = {key: value for key, value in shown.items() if key == "id" or key in fields}
        shown |= {name: part for name, part in parts.items() if name in included}
        if "variants" in included:
            shown["variants"] = [
                self._show_variant(self.catalog.variants[number])
                for number in product["variant_ids"]
            ]
        return shown

    def _variants(self, query: Query) -> Response:
        page, limit = paging_v3(query, 50, MAX_LIMIT)
        found = list(self.catalog.variants.values())
        for name, values in (
            ("id", integer_set(query, "id")),
            ("product_id", integer_set(query, "product_id:in")),
        ):
            if values is not None:
                found = [variant for variant in found if variant[name] in values]
        if "sku" in query:
            found = [variant for variant in found if variant["sku"] in query["sku"]]
        found.sort(key=lambda variant: variant["id"])
        chosen = [
            self._show_variant(variant) for variant in found[(page - 1) * limit : page * limit]
        ]
        return envelope(chosen, len(found), page, limit, query)

    def _show_variant(self, variant: Json) -> Json:
        return {key: value for key, value in variant.items() if value is not None} | {
            "inventory_level": self.level(variant["id"])
        }

    def _create(self, request: Request) -> Response:
        body = parse_object(request.body, "v3")
        given = {name: value for name, value in body.items() if name not in ("type", "variants")}
        self._check(given)
        check_new(self.catalog, body)
        self._name_brand(body)
        number = max(self.catalog.products, default=110) + 1
        made = with_option_ids(body, number * 1000)
        self.catalog.put(made | {"id": number}, self.now())
        product = self.catalog.products[number]
        return json_reply({"data": self._show(product, {"include": ["variants"]}), "meta": {}})

    def _add(self, product: Json, request: Request) -> Response:
        body = parse_object(request.body, "v3")
        check_variant(self.catalog, product, body)
        number = self.catalog.add_variant(product, body)
        product["date_modified"] = dates.to_iso(self.now())
        return json_reply({"data": self._show_variant(self.catalog.variants[number]), "meta": {}})

    def _check(self, body: Json) -> None:
        """Refuse fields of another type, and those that can't be written."""
        if name := misfit(body, PRODUCT_TYPES):
            raise Refused(v3_error(422, f"The field '{name}' is invalid.", {name: "wrong type"}))
        known = self.catalog.categories
        if unknown := [one for one in body.get("categories", ()) if one not in known]:
            raise Refused(v3_error(409, f"There is no category {unknown[0]}."))
        if body.get("brand_id") and body["brand_id"] not in self.catalog.brands:
            raise Refused(v3_error(409, f"There is no brand {body['brand_id']}."))
        for name in sorted(set(body) - set(PRODUCT_WRITABLE)):
            raise Refused(
                v3_error(422, f"The field '{name}' cannot be written to.", {name: "not writable"})
            )
        if body.get("inventory_tracking", "none") not in TRACKING:
            raise Refused(
                v3_error(
                    422,
                    "inventory_tracking is invalid",
                    {"inventory_tracking": f"must be one of {', '.join(TRACKING)}"},
                )
            )

    def _name_brand(self, body: Json) -> None:
        """Take a brand by its name, which is created where it is new.

        Source: products_catalog.v3.yml, ``brand_name``.
        """
        if name := body.pop("brand_name", ""):
            body["brand_id"] = self.catalog.brand_of(name)

    def _update(self, product: Json, request: Request) -> Response:
        body = parse_object(request.body, "v3")
        self._check(body)
        check_name(self.catalog, body, product["id"])
        self._name_brand(body)
        if "images" in body:
            body["images"] = numbered(body["images"], product["id"])
        if "custom_fields" in body:
            body["custom_fields"] = numbered(body["custom_fields"], product["id"])
        product |= body | {"date_modified": dates.to_iso(self.now())}
        return json_reply({"data": self._show(product, request.query), "meta": {}})


def _modified(products: list[Json], query: Query) -> list[Json]:
    """Return the products that were modified within the bounds; both belong to them."""
    bounds = [query.get(f"date_modified:{name}") for name in ("min", "max")]
    try:
        lower, upper = (dates.to_epoch(given[-1]) if given else None for given in bounds)
    except (ValueError, TypeError, IndexError, OverflowError) as reason:
        raise Refused(v3_error(422, "date_modified holds no date.")) from reason
    return [
        product
        for product in products
        if (lower is None and upper is None)
        or (
            (lower is None or dates.to_epoch(product["date_modified"]) >= lower)
            and (upper is None or dates.to_epoch(product["date_modified"]) <= upper)
        )
    ]


def _listed(names: dict[int, str], query: Query, more: dict[int, Json]) -> Response:
    """Answer a list of brands or categories, sorted by id."""
    page, limit = paging_v3(query, 50, MAX_LIMIT)
    rows = [
        {"id": number, "name": name} | more.get(number, {})
        for number, name in sorted(names.items())
    ]
    return envelope(rows[(page - 1) * limit : page * limit], len(rows), page, limit, query)
