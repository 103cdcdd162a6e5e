"""Attributes that hold a listing's texts: the warranty and the brand. Pure.

A product's type says whether it has them, and which values an enum allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.errors import Problem
from resources.platforms.commercetools.listings.payload import (
    AttributeDefinition,
    AttributeType,
    ProductType,
)
from resources.platforms.commercetools.settings import BRAND_ATTRIBUTE, WARRANTY_ATTRIBUTE

ATTRIBUTES = (WARRANTY_ATTRIBUTE, BRAND_ATTRIBUTE)
"""Named as the canonical fields are."""
TEXT, LOCALIZED, ENUMS = "text", "ltext", ("enum", "lenum")


def definition_of(kind: ProductType, name: str) -> AttributeDefinition | None:
    """Return the definition of an attribute, if a product's type has it."""
    named = (one for one in kind.attributes or () if one is not None and one.name == name)
    return next(named, None)


def enum_key(kind: AttributeType, text: str) -> str | None:
    """Return the key of an enum's value with a key or a label; ``None`` if there is none."""
    for one in kind.values or ():
        if one is not None and text.casefold() in _labels(one.key, one.label):
            return one.key
    return None


def plain(value: Any) -> Any:
    """Return a value as it is written: of an enum its key."""
    return value["key"] if isinstance(value, dict) and value.keys() == {"key", "label"} else value


def unsuitable(name: str, text: str, definition: AttributeDefinition | None) -> Problem | None:
    """Return why an attribute can't hold a text; ``None`` if it can."""
    kind = (definition.type if definition is not None else None) or AttributeType()
    if kind.name in (TEXT, LOCALIZED):
        return None
    if kind.name in ENUMS and (not text or enum_key(kind, text) is not None):
        return None
    if kind.name in ENUMS and name == BRAND_ATTRIBUTE:
        return unknown_brand(text)
    reason = f"is of the kind {kind.name}" if kind.name else "does not exist"
    return Problem(
        "listing_field_not_taken",
        name,
        f"the attribute {name} of the product's type {reason}, so it can't hold text",
        f"add an attribute {name} (text) to the type, or leave the {name} out",
    )


def unknown_brand(brand: str) -> Problem:
    """Return the problem of a brand that the product's type does not list."""
    return Problem(
        "listing_brand_unknown",
        "brand",
        f"the attribute {BRAND_ATTRIBUTE} of the product's type does not allow {brand}",
        "use one of the values that the type lists, or add it there; then retry",
        brand,
    )


def _labels(key: str | None, label: object) -> set[str]:
    """Return the key and the labels of an enum's value."""
    labels = label.values() if isinstance(label, Mapping) else [label]
    return {text.casefold() for text in (key, *labels) if isinstance(text, str)}
