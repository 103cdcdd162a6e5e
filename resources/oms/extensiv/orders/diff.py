"""Comparing an order at the account with what it should hold. Pure.

Only what the store decides is compared. What the account changes by itself is no difference: text
in another case, with other blanks or punctuation, amounts within a minor unit of the currency, and
fields of its own. Nothing can be corrected from here, since the account takes no changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

import orjson

from domain.currencies import minor_unit
from domain.reconciliation import MISSING_AT_SOURCE, MISSING_AT_TARGET, Difference
from domain.skus import sku_key
from resources.oms.extensiv.payload import unreadable

Json: TypeAlias = dict[str, object]
JsonView: TypeAlias = Mapping[str, object]

CUSTOMER, ADDRESS = "customer", "address"
PERSONAL = frozenset({CUSTOMER, ADDRESS})
ORDER_FIELDS: dict[str, str] = {
    "cust_po_no": "number", "custom_field_1": "store_order", "custom_field_2": "store_order",
    "custom_field_3": "store_order", "custom_field_4": "store_order",
    "custom_field_5": "store_order", "currency_code": "currency", "ship_code": "delivery",
    "order_discount": "discounts", "shipping_handling": "charges", "sales_tax": "taxes",
    "tax": "taxes", "grand_total": "total",
}  # fmt: skip
ITEM_FIELDS: dict[str, str] = {"item": "sku", "quantity": "quantity", "price": "unit_price"}
AS_ASKED = frozenset(
    (*(f"custom_field_{n}" for n in range(1, 6)), "cust_po_no", "currency_code", "ship_code")
)
"""Fields that reads may leave out: only another value is a difference."""
NUMBERS = frozenset(
    ("order_discount", "shipping_handling", "sales_tax", "tax", "grand_total", "price", "quantity")
)
LEAST_UNITS = Decimal("0.0001")
LONGEST_SHOWN = 80


def order_change(known: JsonView, wanted: JsonView, *, whole: bool) -> Json | None:
    """Return what differs, with the order's id, or ``None``; all of ``wanted`` if ``whole``."""
    if whole:
        return dict(wanted)
    if known == wanted:
        return None
    change: Json = {
        name: wanted.get(name)
        for name in [*wanted, *(known.keys() - wanted.keys())]
        if name != "items" and known.get(name) != wanted.get(name)
    }
    before = _items_of(known)
    items: list[Json] = []
    for line_id, item in _items_of(wanted).items():
        old = before.pop(line_id, {})
        if fields := {name: value for name, value in item.items() if old.get(name) != value}:
            items.append({"line_item_id": line_id, **fields})
    items += [{"line_item_id": line_id, "quantity": 0} for line_id in before]
    if items:
        change["items"] = items
    return {"cust_ref": wanted["cust_ref"], **change}


def compare_order(payload: bytes, wanted: JsonView) -> tuple[Json, list[Difference]]:
    """Return what an order holds of ``wanted``, in the form of ``wanted``, and the differences.

    Raises ``RecordRejected`` ``oms_payload_unreadable`` for an order of another shape.
    """
    try:
        actual = orjson.loads(payload)
        return _compared(actual, wanted)
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        text = f"The order can't be compared with what was sent ({type(error).__name__})."
        raise unreadable("order", text) from error


def units_of(content: JsonView) -> dict[str, Decimal]:
    """Return by SKU the units of an order in the form that it was sent in."""
    units: dict[str, Decimal] = {}
    for item in _items_of(content).values():
        sku, quantity = str(item.get("item") or "").strip(), _number(item.get("quantity"))
        if quantity is not None:  # what the account has made of it may be no number
            units[sku] = units.get(sku, Decimal(0)) + quantity
    return units


def _compared(actual: JsonView, wanted: JsonView) -> tuple[Json, list[Difference]]:
    minor = minor_unit(str(wanted.get("currency_code")))
    found: list[Difference] = []
    state = dict(wanted)
    fields = {**{name: _place_of(name) for name in wanted if _place_of(name)}, **ORDER_FIELDS}
    _fields(actual, wanted, state, fields, "", minor, found)
    at_oms, items = _items_of(actual), []
    for line_id, item in _items_of(wanted).items():
        held = at_oms.pop(line_id, None)
        if held is None:
            text = f"{item['quantity']} x {item['item']}"
            found.append(
                Difference("", text, "no such line", line_id, MISSING_AT_TARGET, can_repair=False)
            )
            continue
        item_state = dict(item)
        _fields(held, item, item_state, ITEM_FIELDS, line_id, minor, found)
        items.append(item_state)
    for line_id, held in at_oms.items():
        text = f"{held.get('quantity')} x {held.get('item')}"[:LONGEST_SHOWN]
        found.append(
            Difference("", "no such line", text, line_id, MISSING_AT_SOURCE, can_repair=False)
        )
    state["items"] = items
    return state, _joined(found)


def _fields(
    actual: JsonView,
    wanted: JsonView,
    state: Json,
    fields: Mapping[str, str],
    line_id: str,
    minor: Decimal,
    found: list[Difference],
) -> None:
    for name, field in fields.items():
        if name not in wanted or _is_same(name, actual.get(name), wanted[name], minor):
            continue
        state[name] = actual.get(name)
        # Of personal values only the field's name is reported.
        shown = (name, name)
        if field not in PERSONAL:
            shown = (_shown(wanted[name]), _shown(actual.get(name)))
        found.append(Difference(field, *shown, line_id, can_repair=False))


def _place_of(name: str) -> str:
    if name.startswith("ship_") and name not in ORDER_FIELDS:
        return "" if name == "ship_state" else ADDRESS
    return CUSTOMER if name in ("cust_first_name", "cust_last_name", "cust_e_mail") else ""


def _items_of(order: JsonView) -> dict[str, JsonView]:
    """Return an order's lines by the store's line id, which each was sent with."""
    items = order.get("items") or []
    if not isinstance(items, list):
        raise TypeError("not a list")
    found: dict[str, JsonView] = {}
    for place, item in enumerate(items):
        line_id = str(item.get("line_item_id") or f"#{place}")
        # A line that is there twice ships twice: it is another one, and shown as such.
        found[line_id if line_id not in found else f"{line_id}#{place}"] = item
    return found


def _joined(found: list[Difference]) -> list[Difference]:
    """Join the personal differences: only the fields are named."""
    result = [one for one in found if one.field not in PERSONAL]
    for field in (CUSTOMER, ADDRESS):
        if names := sorted({one.found for one in found if one.field == field}):
            text = f"differs in {', '.join(names)}"
            result.append(Difference(field, "as in the store", text, can_repair=False))
    return result


def _is_same(name: str, actual: object, wanted: object, minor: Decimal) -> bool:
    if actual is None and name in AS_ASKED:
        return True
    if name in NUMBERS:
        left, right = _number(actual), _number(wanted)
        if left is None or right is None:  # what is no number is none of ours
            return left is right and actual == wanted
        return abs(left - right) < (LEAST_UNITS if name == "quantity" else minor)
    if name == "item":
        return sku_key(str(actual or "")) == sku_key(str(wanted))
    found, expected = _text(actual), _text(wanted)
    # The US post adds four digits to a postal code.
    return found == expected or (
        name == "ship_zip" and bool(expected) and found.startswith(expected)
    )


def _number(value: object) -> Decimal | None:
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _text(value: object) -> str:
    text = "" if value is None else str(value)
    return "".join(char for char in text.casefold() if char.isalnum())


def _shown(value: object) -> str:
    return "none" if value is None else str(value)[:LONGEST_SHOWN]
