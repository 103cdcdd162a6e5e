"""What an order of the tenant holds of what was sent, and where it differs by more than normalisation. Pure.

Only what the store is the authority for is compared, by the tables below. What a tenant does to an order by itself is no difference:
attributes and notes of its own; text in another case, with other blanks or punctuation; an address that it has verified; amounts within a
cent of rounding; quantities and money that it brings to 0 on cancelling; entries that were taken away by bringing them to 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from domain.reconciliation import MISSING_AT_SOURCE, MISSING_AT_TARGET, Difference
from resources.oms.manhattan.orders.changes import ENTRY_KEYS, REMOVED
from resources.oms.manhattan.payload import unreadable

Json = dict[str, Any]

CUSTOMER, ADDRESS, CHARGES, TAXES, DELIVERY = "customer", "address", "charges", "taxes", "delivery"
ORDER_FIELDS: dict[str, str] = {
    "AlternateOrderId": "store_order", "CurrencyCode": "currency", "CustomerId": CUSTOMER,
    "CustomerFirstName": CUSTOMER, "CustomerLastName": CUSTOMER, "CustomerEmail": CUSTOMER,
    "CustomerPhone": CUSTOMER, "SellingChannel": "channel",
}  # fmt: skip
LINE_FIELDS: dict[str, str] = {
    "ItemId": "sku", "Quantity": "quantity", "UOM": "uom", "UnitPrice": "unit_price",
    "DeliveryMethod": DELIVERY, "ShippingMethodId": DELIVERY, "ShipToLocationId": DELIVERY,
}  # fmt: skip
ENTRIES: dict[str, tuple[str, str]] = {
    "OrderHold": ("hold", "StatusId"),
    "OrderChargeDetail": (CHARGES, "ChargeTotal"),
    "OrderTaxDetail": (TAXES, "TaxAmount"),
    "OrderLineChargeDetail": (CHARGES, "ChargeTotal"),
    "OrderLineTaxDetail": (TAXES, "TaxAmount"),
    "PaymentMethod": ("payment", "Amount"),
}
"""Lists -> the field's name, and the one attribute of an entry that is compared."""
MONEY = frozenset(
    {"OrderChargeDetail", "OrderTaxDetail", "OrderLineChargeDetail", "OrderLineTaxDetail"}
)
PERSONAL = frozenset({CUSTOMER, ADDRESS})
VERIFIED = frozenset({"Address1", "Address2", "Address3", "City", "County"})
"""Parts of an address that a tenant rewrites when it verifies one."""
CENT = Decimal("0.01")
SHOWN = 80


def held_content(payload: bytes, wanted: Mapping[str, Any]) -> tuple[Json, list[Difference]]:
    """Return what an order holds of ``wanted`` in the form of ``wanted``, and its differences.

    Raises ``RecordRejected`` ``oms_payload_unreadable`` for an order of another shape.
    """
    try:
        return _compared(orjson.loads(payload), wanted)
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise unreadable(
            "Order", f"The order can't be compared with what was sent ({type(error).__name__})."
        ) from error


def _compared(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[Json, list[Difference]]:
    found: list[Difference] = []
    content = dict(wanted)
    _attributes(held, wanted, content, ORDER_FIELDS, "", found)
    cancelled = held.get("IsCancelled") is True
    for name in ("OrderHold", "OrderChargeDetail", "OrderTaxDetail"):
        if name not in MONEY or not cancelled:
            _entries(name, held, wanted, content, "", found)
    if wanted.get("Payment"):
        before: Json = next(iter(held.get("Payment") or ()), {})
        payment = dict(wanted["Payment"][0])
        _entries("PaymentMethod", before, wanted["Payment"][0], payment, "", found)
        content["Payment"] = [payment]
    content["OrderLine"] = list(_lines(held, wanted, found))
    return content, _told(found)


def _lines(
    held: Mapping[str, Any], wanted: Mapping[str, Any], found: list[Difference]
) -> Iterator[Json]:
    at_oms = {str(line.get("OrderLineId")): line for line in held.get("OrderLine") or ()}
    for line in wanted["OrderLine"]:
        line_id = line["OrderLineId"]
        before = at_oms.pop(line_id, None)
        if before is None:
            found.append(
                Difference(
                    "",
                    f"{line['Quantity']} x {line['ItemId']}",
                    "no such line",
                    line_id,
                    MISSING_AT_TARGET,
                )
            )
        else:
            yield _line(line_id, before, line, found)
    for line_id, line in at_oms.items():
        units = _number(line.get("Quantity")) or Decimal(0)
        if (
            units > 0
            and not line.get("IsCancelled")
            and not line.get("IsReturn")
            and not line.get("ParentOrderId")
        ):
            text = f"{units.normalize():f} x {line.get('ItemId')}"
            found.append(
                Difference(
                    "", "no such line", text[:SHOWN], line_id, MISSING_AT_SOURCE, can_repair=False
                )
            )


def _line(
    line_id: str, held: Mapping[str, Any], wanted: Mapping[str, Any], found: list[Difference]
) -> Json:
    content = dict(wanted)
    history = held.get("OrderLineCancelHistory") or ()
    cancelled = sum(
        (_number(entry.get("CancelQuantity")) or Decimal(0) for entry in history), Decimal(0)
    )
    ordered = {**held, "Quantity": (_number(held.get("Quantity")) or Decimal(0)) + cancelled}
    _attributes(ordered, wanted, content, LINE_FIELDS, line_id, found)
    if not cancelled and not held.get("IsCancelled"):
        _entries("OrderLineChargeDetail", held, wanted, content, line_id, found)
        _entries("OrderLineTaxDetail", held, wanted, content, line_id, found)
    if address := (wanted.get("ShipToAddress") or {}).get("Address"):
        place = held.get("ShipToAddress") or {}
        left_out = VERIFIED if place.get("IsAddressVerified") is True else frozenset()
        fields = {name: ADDRESS for name in address if name not in left_out}
        now = dict(address)
        _attributes(place.get("Address") or {}, address, now, fields, "", found)
        content["ShipToAddress"] = {**wanted["ShipToAddress"], "Address": now}
    return content


def _attributes(
    held: Mapping[str, Any],
    wanted: Mapping[str, Any],
    content: Json,
    fields: Mapping[str, str],
    line_id: str,
    found: list[Difference],
) -> None:
    for name, field in fields.items():
        if name not in wanted or _same(name, held.get(name), wanted[name]):
            continue
        content[name] = _plain(held.get(name))
        values = (
            (name, name) if field in PERSONAL else (_shown(wanted[name]), _shown(held.get(name)))
        )
        found.append(Difference(field, *values, line_id))


def _entries(
    name: str,
    held: Mapping[str, Any],
    wanted: Mapping[str, Any],
    content: Json,
    line_id: str,
    found: list[Difference],
) -> None:
    field, attribute = ENTRIES[name]
    key = ENTRY_KEYS[name]
    before = {
        str(entry.get(key)): entry for entry in held.get(name) or () if entry.get(key) is not None
    }
    now = []
    for entry in wanted.get(name) or ():
        stands = before.pop(str(entry[key]), None)
        if stands is not None and _same(attribute, stands.get(attribute), entry.get(attribute)):
            now.append(entry)
            continue
        shown = "none" if stands is None else _shown(stands.get(attribute))
        found.append(Difference(field, _shown(entry.get(attribute)), shown, line_id))
        if stands is not None:
            now.append({**entry, attribute: _plain(stands.get(attribute))})
    if wanted.get(name):
        content[name] = now
    for entry in before.values() if name in MONEY else ():
        gone = next(iter(REMOVED[name].values()))
        if not entry.get("IsInformational") and not _same(
            attribute, entry.get(attribute) or 0, gone
        ):
            found.append(
                Difference(
                    f"{field}_added",
                    "none",
                    _shown(entry.get(attribute)),
                    line_id,
                    can_repair=False,
                )
            )


def _told(found: list[Difference]) -> list[Difference]:
    """Join what is of one field: of personal values only the names of the attributes are told."""
    joined: dict[tuple[str, str, str], list[Difference]] = {}
    for one in found:
        joined.setdefault((one.kind, one.line_id, one.field), []).append(one)
    told = []
    for parts in joined.values():
        first = parts[0]
        if first.field in PERSONAL:
            names = sorted({part.found for part in parts})
            told.append(
                Difference(first.field, "as in the store", f"differs in {', '.join(names)}")
            )
        else:
            expected, seen = (
                "; ".join(part.expected for part in parts),
                "; ".join(part.found for part in parts),
            )
            told.append(
                Difference(
                    first.field,
                    expected[:SHOWN],
                    seen[:SHOWN],
                    first.line_id,
                    first.kind,
                    first.can_repair,
                )
            )
    return told


def _same(name: str, held: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        inner = (
            held if isinstance(held, dict) else dict.fromkeys(wanted, held)
        )  # one tenant's object is another's plain text
        return all(_same(key, inner.get(key), value) for key, value in wanted.items())
    left, right = _number(held), _number(wanted)
    if left is not None and right is not None:
        return abs(left - right) < (CENT if name != "Quantity" else Decimal("0.0001"))
    before, after = _text(held), _text(wanted)
    return before == after or (
        name == "PostalCode" and bool(after) and before.startswith(after)
    )  # with the four digits that US post adds


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _text(value: Any) -> str:
    return "".join(
        char for char in str(value if value is not None else "").casefold() if char.isalnum()
    )


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        value = next(iter(value.values()), None)
    if isinstance(value, Decimal):
        value = f"{value.normalize():f}"
    return "none" if value is None else str(value)[:SHOWN]
