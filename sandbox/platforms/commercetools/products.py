"""Products with their published and staged data, and the projections that are read of them.

Source: openapi.yaml, ``/products``, ``/product-projections``, ``/product-types``; the vendor's
reference of the update actions. What the vendor leaves open is decided as follows: an action that
changes nothing keeps the version; a picture is once in a variant, and removing or moving one that
is not there is refused; a position is one of the list's; an attribute that the product's type does
not define, or whose value is of another kind, is refused with ``InvalidField``.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sandbox.platforms.commercetools.clock import normalised
from sandbox.platforms.commercetools.documents import new_id
from sandbox.platforms.commercetools.money import cents
from sandbox.platforms.commercetools.replies import (
    conflict,
    invalid_input,
    invalid_operation,
    json_reply,
    refuse,
)
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

    def _create(self, draft: Json) -> Json:
        """Create a product; its key, its slugs and its SKUs are its own in the project."""
        project = self._project
        kind = project.product_types.named(_named(draft["productType"]))
        definitions = {one["name"]: one for one in kind["attributes"]}
        data = data_of_draft(draft, definitions)
        self._check_taken(draft, data)
        made = project.envelope() | {
            "productType": {"typeId": "product-type", "id": kind["id"]},
            "masterData": _master(data, copy.deepcopy(data), published=bool(draft.get("publish"))),
            "priceMode": draft.get("priceMode", "Embedded"),
        }
        made |= {name: draft[name] for name in ("key", "taxCategory") if name in draft}
        project.count("product_creations")
        return self._keep(made, is_new=True)

    def _check_taken(self, draft: Json, data: Json) -> None:
        own = [variant["sku"] for variant in _variants(data) if "sku" in variant]
        if len(set(own)) < len(own):
            raise _duplicate("sku", own[0])
        if "key" in draft and self._table.find("key", draft["key"]) is not None:
            raise _duplicate("key", draft["key"])
        for product in self._table:
            for part in ("current", "staged"):
                known = product["masterData"][part]
                for language, slug in data["slug"].items():
                    if known["slug"].get(language) == slug:
                        raise _duplicate("slug", slug)
                for variant in _variants(known):
                    if variant.get("sku") in own:
                        raise _duplicate("sku", variant["sku"])

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
        for action in actions:
            _apply(changed["masterData"], action, {one["name"]: one for one in definitions})
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


def _apply(master: Json, action: Json, definitions: dict[str, Json]) -> None:
    staged = action.get("staged", True)
    if not isinstance(staged, bool):
        raise invalid_input("Request body does not contain valid JSON: staged")
    parts = [master["staged"]] if staged else [master["staged"], master["current"]]
    for data in parts:
        match action.get("action"):
            case "changeName":
                data["name"] = _localized(action["name"])
            case "setDescription":
                _set(data, "description", _localized(action.get("description") or {}))
            case "addExternalImage":
                _add_image(_variant(data, action), action["image"])
            case "removeImage":
                images = _variant(data, action)["images"]
                images.remove(_image(images, action["imageUrl"]))
            case "moveImageToPosition":
                _move_image(_variant(data, action)["images"], action)
            case "setAttribute":
                _check_attribute(action, definitions, "Variant")
                _set_attribute(_variant(data, action)["attributes"], action)
            case "setAttributeInAllVariants":
                _check_attribute(action, definitions, "Variant")
                for variant in _variants(data):
                    _set_attribute(variant["attributes"], action)
            case "setProductAttribute":
                _check_attribute(action, definitions, "Product")
                _set_attribute(data["attributes"], action)
            case kind:
                raise invalid_input(f"Request body does not contain valid JSON: action {kind!r}")


def _set(data: Json, name: str, value: Json) -> None:
    data.pop(name, None)
    if value:
        data[name] = value


def _localized(value: Any) -> Json:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise invalid_input("Request body does not contain valid JSON: LocalizedString expected")
    return value


def _variants(data: Json) -> Iterator[Json]:
    yield data["masterVariant"]
    yield from data["variants"]


def _variant(data: Json, action: Json) -> Json:
    name = "variantId" if "variantId" in action else "sku"
    own = "id" if name == "variantId" else "sku"
    for variant in _variants(data):
        if variant.get(own) == action[name]:
            return variant
    raise invalid_operation(f"The product has no variant with {name} {action[name]!r}.")


def _image(images: list[Json], url: str) -> Json:
    for image in images:
        if image["url"] == url:
            return image
    raise invalid_operation(f"The variant has no image '{url}'.")


def _add_image(variant: Json, image: Json) -> None:
    size = image["dimensions"]
    if not isinstance(image["url"], str) or not all(type(size[side]) is int for side in ("w", "h")):
        raise invalid_input("Request body does not contain valid JSON: image")
    if any(one["url"] == image["url"] for one in variant["images"]):
        raise invalid_operation(f"The variant already has the image '{image['url']}'.")
    variant["images"].append(dict(image))


def _move_image(images: list[Json], action: Json) -> None:
    position = action["position"]
    if type(position) is not int or not 0 <= position < len(images):
        raise invalid_operation("Must be between 0 and the total number of images minus 1.")
    image = _image(images, action["imageUrl"])
    images.remove(image)
    images.insert(position, image)


def _check_attribute(action: Json, definitions: dict[str, Json], level: str) -> None:
    name, value = action["name"], action.get("value")
    found = definitions.get(name)
    if found is None or found["level"] != level:
        message = f"The product type has no attribute '{name}' at the level {level}."
        raise refuse(400, "InvalidField", message, field=name, invalidValue=value)
    kind = dict if found["type"]["name"] == "ltext" else str
    keys = [one["key"] for one in found["type"].get("values", ())]
    if value is not None and (not isinstance(value, kind) or (keys and value not in keys)):
        message = f"The value of the attribute '{name}' has another type."
        raise refuse(400, "InvalidField", message, field=name, invalidValue=value)


def _set_attribute(attributes: list[Json], action: Json) -> None:
    place = next((n for n, a in enumerate(attributes) if a["name"] == action["name"]), None)
    value = action.get("value")
    if value is None:
        if place is not None:
            del attributes[place]
        return
    made = {"name": action["name"], "value": value}
    if place is None:
        attributes.append(made)
    else:
        attributes[place] = made


def listed(project: Project) -> Response:
    """Answer the control call that shows all products, whole."""
    return json_reply({"products": list(project.catalogue)})


SLUG = re.compile(r"[-a-zA-Z0-9_]{2,256}")


def data_of_draft(draft: Json, definitions: dict[str, Json]) -> Json:
    """Return the data of a new product, checked."""
    for name in ("name", "slug"):
        if not draft.get(name):
            raise refuse(400, "RequiredField", f"{name}: Missing required value.", field=name)
    slugs = _localized(draft["slug"])
    if not all(SLUG.fullmatch(slug) for slug in slugs.values()):
        raise refuse(400, "InvalidField", "The slug is invalid.", field="slug", invalidValue=slugs)
    given = [draft.get("masterVariant") or {}, *draft.get("variants", ())]
    variants = [_new_variant(one, number, definitions) for number, one in enumerate(given, 1)]
    for one in draft.get("attributes", ()):
        _check_attribute(one, definitions, "Product")
    data: Json = {
        "name": _localized(draft["name"]),
        "slug": slugs,
        "categories": [],
        "masterVariant": variants[0],
        "variants": variants[1:],
        "attributes": draft.get("attributes", []),
        "searchKeywords": {},
    }
    _set(data, "description", _localized(draft.get("description") or {}))
    return data


def _new_variant(given: Json, number: int, definitions: dict[str, Json]) -> Json:
    attributes = []
    for one in given.get("attributes", ()):
        _check_attribute(one, definitions, "Variant")
        attributes.append({"name": one["name"], "value": _enum_of(one, definitions)})
    variant: Json = {"id": number, "images": [], "attributes": attributes, "assets": []}
    for image in given.get("images", ()):
        _add_image(variant, image)
    variant["prices"] = [
        {"id": new_id(), "value": cents(one["value"]["centAmount"], one["value"]["currencyCode"])}
        for one in given.get("prices", ())
    ]
    return variant | ({"sku": given["sku"]} if "sku" in given else {})


def _enum_of(given: Json, definitions: dict[str, Json]) -> Any:
    """Return an attribute's value as it is shown: an enum by its key and label."""
    kind = definitions[given["name"]]["type"]
    if kind["name"] not in ("enum", "lenum"):
        return given["value"]
    return next(one for one in kind["values"] if one["key"] == given["value"])


def _named(reference: Json) -> str:
    return f"key={reference['key']}" if "key" in reference else str(reference["id"])


def _duplicate(field: str, value: str) -> Exception:
    message = f"A duplicate value '{value}' exists for field '{field}'."
    return refuse(400, "DuplicateField", message, field=field, duplicateValue=value)
