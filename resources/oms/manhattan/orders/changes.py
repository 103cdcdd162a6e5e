"""The change from one form of an order to another: changed attributes only, with their keys.

Manhattan changes only the attributes that a save names, and finds the entries of a list by their
id. It keeps every entry that a save leaves out, so what the store has removed must be sent: a line
as ``IsCancelled`` (a quantity of 0 is not allowed; the OMS sets it to 0 itself), a charge, tax or
payment with amount 0, a note with an empty text, a hold with its resolved status. Payment
transactions have happened at the gateway, and stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from resources.oms.manhattan.statuses import HOLD_RESOLVED

ENTRY_KEYS: dict[str, str] = {
    "OrderLine": "OrderLineId",
    "OrderChargeDetail": "ChargeDetailId",
    "OrderLineChargeDetail": "ChargeDetailId",
    "OrderTaxDetail": "TaxDetailId",
    "OrderLineTaxDetail": "TaxDetailId",
    "OrderHold": "HoldTypeId",
    "OrderNote": "NoteId",
    "Payment": "PaymentId",
    "PaymentMethod": "PaymentMethodId",
    "PaymentTransaction": "PaymentTransactionId",
}
"""Lists whose entries have an id -> the attribute that holds it."""

REMOVED: dict[str, dict[str, object]] = {
    "OrderChargeDetail": {"ChargeTotal": 0},
    "OrderLineChargeDetail": {"ChargeTotal": 0},
    "OrderTaxDetail": {"TaxAmount": 0},
    "OrderLineTaxDetail": {"TaxAmount": 0},
    "OrderHold": {"StatusId": HOLD_RESOLVED},
    "OrderNote": {"NoteText": ""},
    "PaymentMethod": {"Amount": 0},
}
"""Lists -> what to send for an entry that the store has removed."""


def order_change(
    known: Mapping[str, Any], wanted: Mapping[str, Any], cancel_reason: str, *, whole: bool = False
) -> dict[str, object] | None:
    """Return the save that turns ``known`` into ``wanted``, or ``None`` where nothing differs.

    ``cancel_reason`` is for removed lines. ``whole`` repeats what has not changed as well: all of
    ``wanted``, and the removals from ``known``.
    """
    if known == wanted and not whole:
        return None
    change = _changed(known, wanted, whole=whole)
    kept = {line["OrderLineId"] for line in wanted.get("OrderLine") or ()}
    gone = [
        line["OrderLineId"]
        for line in known.get("OrderLine") or ()
        if line["OrderLineId"] not in kept
    ]
    if gone:
        cancel = {"IsCancelled": True, "CancelReason": {"ReasonId": cancel_reason}}
        lines = change.setdefault("OrderLine", [])
        lines += [{"OrderLineId": line_id, **cancel} for line_id in gone]
    return {"OrderId": wanted["OrderId"], **change} if change else None


def _changed(known: Mapping[str, Any], wanted: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    change: dict[str, Any] = {}
    for name, value in wanted.items():
        before = known.get(name)
        if value == before and not whole:
            continue
        if name in ENTRY_KEYS:
            entries = _changed_entries(name, before or [], value or [], whole=whole)
            if entries:
                change[name] = entries
        elif isinstance(value, dict) and isinstance(before, dict):
            change[name] = _whole(before, value)
        else:
            change[name] = value
    for name in known.keys() - wanted.keys():
        if name in ENTRY_KEYS:
            entries = _changed_entries(name, known[name] or [], [], whole=whole)
            if entries:
                change[name] = entries
        elif known[name] is not None:
            change[name] = None
    return change


def _whole(before: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, object]:
    """Return all of an object that has no id, with null for what is removed.

    So replacing the old object and merging into it have the same result.
    """
    nested = {
        name: _whole(before[name], part)
        for name, part in value.items()
        if isinstance(part, dict) and isinstance(before.get(name), dict)
    }
    return {**dict.fromkeys(before), **value, **nested}


def _changed_entries(
    name: str,
    known: Iterable[Mapping[str, Any]],
    wanted: Iterable[Mapping[str, Any]],
    *,
    whole: bool,
) -> list[dict[str, object]]:
    key = ENTRY_KEYS[name]
    before = {entry[key]: entry for entry in known}
    changes: list[dict[str, object]] = []
    for entry in wanted:
        old = before.pop(entry[key], None)
        if old is None:
            changes.append(dict(entry))
        elif change := _changed(old, entry, whole=whole):
            changes.append({key: entry[key], **change})
    for identity, entry in before.items():
        if name == "Payment":
            methods = _changed_entries(
                "PaymentMethod", entry.get("PaymentMethod") or [], [], whole=whole
            )
            changes.append({key: identity, "PaymentMethod": methods})
        elif name in REMOVED:
            changes.append({key: identity, **REMOVED[name]})
    return changes
