"""Options of a product and their values, and variants that are added to it one by one.

Source: product-variants_catalog.v3.yml, ``createProductVariant``; the values of an option are the
vendor's public API (``/options/{id}/values``: label and sort_order), of which no file is here. What
the vendor leaves open is decided as follows: a variant names a value of each of the product's
options by their ids, a combination is there once, and an option has a label once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sandbox.kit.refused import Refused
from sandbox.platforms.bigcommerce.creation import check_form, check_skus, invalid
from sandbox.platforms.bigcommerce.paging import envelope, paging_v3
from sandbox.platforms.bigcommerce.replies import json_reply, parse_object, v3_error
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.bigcommerce.catalog import Catalog

Json = dict[str, Any]
OWN_VALUES = "own_option_values"
"""Values of a product's options that no variant has."""
MAX_LIMIT = 250


def values_of(catalog: Catalog, product: Json) -> Iterator[Json]:
    """Yield the values of all options, those of variants first."""
    seen = set()
    of_variants = (
        one
        for number in product["variant_ids"]
        for one in catalog.variants[number]["option_values"]
    )
    for one in (*of_variants, *product.get(OWN_VALUES, ())):
        if one["id"] not in seen:
            seen.add(one["id"])
            yield one


def option_values(catalog: Catalog, product: Json, option: int, request: Request) -> Response:
    """Answer ``/v3/catalog/products/{id}/options/{id}/values``."""
    known = list(values_of(catalog, product))
    of_option = [one for one in known if one["option_id"] == option]
    if not of_option:
        raise Refused(v3_error(404, f"The option with id {option} was not found."))
    if request.method == "GET":
        page, limit = paging_v3(request.query, 50, MAX_LIMIT)
        shown = [_shown(one, place) for place, one in enumerate(of_option)]
        chosen = shown[(page - 1) * limit : page * limit]
        return envelope(chosen, len(shown), page, limit, request.query)
    if request.method != "POST":
        raise Refused(v3_error(405, "Method not allowed."))
    body = parse_object(request.body, "v3")
    if not isinstance(body.get("label"), str) or not body["label"]:
        raise invalid("label", "is required")
    if type(body.get("sort_order")) is not int:
        raise invalid("sort_order", "is required")
    if any(one["label"].casefold() == body["label"].casefold() for one in of_option):
        raise Refused(v3_error(409, f"The option value {body['label']} is a duplicate."))
    made = {
        "id": max(max(one["id"], one["option_id"]) for one in known) + 1,
        "option_id": option,
        "option_display_name": of_option[0]["option_display_name"],
        "label": body["label"],
    }
    product.setdefault(OWN_VALUES, []).append(made)
    return json_reply({"data": _shown(made, body["sort_order"]), "meta": {}})


def check_variant(catalog: Catalog, product: Json, body: Json) -> None:
    """Refuse a variant that can't be added, and give its options their names."""
    body.pop("product_id", None)
    check_form(body)
    check_skus(catalog, [body["sku"]])
    known = {one["id"]: one for one in values_of(catalog, product)}
    options = {one["option_id"] for one in known.values()}
    chosen = [known.get(one.get("id")) for one in body["option_values"]]
    named = [one["option_id"] for one in chosen if one is not None]
    stated = [one.get("option_id") for one in body["option_values"]]
    if not options or None in chosen or set(named) != options or named != stated:
        raise invalid("option_values", "must have a value of each option of the product")
    body["option_values"] = [dict(one) for one in chosen if one is not None]
    wanted = {one["id"] for one in body["option_values"]}
    for number in product["variant_ids"]:
        if {one["id"] for one in catalog.variants[number]["option_values"]} == wanted:
            raise Refused(v3_error(409, "The option values are those of another variant."))


def _shown(value: Json, place: int) -> Json:
    return {"id": value["id"], "label": value["label"], "sort_order": place, "is_default": False}
