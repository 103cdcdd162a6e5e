"""``POST /v3/catalog/products``: what a new product must be, and what makes it a second one.

Source: products_catalog.v3.yml, ``createProduct``, ``updateProduct``. Names are unique, and so are
SKUs of products and variants in any case (409). What the vendor leaves open is decided as follows:
the options of all variants are the same, each combination is there once, and a faulty variant or
picture refuses the whole product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sandbox.kit.refused import Refused
from sandbox.platforms.bigcommerce.replies import v3_error

if TYPE_CHECKING:
    from sandbox.platforms.bigcommerce.catalog import Catalog

Json = dict[str, Any]
REQUIRED = ("name", "type", "weight", "price")
LONGEST_NAME, LONGEST_SKU, LONGEST_ADDRESS = 250, 255, 255
MOST_VARIANTS = 600
OF_VARIANT = frozenset({
    "sku", "option_values", "price", "sale_price", "retail_price", "cost_price", "map_price",
    "weight", "width", "height", "depth", "upc", "gtin", "mpn", "image_url",
})  # fmt: skip


def check_new(catalog: Catalog, body: Json) -> None:
    """Refuse what is no new product: 422 for what is missing or faulty, 409 for what is taken."""
    for name in REQUIRED:
        if name not in body:
            raise invalid(name, "is required")
    _check(body, "name", lambda value: isinstance(value, str) and 0 < len(value) <= LONGEST_NAME)
    _check(body, "type", lambda value: value in ("physical", "digital"))
    for name in ("price", "weight"):
        _check(body, name, _is_amount)
    _check(body, "images", _are_images)
    variants = body.get("variants", [])
    if not isinstance(variants, list) or len(variants) > MOST_VARIANTS:
        raise invalid("variants", f"must be a list of at most {MOST_VARIANTS}")
    for variant in variants:
        check_form(variant)
    options = [tuple(o["option_display_name"] for o in v["option_values"]) for v in variants]
    chosen = [tuple(o["label"] for o in v["option_values"]) for v in variants]
    if len(set(options)) > 1 or len(set(chosen)) < len(chosen):
        raise invalid("variants", "must have the same options, each combination once")
    _check_taken(catalog, body, [sku for sku in _skus(body) if sku])


def check_name(catalog: Catalog, body: Json, own: int | None = None) -> None:
    """Refuse a name that another product has; ``own`` is the product that is changed."""
    wanted = body.get("name", "").casefold()
    others = (one["name"] for number, one in catalog.products.items() if number != own)
    if wanted and any(name.casefold() == wanted for name in others):
        raise Refused(v3_error(409, "The product name is a duplicate."))


def _check_taken(catalog: Catalog, body: Json, skus: list[str]) -> None:
    check_name(catalog, body)
    check_skus(catalog, skus)


def check_skus(catalog: Catalog, skus: list[str]) -> None:
    """Refuse SKUs that a product or a variant has, in any case."""
    known = {sku.casefold() for sku in (*catalog.by_sku, *catalog.products_by_sku)}
    for sku in skus:
        if sku.casefold() in known:
            raise Refused(v3_error(409, f"The sku {sku} is a duplicate."))
        known.add(sku.casefold())


def with_option_ids(body: Json, first: int) -> Json:
    """Return a product whose variants' options have ids, equal for equal options."""
    ids: dict[tuple[str, ...], int] = {}
    variants = [
        variant
        | {
            "option_values": [
                {
                    "id": ids.setdefault((o["option_display_name"], o["label"]), first + len(ids)),
                    "option_id": ids.setdefault((o["option_display_name"],), first + len(ids)),
                    "option_display_name": o["option_display_name"],
                    "label": o["label"],
                }
                for o in variant["option_values"]
            ]
        }
        for variant in body.get("variants", ())
    ]
    return body | ({"variants": variants} if variants else {})


def _skus(body: Json) -> Iterator[str]:
    yield body.get("sku", "")
    for variant in body.get("variants", ()):
        yield variant["sku"]


def check_form(variant: Any) -> None:
    """Refuse a variant that is none."""
    if not isinstance(variant, dict):
        raise invalid("variants", "must be objects")
    for name in sorted(set(variant) - OF_VARIANT):
        raise invalid(f"variants.{name}", "is not writable")
    _check(variant, "sku", lambda value: isinstance(value, str) and 0 < len(value) <= LONGEST_SKU)
    if "sku" not in variant:
        raise invalid("variants.sku", "is required")
    for name in ("price", "weight"):
        _check(variant, name, _is_amount)
    values = variant.get("option_values")
    names = ("option_display_name", "label")
    if not values or not all(
        isinstance(one.get(name), str) and one[name] for one in values for name in names
    ):
        raise invalid("variants.option_values", "must have option_display_name and label")


def _check(body: Json, name: str, is_good: Callable[[Any], bool]) -> None:
    if name in body and not is_good(body[name]):
        raise invalid(name, "is invalid")


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _are_images(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("image_url"), str)
        and len(one["image_url"]) <= LONGEST_ADDRESS
        for one in value
    )


def invalid(name: str, reason: str) -> Refused:
    """Return the refusal of a field."""
    return Refused(v3_error(422, f"The field '{name}' {reason}.", {name: reason}))
