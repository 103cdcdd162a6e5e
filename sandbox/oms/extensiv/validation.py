"""What the account checks of a new order: required fields, quantities, and its money rules.

``extended_amount`` is (``price`` - ``discount``) x ``quantity``; ``sub_total`` their sum;
``grand_total`` is ``sub_total`` + ``sales_tax`` + ``shipping_handling`` - ``order_discount``
(oms.md 2.4).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.oms.extensiv.envelope import INVALID, Refused

Json = dict[str, Any]

REQUIRED = ("ship_address_1", "ship_city", "ship_state", "ship_zip", "ship_country")
NAMES = ("ship_company", "ship_first_name", "ship_last_name")
CENT = Decimal("0.01")
MONEY = frozenset(
    (
        *("price", "discount", "addl_discount", "extended_amount", "tax", "shipping_surcharge"),
        *("sub_total", "order_discount", "shipping_handling", "sales_tax", "grand_total"),
        *("balance", "pre_auth_amt"),
    )
)
_FORBIDDEN = ("credit_card_no", "cvv")
_LONGEST = 255


def checked(document: Any, *, check_money: bool) -> Json:
    """Return a new order; raises ``Refused`` with the first problem."""
    if not isinstance(document, dict):
        raise Refused(INVALID, "The order is not an object")
    text(document, "cust_ref", needed=True)
    for name in REQUIRED:
        text(document, name, needed=True)
    if not any(text(document, name) for name in NAMES):
        raise Refused(INVALID, "A ship_company or a ship name is required")
    for name, value in document.items():
        if name in _FORBIDDEN:
            raise Refused(INVALID, f"{name} is not accepted")
        _check_scalar(document, name, value, name)
    items = document.get("items")
    if not isinstance(items, list) or not items:
        raise Refused(INVALID, "items is required")
    for place, item in enumerate(items):
        _check_item(item, place)
    if check_money:
        _check_money(document)
    return document


def text(document: Json, name: str, *, needed: bool = False) -> str:
    """Return a field as text; raises ``Refused`` if it is missing or no text."""
    value = document.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
        raise Refused(INVALID, f"{name} must be text")
    found = "" if value is None else str(value).strip()
    if needed and not found:
        raise Refused(INVALID, f"{name} is required")
    if len(found) > _LONGEST:
        raise Refused(INVALID, f"{name} is longer than {_LONGEST} characters")
    return found


def _check_item(item: Any, place: int) -> None:
    if not isinstance(item, dict):
        raise Refused(INVALID, f"items[{place}] is not an object")
    text(item, "item", needed=True)
    if _number(item, "quantity", f"items[{place}].quantity", needed=True) <= 0:
        raise Refused(INVALID, f"items[{place}].quantity must be above 0")
    for name, value in item.items():
        _check_scalar(item, name, value, f"items[{place}].{name}")


def _check_scalar(values: Json, name: str, value: Any, where: str) -> None:
    if name not in ("items", "extra_fields") and isinstance(value, dict | list):
        raise Refused(INVALID, f"{where} must be text or a number")
    if name in MONEY:
        _number(values, name, where)


def _check_money(document: Json) -> None:
    total = extra = taxes = Decimal(0)
    has_tax = False
    for place, item in enumerate(document["items"]):
        where = f"items[{place}]"
        price, discount = (_number(item, n, f"{where}.{n}") for n in ("price", "discount"))
        amount = (price - discount) * _number(item, "quantity", f"{where}.quantity")
        if item.get("extended_amount") is not None:
            _compare(_number(item, "extended_amount", where), amount, f"{where}.extended_amount")
        total += amount
        extra += _number(item, "addl_discount", f"{where}.addl_discount")
        if item.get("tax") is not None:
            has_tax, taxes = True, taxes + _number(item, "tax", f"{where}.tax")
    parts = {
        name: _number(document, name, name)
        for name in ("sales_tax", "shipping_handling", "order_discount")
    }
    if has_tax:
        _compare(parts["sales_tax"], taxes, "sales_tax")
    if parts["order_discount"] < extra - CENT:
        raise Refused(INVALID, "order_discount must include the sum of addl_discount")
    if document.get("sub_total") is not None:
        _compare(_number(document, "sub_total", "sub_total"), total, "sub_total")
    if document.get("grand_total") is not None:
        wanted = total + parts["sales_tax"] + parts["shipping_handling"] - parts["order_discount"]
        _compare(_number(document, "grand_total", "grand_total"), wanted, "grand_total")


def _compare(stated: Decimal, computed: Decimal, name: str) -> None:
    if abs(stated - computed) >= CENT:
        raise Refused(INVALID, f"{name} is {stated}, and its parts add up to {computed}")


def _number(values: Json, name: str, where: str, *, needed: bool = False) -> Decimal:
    value = values.get(name)
    if value is None or value == "":
        if needed:
            raise Refused(INVALID, f"{where} is required")
        return Decimal(0)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Refused(INVALID, f"{where} must be a number")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise Refused(INVALID, f"{where} must be a number") from None
    if not number.is_finite() or abs(number) >= Decimal(10) ** 12:
        raise Refused(INVALID, f"{where} must be a number")
    return number
