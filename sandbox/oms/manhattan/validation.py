"""What a save is refused for, and what it only gets a warning for (oms.md 1.4 and 1.5)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import pycountry

from sandbox.oms.manhattan.envelope import error, message
from sandbox.oms.manhattan.merge import LINE_OWNED, would_change
from sandbox.oms.manhattan.settings import Settings
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.statuses import RELEASED, units_of

Json = dict[str, Any]

_REQUIRED = ("ItemId", "Quantity", "UOM")
_FREE = frozenset(
    ("OrderLineId", "Extended", "OrderLineNote", "OrderLineHold", "CancelReason", "CancelComments")
)
"""Attributes that can still change once a line is released; its address, prices, charges and all
others are part of what was released."""
_CARD_DIGITS = 12
"""An account number with this many digits is a card's, not its last four or a token."""


@cache
def _iso_currencies() -> frozenset[str]:
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


def check_order(state: State, order: Json, stored: Json | None) -> list[Json]:
    """Check a whole (``stored`` is None) or partial order; return errors and warnings."""
    settings, order_id = state.settings, order["OrderId"]
    keys = {"OrderId": order_id}
    messages: list[Json] = []
    currency = order.get("CurrencyCode")
    if currency is not None and currency not in (settings.currencies or _iso_currencies()):
        messages.append(
            error(
                "INVALID_CURRENCY",
                f"Currency {currency!r} is not configured",
                field="CurrencyCode",
                keys=keys,
            )
        )
    messages += _unconfigured(settings.configuration, order, keys)
    lines = order.get("OrderLine")
    if stored is None and not lines:
        messages.append(
            error(
                "MISSING_ATTRIBUTE",
                "An order needs at least one OrderLine",
                field="OrderLine",
                keys=keys,
            )
        )
    if lines is not None:
        messages += _check_lines(state, order_id, lines, stored)
    if order.get("Payment"):
        messages += _check_payments(order["Payment"], keys)
    return messages


def _unconfigured(
    configuration: Mapping[str, list[str]], part: Any, keys: Json, field: str = ""
) -> list[Json]:
    """Refuse ids of configuration entities that the tenant does not have, wherever they are."""
    if isinstance(part, list):
        return [entry for one in part for entry in _unconfigured(configuration, one, keys, field)]
    if not isinstance(part, dict):
        return []
    found = []
    for name, value in part.items():
        known = configuration.get(name)
        if known is not None and isinstance(value, str) and value not in known:
            text = f"{name} {value!r} is not configured"
            found.append(error("CONFIGURATION_NOT_FOUND", text, field=field + name, keys=keys))
        elif name not in ("Extended", "OrderExtension1"):  # custom attributes are the caller's own
            found += _unconfigured(configuration, value, keys, f"{field}{name}.")
    return found


def _check_lines(state: State, order_id: str, lines: list[Json], stored: Json | None) -> list[Json]:
    known = {line["OrderLineId"]: line for line in stored["OrderLine"]} if stored else {}
    seen: set[str] = set()
    messages: list[Json] = []
    for line in lines:
        line_id = line.get("OrderLineId")
        keys = {"OrderId": order_id, "OrderLineId": line_id}
        if not isinstance(line_id, str) or not line_id:
            messages.append(
                error(
                    "MISSING_ATTRIBUTE",
                    "OrderLineId is missing or not text",
                    field="OrderLineId",
                    keys=keys,
                )
            )
            continue
        if line_id in seen:
            messages.append(
                error(
                    "DUPLICATE_KEY",
                    f"OrderLineId {line_id} occurs twice",
                    field="OrderLineId",
                    keys=keys,
                )
            )
        seen.add(line_id)
        messages += _check_line(state, line, known.get(line_id), keys)
    return messages


def _check_line(state: State, line: Json, stored: Json | None, keys: Json) -> list[Json]:
    messages: list[Json] = []
    for name in _REQUIRED:
        if (stored is None or name in line) and line.get(name) in (None, ""):
            messages.append(error("MISSING_ATTRIBUTE", f"{name} is missing", field=name, keys=keys))
    if stored is not None and max(status for status, _ in units_of(stored)) >= RELEASED:
        changed = [
            name
            for name, value in line.items()
            if name not in _FREE | LINE_OWNED and would_change(stored.get(name), value)
        ]
        if changed:
            text = (
                f"Line {keys['OrderLineId']} is at {stored['MaxFulfillmentStatusId']} "
                f"and can't change {', '.join(changed)}"
            )
            messages.append(error("MODIFICATION_NOT_ALLOWED", text, field=changed[0], keys=keys))
    for name in ("Quantity", "UnitPrice"):
        problem = _number_problem(line, name)
        if problem:
            messages.append(error("INVALID_ATTRIBUTE", problem, field=name, keys=keys))
    messages += _check_item(state, line.get("ItemId"), line.get("UOM"), keys)
    method, methods = line.get("ShippingMethodId"), state.settings.shipping_methods
    if method is not None and methods is not None and method not in methods:
        text = f"Shipping method {method!r} is not configured"
        messages.append(
            message("WARNING", "UNKNOWN_SHIPPING_METHOD", text, field="ShippingMethodId", keys=keys)
        )
    return messages


def _number_problem(line: Json, name: str) -> str | None:
    value = line.get(name)
    if value is None:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite():
        return f"{name} {value!r} is not a number"
    if number < 0 or (name == "Quantity" and number == 0):
        return f"{name} {value!r} is not positive"
    return None


def _check_item(state: State, item_id: Any, uom: Any, keys: Json) -> list[Json]:
    if item_id in (None, "") or not state.settings.check_items:
        return []
    item = state.items.get(item_id) if isinstance(item_id, str) else None
    if item is None:
        return [
            error(
                "ITEM_NOT_FOUND",
                f"Item {item_id!r} does not exist",
                field="ItemId",
                keys={**keys, "ItemId": item_id},
            )
        ]
    if (
        uom
        and state.settings.check_uom != "off"
        and uom != item["UOM"]
        and uom not in item["AlternateUOM"]
    ):
        kind = "WARNING" if state.settings.check_uom == "warning" else "ERROR"
        return [
            message(
                kind,
                "INVALID_UOM",
                f"Item {item_id!r} has no UOM {uom!r}",
                field="UOM",
                keys={**keys, "ItemId": item_id},
            )
        ]
    return []


def _check_payments(payments: list[Json], keys: Json) -> list[Json]:
    messages: list[Json] = []
    for method in (method for payment in payments for method in payment.get("PaymentMethod") or ()):
        number = str(method.get("AccountDisplayNumber") or "")
        if sum(char.isdigit() for char in number) >= _CARD_DIGITS:
            # The number must not be repeated in the answer, which may end up in a log.
            text = "AccountDisplayNumber looks like a card number: send the last four digits only"
            messages.append(
                error("CARD_NUMBER_REFUSED", text, field="AccountDisplayNumber", keys=keys)
            )
    return messages


def payment_problems(settings: Settings, order: Json) -> list[Json]:
    """Find payments of an unconfigured type: an ERROR that does not undo the save."""
    messages: list[Json] = []
    if settings.payment_types is None:
        return messages
    for method in (
        method
        for payment in order.get("Payment") or ()
        for method in payment.get("PaymentMethod") or ()
    ):
        type_id = (method.get("PaymentType") or {}).get("PaymentTypeId")
        if type_id is not None and type_id not in settings.payment_types:
            keys = {"OrderId": order["OrderId"], "PaymentMethodId": method.get("PaymentMethodId")}
            text = f"Payment type {type_id!r} is not configured; the payment was not processed"
            messages.append(error("PAYMENT_TYPE_NOT_FOUND", text, field="PaymentTypeId", keys=keys))
    return messages
