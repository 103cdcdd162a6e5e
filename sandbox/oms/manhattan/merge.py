"""Merges a partial order into the stored one; only the attributes sent change (oms.md 1.5)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

Json = dict[str, Any]

KEYS = {
    "OrderLine": "OrderLineId",
    "OrderChargeDetail": "ChargeDetailId",
    "OrderLineChargeDetail": "ChargeDetailId",
    "OrderTaxDetail": "TaxDetailId",
    "OrderLineTaxDetail": "TaxDetailId",
    "OrderHold": "HoldTypeId",
    "OrderLineHold": "HoldTypeId",
    "OrderNote": "NoteId",
    "Payment": "PaymentId",
    "PaymentMethod": "PaymentMethodId",
    "PaymentTransaction": "PaymentTransactionId",
}
"""Lists whose elements are matched by a key; any other list is replaced as a whole."""

LINE_OWNED = frozenset(
    (
        "MinFulfillmentStatusId",
        "MaxFulfillmentStatusId",
        "FulfillmentStatus",
        "QuantityDetail",
        "FulfillmentDetail",
        "OrderLineCancelHistory",
        "cancellationRequestStatus",
        "IsCancelled",
        "CreatedBy",
    )
)
"""Attributes of a line that only the OMS writes: a caller's values for them are dropped."""


def merge(target: Json, update: Json) -> None:
    """Merge in place; elements without key are matched by position in a Payment, else appended."""
    for name, value in update.items():
        current = target.get(name)
        if name in KEYS and isinstance(value, list) and isinstance(current, list):
            _merge_list(current, value, KEYS[name], by_place=name == "Payment")
        elif isinstance(value, dict) and isinstance(current, dict):
            merge(current, value)
        else:
            target[name] = value


def _merge_list(current: list[Json], update: list[Json], key: str, *, by_place: bool) -> None:
    index = {element.get(key): element for element in current if element.get(key) is not None}
    for place, element in enumerate(update):
        identity = element.get(key)
        known = index.get(identity) if identity is not None else None
        if known is None and identity is None and by_place and place < len(current):
            known = current[place]
        if known is None:
            # An element sent without its id is new each time: resending it doubles the charge,
            # as at the vendor.
            current.append(element)
        else:
            merge(known, element)


def would_change(current: Any, value: Any) -> bool:
    """Return whether merging ``value`` changes anything; 2, "2" and 2.00 are the same number."""
    if isinstance(value, dict) and isinstance(current, dict):
        return any(would_change(current.get(name), part) for name, part in value.items())
    if isinstance(value, list) and isinstance(current, list):
        return _list_would_change(current, value)
    if value == current or value is None or current is None:
        return bool(value != current)
    try:
        return Decimal(str(value)) != Decimal(str(current))
    except InvalidOperation:
        return True


def _list_would_change(current: list[Any], value: list[Any]) -> bool:
    """Compare by the elements' key if they have one, as ``merge`` does, else as a whole."""
    for key in set(KEYS.values()):
        if value and all(isinstance(entry, dict) and key in entry for entry in value):
            known = {entry.get(key): entry for entry in current if isinstance(entry, dict)}
            return any(
                entry[key] not in known or would_change(known[entry[key]], entry) for entry in value
            )
    return bool(value != current)
