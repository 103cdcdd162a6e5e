"""Products with their published and staged data, and the projections that are read of them.

Source: openapi.yaml, ``/products``, ``/product-projections``, ``/product-types``; the vendor's
reference of the update actions. What the vendor leaves open is decided as follows: an action that
changes nothing keeps the version; a picture is once in a variant, and removing or moving one that
is not there is refused; a position is one of the list's; an attribute that the product's type does
not define, or whose value is of another kind, is refused with ``InvalidField``.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.platforms.commercetools.clock import normalised
from sandbox.platforms.commercetools.documents import new_id
from sandbox.platforms.commercetools.product_actions import (
    apply,
    data_of_draft,
    duplicate,
    variants_in,
)
from sandbox.platforms.commercetools.replies import conflict, invalid_input, json_reply
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.commercetools.project import Project

Json = dict[str, Any]
MOST_ACTIONS = 500
PLAIN = "plain"
"""Key of the product type of products that name no other."""
TEXTS = ("warranty", "brand", "upc", "ean", "gtin", "mpn", "colour", "size")
"""Attributes of the plain type."""


class Products:
    """Answers the calls about products and their types."""

    def __init__(self, project: Project) -> None:
        self._project, self._table = project, project.catalogue

    def handle(self, request: Request, parts: list[str]) -> Response:
        """Answer ``/products`` and below."""
        return self._project.resource(
            request, self._table, parts, update=self._update, create=self._create
        )

    def projections(self, request: Request, parts: list[str]) -> Response:
        """Answer ``/product-projections``, with the categories in them where ``expand`` asks."""
        response = self._project.read(request, self._project.products, parts)
        if "categories[*]" not in request.query.get("expand", ()):
            return response
        answer = orjson.loads(response.body)
        for product in answer.get("results", [answer]):
            for one in product.get("categories", ()):
                if (found := self._project.categories.get(one["id"])) is not None:
                    one["obj"] = found
        return json_reply(answer)

    def _create(self, draft: Json) -> Json:
        """Create a product; its key, its slugs and its SKUs are its own in the project."""
        project = self._project
        kind = project.product_types.named(_named(draft["productType"]))
        definitions = {one["name"]: one for one in kind["attributes"]}
        data = data_of_draft(draft, definitions)
        self._check_taken(draft, data)
        for one in data["categories"]:
            self._project.categories.need(one["id"])
        made = project.envelope() | {
            "productType": {"typeId": "product-type", "id": kind["id"]},
            "masterData": _master(data, copy.deepcopy(data), published=bool(draft.get("publish"))),
            "priceMode": draft.get("priceMode", "Embedded"),
        }
        made |= {name: draft[name] for name in ("key", "taxCategory") if name in draft}
        project.count("product_creations")
        return self._keep(made, is_new=True)

    def _check_taken(self, draft: Json, data: Json) -> None:
        own = [variant["sku"] for variant in variants_in(data) if "sku" in variant]
        if len(set(own)) < len(own):
            raise duplicate("sku", own[0])
        if "key" in draft and self._table.find("key", draft["key"]) is not None:
            raise duplicate("key", draft["key"])
        for product in self._table:
            for part in ("current", "staged"):
                known = product["masterData"][part]
                for language, slug in data["slug"].items():
                    if known["slug"].get(language) == slug:
                        raise duplicate("slug", slug)
                for variant in variants_in(known):
                    if variant.get("sku") in own:
                        raise duplicate("sku", variant["sku"])

    def _check_added(self, product: Json, actions: list[Json]) -> None:
        """Refuse a variant whose SKU another product has."""
        added = {one.get("sku") for one in actions if one.get("action") == "addVariant"} - {None}
        for other in self._table if added else ():
            if other["id"] != product["id"]:
                for part in ("current", "staged"):
                    for variant in variants_in(other["masterData"][part]):
                        if variant.get("sku") in added:
                            raise duplicate("sku", variant["sku"])

    def put_by_hand(self, rows: list[Json]) -> list[str]:
        """Put products as a merchant does, and return their ids."""
        return [self._put(row) for row in rows]

    def remove_by_hand(self, identifier: str) -> Json:
        """Delete a product, as a merchant does."""
        self._table.remove(identifier)
        self._project.products.remove(identifier)
        return {}

    def put_types(self, rows: list[Json]) -> Json:
        """Define product types: ``[{key, attributes: [{name, type, level?}]}]``."""
        return {"ids": [self._put_type(row) for row in rows]}

    def put_categories(self, rows: list[Json]) -> Json:
        """Put categories as a merchant does; ``parent`` is the id of the one above."""
        known, ids = self._project.categories, []
        for row in rows:
            made = self._project.envelope() | row
            made["name"] = row["name"] if isinstance(row["name"], dict) else {"en": row["name"]}
            above: list[Json] = []
            if "parent" in row:
                made["parent"] = {"typeId": "category", "id": row["parent"]}
                above = [*known.need(row["parent"])["ancestors"], made["parent"]]
            made |= {"ancestors": above, "slug": {"en": f"c-{made['id']}"}, "orderHint": "0.1"}
            self._project.keep(known, made, [], is_new=True)
            ids.append(made["id"])
        return {"ids": ids}

    def _put_type(self, row: Json) -> str:
        definitions = [_definition(one) for one in row.get("attributes", ())]
        made: Json = self._project.envelope() | {
            "key": row["key"],
            "name": row["key"],
            "description": "",
            "attributes": definitions,
        }
        self._project.keep(self._project.product_types, made, [], is_new=True)
        return str(made["id"])

    def _type(self, key: str) -> str:
        found = self._project.product_types.find("key", key)
        if found is not None:
            return str(found["id"])
        if key != PLAIN:
            raise ValueError(f"no product type {key}")
        texts = [{"name": name, "type": "text"} for name in TEXTS]
        return self._put_type({"key": PLAIN, "attributes": texts})

    def _put(self, row: Json) -> str:
        given = row.get("variants") or [{"sku": row.get("sku")}]
        variants = [
            {"id": n, "prices": [], "images": [], "attributes": [], "assets": []} | variant
            for n, variant in enumerate(given, 1)
        ]
        for variant in variants:
            if variant.get("sku") is None:
                variant.pop("sku", None)
        name = row.get("name") or given[0].get("sku")
        data: Json = {
            "name": name if isinstance(name, dict) else {"en": str(name)},
            "slug": {"en": f"p-{new_id()}"},
            "description": row.get("description") or {},
            "categories": row.get("categories") or [],
            "masterVariant": variants[0],
            "variants": variants[1:],
            "attributes": row.get("attributes") or [],
            "searchKeywords": {},
        }
        staged = copy.deepcopy(data) | row.get("staged", {})
        kind = self._type(row.get("productType", PLAIN))
        made = self._project.envelope() | {
            "productType": {"typeId": "product-type", "id": kind},
            "masterData": _master(data, staged, published=row.get("published", True)),
            "priceMode": row.get("priceMode", "Embedded"),
        }
        made |= {name: row[name] for name in ("id", "key") if row.get(name)}
        before = self._table.get(made["id"])
        if before is not None:
            made |= {"version": before["version"] + 1, "createdAt": before["createdAt"]}
        if row.get("lastModifiedAt"):
            made["lastModifiedAt"] = normalised(row["lastModifiedAt"])
        self._keep(made, is_new=True)
        return str(made["id"])

    def _keep(self, product: Json, *, is_new: bool = False) -> Json:
        """Store a product, and what shoppers see of it."""
        kept = self._project.keep(self._table, product, [], is_new=is_new)
        self._project.products.remove(kept["id"])
        if kept["masterData"]["published"]:
            self._project.products.put(projection(kept))
        return kept

    def _update(self, product: Json, body: Json) -> Json:
        if body.get("version") != product["version"]:
            raise conflict(product["version"])
        actions = body["actions"]
        if len(actions) > MOST_ACTIONS:
            raise invalid_input(f"A maximum of {MOST_ACTIONS} update actions is allowed.")
        changed = copy.deepcopy(product)
        definitions = self._project.product_types.need(product["productType"]["id"])["attributes"]
        self._check_added(product, actions)
        for action in actions:
            if action.get("action") == "addToCategory":
                self._project.categories.need(action["category"]["id"])
            apply(changed["masterData"], action, {one["name"]: one for one in definitions})
        master = changed["masterData"]
        master["hasStagedChanges"] = master["current"] != master["staged"]
        if changed == product:
            return product
        self._project.count("product_writes")
        return self._keep(changed)


def projection(product: Json) -> Json:
    """Return a product's published data, as ``/product-projections`` shows them."""
    master: Json = product["masterData"]
    shared: Json = {name: value for name, value in product.items() if name != "masterData"}
    flags = {name: master[name] for name in ("published", "hasStagedChanges")}
    current: Json = master["current"]
    return shared | current | flags


def _master(current: Json, staged: Json, *, published: bool) -> Json:
    changes = current != staged
    return {
        "published": published,
        "current": current,
        "staged": staged,
        "hasStagedChanges": changes,
    }


def _definition(given: Json) -> Json:
    return {
        "type": {"name": given.get("type", "text")}
        | ({"values": given["values"]} if "values" in given else {}),
        "name": given["name"],
        "label": {"en": given["name"]},
        "isRequired": False,
        "level": given.get("level", "Variant"),
        "attributeConstraint": given.get("attributeConstraint", "None"),
        "inputHint": "SingleLine",
        "isSearchable": False,
    }


def listed(project: Project) -> Response:
    """Answer the control call that shows all products, whole."""
    return json_reply({"products": list(project.catalogue)})


def _named(reference: Json) -> str:
    return f"key={reference['key']}" if "key" in reference else str(reference["id"])
