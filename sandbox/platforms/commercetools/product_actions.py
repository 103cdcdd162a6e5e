"""Update actions and drafts of products: what they change, and what refuses them.

Source: openapi.yaml, ``ProductUpdateAction``, ``ProductDraft``; what is left open is decided in
``products``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sandbox.platforms.commercetools.documents import new_id
from sandbox.platforms.commercetools.money import cents
from sandbox.platforms.commercetools.replies import invalid_input, invalid_operation, refuse

Json = dict[str, Any]


def apply(master: Json, action: Json, definitions: dict[str, Json]) -> None:
    """Change a product's data by an action."""
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
                for variant in variants_in(data):
                    _set_attribute(variant["attributes"], action)
            case "setProductAttribute":
                _check_attribute(action, definitions, "Product")
                _set_attribute(data["attributes"], action)
            case "addToCategory":
                _category(data["categories"], action["category"], is_in=True)
            case "removeFromCategory":
                _category(data["categories"], action["category"], is_in=False)
            case "addVariant":
                _add_variant(data, master, action, definitions)
            case kind:
                raise invalid_input(f"Request body does not contain valid JSON: action {kind!r}")


def _set(data: Json, name: str, value: Json) -> None:
    data.pop(name, None)
    if value:
        data[name] = value


def _reference(given: Json) -> Json:
    return {"typeId": "category", "id": str(given["id"])}


def _category(known: list[Json], given: Json, *, is_in: bool) -> None:
    """Put a product into a category or take it out; what is so already stays so."""
    reference = _reference(given)
    known[:] = [one for one in known if one["id"] != reference["id"]]
    if is_in:
        known.append(reference)


def _localized(value: Any) -> Json:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise invalid_input("Request body does not contain valid JSON: LocalizedString expected")
    return value


def variants_in(data: Json) -> Iterator[Json]:
    """Yield the variants, the master variant first."""
    yield data["masterVariant"]
    yield from data["variants"]


def _variant(data: Json, action: Json) -> Json:
    name = "variantId" if "variantId" in action else "sku"
    own = "id" if name == "variantId" else "sku"
    for variant in variants_in(data):
        if variant.get(own) == action[name]:
            return variant
    raise invalid_operation(f"The product has no variant with {name} {action[name]!r}.")


def _add_variant(data: Json, master: Json, action: Json, definitions: dict[str, Json]) -> None:
    """Add a variant; its number is one that neither data of the product have."""
    both = [one for name in ("current", "staged") for one in variants_in(master[name])]
    if any("sku" in action and one.get("sku") == action["sku"] for one in variants_in(data)):
        raise duplicate("sku", action["sku"])
    known = [one["id"] for one in both if "sku" in action and one.get("sku") == action["sku"]]
    number = known[0] if known else max(one["id"] for one in both) + 1
    data["variants"].append(_new_variant(action, number, definitions))


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
        "categories": [_reference(one) for one in draft.get("categories", ())],
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


def duplicate(field: str, value: str) -> Exception:
    """Return the refusal of a value that is unique in a project."""
    message = f"A duplicate value '{value}' exists for field '{field}'."
    return refuse(400, "DuplicateField", message, field=field, duplicateValue=value)
