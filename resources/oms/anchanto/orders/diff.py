"""Comparing an order at the account with what it should hold. Pure.

Only what the store decides is compared. What the account changes by itself is no difference: text
in another case, with other blanks or punctuation, amounts within a minor unit of the currency,
statuses, and fields of its own. Nothing can be corrected from here: no call for it is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from domain.currencies import minor_unit
from domain.reconciliation import MISSING_AT_SOURCE, MISSING_AT_TARGET, Difference
from domain.skus import sku_key
from resources.oms.anchanto.payload import unreadable

Json: TypeAlias = dict[str, object]
JsonView: TypeAlias = Mapping[str, object]
Path: TypeAlias = tuple[str, ...]

CUSTOMER, ADDRESS = "customer", "address"
PERSONAL = frozenset({CUSTOMER, ADDRESS})
ADDRESS_FIELDS = (
    "first_name", "last_name", "company", "address1", "address2", "city", "zipcode", "country_iso",
    "phone",
)  # fmt: skip
ORDER_FIELDS: dict[Path, str] = {
    ("external_id",): "store_order",
    ("currency_code",): "currency",
    ("carrier", "carrier_code"): "delivery",
    ("totals", "discount"): "discounts",
    ("totals", "shipping"): "charges",
    ("totals", "tax"): "taxes",
    ("customer", "name"): CUSTOMER,
    ("customer", "email"): CUSTOMER,
    **{("shipping_address", name): ADDRESS for name in ADDRESS_FIELDS},
}
ITEM_FIELDS: dict[Path, str] = {
    ("sku",): "sku", ("quantity",): "quantity", ("unit_price",): "unit_price",
}  # fmt: skip
AS_ASKED = frozenset(("external_id", "currency_code", "carrier_code"))
"""Fields that reads may leave out: only another value is a difference."""
NUMBERS = frozenset(("discount", "shipping", "tax", "unit_price", "quantity"))
LEAST_UNITS = Decimal("0.0001")
LONGEST_SHOWN = 80


def order_change(known: JsonView, wanted: JsonView, *, whole: bool) -> Json | None:
    """Return what differs, with the order's number, or ``None``; all of ``wanted`` if ``whole``."""
    if whole:
        return dict(wanted)
    if known == wanted:
        return None
    change: Json = {
        name: wanted.get(name)
        for name in [*wanted, *(known.keys() - wanted.keys())]
        if name != "order_items" and known.get(name) != wanted.get(name)
    }
    before = _items_of(known)
    items: list[Json] = []
    for line_id, item in _items_of(wanted).items():
        old = before.pop(line_id, {})
        if fields := {name: value for name, value in item.items() if old.get(name) != value}:
            items.append({"line_id": line_id, **fields})
    items += [{"line_id": line_id, "quantity": 0} for line_id in before]
    if items:
        change["order_items"] = items
    return {"number": wanted["number"], **change}


def compare_order(actual: object, wanted: JsonView) -> tuple[Json, list[Difference]]:
    """Return what an order holds of ``wanted``, in the form of ``wanted``, and the differences.

    Raises ``RecordRejected`` ``oms_payload_unreadable`` for an order of another shape.
    """
    if not isinstance(actual, Mapping):
        raise unreadable(
            "order", "The order can't be compared with what was sent: it is no object."
        )
    try:
        return _compared(actual, wanted)
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        text = f"The order can't be compared with what was sent ({type(error).__name__})."
        raise unreadable("order", text) from error


def units_of(content: JsonView) -> dict[str, Decimal]:
    """Return by SKU the units of an order in the form that it was sent in."""
    units: dict[str, Decimal] = {}
    for item in _items_of(content).values():
        sku, quantity = str(item.get("sku") or "").strip(), _number(item.get("quantity"))
        if quantity is not None:  # what the account has made of it may be no number
            units[sku] = units.get(sku, Decimal(0)) + quantity
    return units


def _compared(actual: JsonView, wanted: JsonView) -> tuple[Json, list[Difference]]:
    minor = minor_unit(str(wanted.get("currency_code")))
    found: list[Difference] = []
    state = _fields(actual, wanted, ORDER_FIELDS, "", minor, found)
    at_oms, items = _items_of(actual), []
    for line_id, item in _items_of(wanted).items():
        held = at_oms.pop(line_id, None)
        if held is None:
            text = f"{item['quantity']} x {item['sku']}"
            found.append(
                Difference("", text, "no such line", line_id, MISSING_AT_TARGET, can_repair=False)
            )
            continue
        items.append(_fields(held, item, ITEM_FIELDS, line_id, minor, found))
    for line_id, held in at_oms.items():
        text = f"{held.get('quantity')} x {held.get('sku')}"[:LONGEST_SHOWN]
        found.append(
            Difference("", "no such line", text, line_id, MISSING_AT_SOURCE, can_repair=False)
        )
    state["order_items"] = items
    return state, _joined(found)


def _fields(
    actual: JsonView,
    wanted: JsonView,
    fields: Mapping[Path, str],
    line_id: str,
    minor: Decimal,
    found: list[Difference],
) -> Json:
    """Return ``wanted`` with the values that ``actual`` has in its place."""
    state = dict(wanted)
    for path, field in fields.items():
        expected, value = _at(wanted, path), _at(actual, path)
        if expected is None or _is_same(path[-1], value, expected, minor):
            continue
        _set(state, path, value)
        # Of personal values only the field's name is reported.
        shown = (".".join(path), ".".join(path))
        if field not in PERSONAL:
            shown = (_shown(expected), _shown(value))
        found.append(Difference(field, *shown, line_id, can_repair=False))
    return state


def _at(values: object, path: Path) -> object:
    for name in path:
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def _set(state: Json, path: Path, value: object) -> None:
    *outer, last = path
    for name in outer:
        part = state[name]
        copy: Json = dict(part) if isinstance(part, Mapping) else {}
        state[name] = copy
        state = copy
    state[last] = value


def _items_of(order: JsonView) -> dict[str, JsonView]:
    """Return an order's lines by the store's line id, which each was sent with."""
    items = order.get("order_items") or []
    if not isinstance(items, list):
        raise TypeError("order_items is no list")
    found: dict[str, JsonView] = {}
    for place, item in enumerate(items):
        line_id = str(item.get("line_id") or f"#{place}")
        # A line that is there twice ships twice: it is another one, and shown as such.
        found[line_id if line_id not in found else f"{line_id}#{place}"] = item
    return found


def _joined(found: list[Difference]) -> list[Difference]:
    """Return the differences, with one for all personal fields of a kind."""
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
    if name == "sku":
        return sku_key(str(actual or "")) == sku_key(str(wanted))
    found, expected = _text(actual), _text(wanted)
    # The US post adds four digits to a postal code.
    return found == expected or (
        name == "zipcode" and bool(expected) and found.startswith(expected)
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
