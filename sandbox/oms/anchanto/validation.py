"""What the account checks of a new order: required fields, quantities and amounts."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.oms.anchanto.book import ON_CREATION
from sandbox.oms.anchanto.envelope import Refused

Json = dict[str, Any]

REQUIRED = ("address1", "country_iso")
"""Of the shipping address; not all countries' addresses have a city or a postal code."""
AMOUNTS = ("unit_price", "selling_price", "discount", "tax")
CENT = Decimal("0.01")
_LONGEST = 500


def checked(document: Any) -> Json:
    """Return a new order; raises ``Refused`` with the first problem."""
    if not isinstance(document, dict):
        raise Refused("order is required")
    for name in ("number", "store_code", "currency_code"):
        text(document, name)
    if document.get("status", ON_CREATION[-1]) not in ON_CREATION:
        raise Refused(f"status must be one of {', '.join(ON_CREATION)}")
    address = _object(document, "shipping_address")
    for name in REQUIRED:
        text(address, name, f"shipping_address.{name}")
    for name in ("billing_address", "customer", "carrier", "payment"):
        if document.get(name) is not None:
            _object(document, name)
    items = document.get("order_items")
    if not isinstance(items, list) or not items:
        raise Refused("order_items is required")
    for place, item in enumerate(items):
        _check_item(item, f"order_items[{place}]")
    _check_sums(_object(document, "totals"), items)
    return document


def text(document: Json, name: str, where: str = "") -> str:
    """Return a required text; raises ``Refused`` if it is missing, or none."""
    value = document.get(name)
    found = str(value).strip() if isinstance(value, str | int) and value is not True else ""
    if not found:
        raise Refused(f"{where or name} can't be blank")
    if len(found) > _LONGEST:
        raise Refused(f"{where or name} is too long (maximum is {_LONGEST} characters)")
    return found


def _object(document: Json, name: str) -> Json:
    value = document.get(name)
    if not isinstance(value, dict):
        raise Refused(f"{name} is required")
    return value


def _check_item(item: Any, where: str) -> None:
    if not isinstance(item, dict):
        raise Refused(f"{where} is not an object")
    text(item, "sku", f"{where}.sku")
    text(item, "line_id", f"{where}.line_id")
    if _number(item, "quantity", where) <= 0:
        raise Refused(f"{where}.quantity must be greater than 0")
    for name in AMOUNTS:
        _number(item, name, where)


def _check_sums(totals: Json, items: list[Json]) -> None:
    """Check that the subtotal is the sum of the lines."""
    for name in ("discount", "shipping", "tax", "paid"):
        _number(totals, name, "totals")
    goods = sum(
        (_number(item, "unit_price", "") * _number(item, "quantity", "") for item in items),
        Decimal(0),
    )
    stated = _number(totals, "subtotal", "totals")
    if abs(stated - goods) >= CENT:
        raise Refused(f"totals.subtotal is {stated}, and the lines add up to {goods}")


def _number(values: Json, name: str, where: str) -> Decimal:
    value = values.get(name)
    if value is None:
        return Decimal(0)
    try:
        number = Decimal("NaN") if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= Decimal(10) ** 12:
        raise Refused(f"{where}.{name} is not a number")
    return number
