"""The change from one form of an order to another: changed attributes only, with their keys.

Manhattan changes only the attributes that a save names, and finds the entries of a list by their
id. It keeps every entry that a save leaves out, so what the store has removed must be sent: a line
as ``IsCancelled`` (a quantity of 0 is not allowed; the OMS sets it to 0 itself), a charge, tax or
payment with amount 0, a note with an empty text, a hold with its resolved status. Payment
transactions have happened at the gateway, and stay.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from resources.oms.manhattan.parsing import number_of, object_of, objects_of
from resources.oms.manhattan.statuses import HOLD_RESOLVED

Json: TypeAlias = dict[str, object]
JsonView: TypeAlias = Mapping[str, object]

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
    known: JsonView, wanted: JsonView, cancel_reason: str, *, whole: bool = False
) -> Json | None:
    """Return the save that turns ``known`` into ``wanted``, or ``None`` if nothing differs.

    ``cancel_reason`` is for removed lines. ``whole`` repeats what has not changed as well: all of
    ``wanted``, and the removals from ``known``.
    """
    if known == wanted and not whole:
        return None
    change = _changed(known, wanted, whole=whole)
    kept = {line["OrderLineId"] for line in objects_of(wanted.get("OrderLine"))}
    removed = [
        line["OrderLineId"]
        for line in objects_of(known.get("OrderLine"))
        if line["OrderLineId"] not in kept
    ]
    if removed:
        cancel = {"IsCancelled": True, "CancelReason": {"ReasonId": cancel_reason}}
        canceled = [{"OrderLineId": line_id, **cancel} for line_id in removed]
        change["OrderLine"] = [*objects_of(change.get("OrderLine")), *canceled]
    return {"OrderId": wanted["OrderId"], **change} if change else None


def _changed(known: JsonView, wanted: JsonView, *, whole: bool) -> Json:
    change: Json = {}
    for name in [*wanted, *(known.keys() - wanted.keys())]:
        before, value = known.get(name), wanted.get(name)
        if value == before and (not whole or name not in wanted):
            continue
        if name in ENTRY_KEYS:
            entries = _changed_entries(name, objects_of(before), objects_of(value), whole=whole)
            if entries:
                change[name] = entries
        elif isinstance(value, dict) and isinstance(before, dict):
            change[name] = _merged(before, value)
        else:
            change[name] = value
    return change


def _merged(before: JsonView, value: JsonView) -> Json:
    """Return all of an object that has no id, with null for what is removed.

    So replacing the old object and merging into it have the same result.
    """
    merged: Json = {**dict.fromkeys(before), **value}
    for name, part in value.items():
        old = before.get(name)
        if isinstance(part, dict) and isinstance(old, dict):
            merged[name] = _merged(old, part)
    return merged


def _changed_entries(
    name: str, known: list[JsonView], wanted: list[JsonView], *, whole: bool
) -> list[Json]:
    key = ENTRY_KEYS[name]
    before = {entry[key]: entry for entry in known}
    changes: list[Json] = []
    for entry in wanted:
        old = before.pop(entry[key], None)
        if old is None:
            changes.append(dict(entry))
        elif change := _changed(old, entry, whole=whole):
            changes.append({key: entry[key], **change})
    for identity, entry in before.items():
        if name == "Payment":
            methods = objects_of(entry.get("PaymentMethod"))
            removals = _changed_entries("PaymentMethod", methods, [], whole=whole)
            changes.append({key: identity, "PaymentMethod": removals})
        elif name in REMOVED:
            changes.append({key: identity, **REMOVED[name]})
    return changes


def applied(known: JsonView, change: JsonView) -> Json:
    """Return what an order holds that held ``known``, after a save of ``change``."""
    result = dict(object_of(_without_nulls(united([known, change]))))
    if "OrderLine" in result:
        lines = objects_of(result["OrderLine"])
        result["OrderLine"] = [line for line in lines if not line.get("IsCancelled")]
    if "OrderHold" in result:
        holds = objects_of(result["OrderHold"])
        active = [hold for hold in holds if hold.get("StatusId") != HOLD_RESOLVED]
        result |= {"OrderHold": active}
        if not active:
            del result["OrderHold"]
    return result


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(part) for name, part in value.items() if part is not None}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value


def united(payloads: Sequence[JsonView]) -> Json:
    """Return a payload with the entries of all; where several have one, the last one's."""
    result: Json = {}
    for payload in payloads:
        for name, value in payload.items():
            if name in ENTRY_KEYS:
                known = objects_of(result.get(name))
                result[name] = _united_entries(name, known, objects_of(value))
            else:
                result[name] = value
    return result


def _united_entries(name: str, first: list[JsonView], second: list[JsonView]) -> list[Json]:
    key = ENTRY_KEYS[name]
    entries: dict[object, Json] = {entry[key]: dict(entry) for entry in first}
    for entry in second:
        before = entries.get(entry[key])
        entries[entry[key]] = dict(entry) if before is None else united([before, entry])
    return list(entries.values())


def _lines_by_id(order: JsonView) -> dict[str, JsonView]:
    return {str(line["OrderLineId"]): line for line in objects_of(order.get("OrderLine"))}


def equal_lines(known: JsonView, wanted: JsonView) -> set[str]:
    """Return the ids of the lines that ``known`` and ``wanted`` have alike."""
    before = _lines_by_id(known)
    lines = _lines_by_id(wanted)
    return {line_id for line_id, line in lines.items() if before.get(line_id) == line}


def lines_without_more(known: JsonView, wanted: JsonView) -> set[str]:
    """Return the ids of ``known``'s lines of which ``wanted`` has no more: no unit, no other item.

    One that the OMS has canceled lacks nothing that the store has added since.
    """
    lines = _lines_by_id(wanted)
    return {
        line_id
        for line_id, line in _lines_by_id(known).items()
        if _adds_nothing(line, lines.get(line_id))
    }


def _adds_nothing(known: JsonView, wanted: JsonView | None) -> bool:
    if wanted is None:
        return True
    before, after = (number_of(line.get("Quantity")) for line in (known, wanted))
    is_same_item = wanted.get("ItemId") == known.get("ItemId")
    return is_same_item and before is not None and after is not None and after <= before


def with_lines_of(known: JsonView, wanted: JsonView, line_ids: Collection[str]) -> Json:
    """Return ``wanted`` with some of its lines as they are in ``known``, or without them."""
    before = _lines_by_id(known)
    lines: list[JsonView] = []
    for line in objects_of(wanted.get("OrderLine")):
        line_id = str(line["OrderLineId"])
        if line_id not in line_ids:
            lines.append(line)
        elif line_id in before:
            lines.append(before[line_id])
    present = {str(line["OrderLineId"]) for line in objects_of(wanted.get("OrderLine"))}
    lines += [
        line for line_id, line in before.items() if line_id in line_ids and line_id not in present
    ]
    return {**wanted, "OrderLine": lines}
