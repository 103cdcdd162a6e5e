"""What an operator reads of an order that can't be changed at the OMS."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from assets.streams.orders.refusals import not_changeable


def units(content: Mapping[str, object]) -> dict[str, Decimal]:
    """Return an order's units by SKU."""
    lines: Any = content["units"]
    return {sku: Decimal(quantity) for sku, quantity in lines.items()}


def test_units_that_differ_are_stated_by_sku_and_many_are_counted() -> None:
    """Fewer, none, and new ones; a text that differs says nothing about units."""
    held = {"units": {"A": "3", "B": "1", "C": "2"}}
    fewer = held | {"units": {"A": "1.50", "C": "2", "D": "4"}}
    message = not_changeable(fewer, held, fewer, units).message
    assert message.endswith("Units: A 1.50 instead of 3, B 0 instead of 1, D 4 instead of 0.")
    many: dict[str, Any] = {"units": {f"S{n}": "1" for n in range(8)}}
    message = not_changeable(many, {"units": {}}, many, units).message
    assert message.endswith("S4 1 instead of 0, and 3 more SKUs.")
    noted = held | {"note": "x"}
    assert not_changeable({"note": "x"}, held, noted, units).message.endswith("differs in note.")
