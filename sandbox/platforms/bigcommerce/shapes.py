"""The shapes that request bodies must have: where objects, lists of objects and scalars belong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

OBJECTS = frozenset({"billing_address"})
ROWS = frozenset(
    {
        "products",
        "shipping_addresses",
        "fees",
        "applied_discounts",
        "product_options",
        "configurable_fields",
        "form_fields",
    }
)
"""Lists of objects."""
ODD = (ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError)
"""What reading a value of another type than expected raises."""


def check_shapes(body: Json, path: str = "") -> None:
    """Raise ValueError for the first field that has the wrong shape."""
    for name, value in body.items():
        field = f"{path}{name}"
        if name in ROWS:
            if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
                raise ValueError(f"The field '{field}' is invalid: it must be a list of objects.")
            for row in value:
                check_shapes(row, f"{field}.")
        elif name in OBJECTS:
            if not isinstance(value, dict):
                raise ValueError(f"The field '{field}' is invalid: it must be an object.")
            check_shapes(value, f"{field}.")
        elif isinstance(value, dict | list):
            raise ValueError(f"The field '{field}' is invalid: it must not be a list or object.")


def misfit(body: Json, types: Mapping[str, tuple[type, ...]]) -> str:
    """Return the name of the first field that has none of its types; an empty text if all fit."""
    for name, value in body.items():
        wanted = types.get(name)
        if wanted is not None and (
            not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)
        ):
            return name
    return ""
