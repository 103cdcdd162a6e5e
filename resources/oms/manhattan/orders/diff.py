"""Comparing an order at the tenant with what it should hold. Pure.

Only what the store decides is compared, by the tables below. What a tenant changes itself is no
difference: its own attributes and notes; text in another case, with other spacing or punctuation;
an address that it has verified; amounts within a minor unit of the currency; quantities and money
that it sets to 0 on canceling; entries that were removed by setting them to 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import orjson

from domain.currencies import minor_unit
from domain.reconciliation import MISSING_AT_SOURCE, MISSING_AT_TARGET, Difference
from resources.oms.manhattan.orders.changes import ENTRY_KEYS, REMOVED, Json, JsonView
from resources.oms.manhattan.parsing import number_of, object_of, objects_of, unreadable

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
LEAST_UNITS = Decimal("0.0001")
LONGEST_SHOWN = 80


def compare_order(payload: bytes, wanted: JsonView) -> tuple[Json, list[Difference]]:
    """Return what an order holds of ``wanted``, in the form of ``wanted``, and the differences.

    Raises ``RecordRejected`` ``oms_payload_unreadable`` for an order of another shape.
    """
    comparison = _Comparison(minor_unit(str(wanted.get("CurrencyCode"))))
    try:
        state = comparison.order(orjson.loads(payload), wanted)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        text = f"The order can't be compared with what was sent ({type(error).__name__})."
        raise unreadable("Order", text) from error
    return state, _joined(comparison.found)


class _Comparison:
    """The comparison of one order; the methods return its state and collect the differences."""

    def __init__(self, minor: Decimal) -> None:
        self.found: list[Difference] = []
        self._minor = minor

    def order(self, actual: object, wanted: JsonView) -> Json:
        if not isinstance(actual, dict):
            raise TypeError("not an object")
        state = dict(wanted)
        self._attributes(actual, wanted, state, ORDER_FIELDS)
        is_canceled = actual.get("IsCancelled") is True
        for name in ("OrderHold", "OrderChargeDetail", "OrderTaxDetail"):
            if name not in MONEY or not is_canceled:
                self._entries(name, actual, wanted, state)
        if payments := objects_of(wanted.get("Payment")):
            payment = dict(payments[0])
            at_oms: JsonView = next(iter(objects_of(actual.get("Payment"))), {})
            self._entries("PaymentMethod", at_oms, payments[0], payment)
            state["Payment"] = [payment]
        state["OrderLine"] = self._lines(actual, wanted)
        return state

    def _lines(self, actual: JsonView, wanted: JsonView) -> list[Json]:
        at_oms = {
            str(line.get("OrderLineId")): line for line in objects_of(actual.get("OrderLine"))
        }
        lines = []
        for line in objects_of(wanted["OrderLine"]):
            line_id = str(line["OrderLineId"])
            found = at_oms.pop(line_id, None)
            if found is None:
                text = f"{line['Quantity']} x {line['ItemId']}"
                self.found.append(Difference("", text, "no such line", line_id, MISSING_AT_TARGET))
            else:
                lines.append(self._line(line_id, found, line))
        for line_id, line in at_oms.items():
            units = number_of(line.get("Quantity")) or Decimal(0)
            if units > 0 and not any(map(line.get, ("IsCancelled", "IsReturn", "ParentOrderId"))):
                text = f"{units.normalize():f} x {line.get('ItemId')}"[:LONGEST_SHOWN]
                self.found.append(
                    Difference(
                        "", "no such line", text, line_id, MISSING_AT_SOURCE, can_repair=False
                    )
                )
        return lines

    def _line(self, line_id: str, actual: JsonView, wanted: JsonView) -> Json:
        state = dict(wanted)
        canceled = sum(
            (
                number_of(entry.get("CancelQuantity")) or Decimal(0)
                for entry in objects_of(actual.get("OrderLineCancelHistory"))
            ),
            Decimal(0),
        )
        ordered, units = actual, number_of(actual.get("Quantity")) or Decimal(0)
        # What the store has taken off itself is among the canceled units, too.
        if units != number_of(wanted.get("Quantity")):
            ordered = {**actual, "Quantity": units + canceled}
        if actual.get("IsCancelled") is True:
            return self._canceled_line(ordered, wanted, state, line_id)
        self._attributes(ordered, wanted, state, LINE_FIELDS, line_id)
        if not canceled:
            self._entries("OrderLineChargeDetail", actual, wanted, state, line_id)
            self._entries("OrderLineTaxDetail", actual, wanted, state, line_id)
        place = object_of(wanted.get("ShipToAddress"))
        if address := object_of(place.get("Address")):
            address_state = self._address(object_of(actual.get("ShipToAddress")), address)
            state["ShipToAddress"] = {**place, "Address": address_state}
        return state

    def _canceled_line(
        self, ordered: JsonView, wanted: JsonView, state: Json, line_id: str
    ) -> Json:
        """Compare a line that is canceled as a whole: nothing of it can change any more.

        It lacks what the store wants more of, and nothing else.
        """
        fields = {"ItemId": LINE_FIELDS["ItemId"]}
        more, units = number_of(wanted.get("Quantity")), number_of(ordered.get("Quantity"))
        if more is None or units is None or more > units:
            fields["Quantity"] = LINE_FIELDS["Quantity"]
        self._attributes(ordered, wanted, state, fields, line_id)
        return state

    def _address(self, actual: JsonView, wanted: JsonView) -> Json:
        ignored = VERIFIED if actual.get("IsAddressVerified") is True else frozenset()
        fields = {name: ADDRESS for name in wanted if name not in ignored}
        state = dict(wanted)
        self._attributes(object_of(actual.get("Address")), wanted, state, fields)
        return state

    def _attributes(
        self,
        actual: JsonView,
        wanted: JsonView,
        state: Json,
        fields: Mapping[str, str],
        line_id: str = "",
    ) -> None:
        for name, field in fields.items():
            if name not in wanted:
                continue
            expected, found = wanted[name], actual.get(name)
            if _is_same(name, found, expected, self._minor):
                continue
            state[name] = _plain(found)
            # Of personal values only the attribute's name is reported.
            shown = (name, name) if field in PERSONAL else (_shown(expected), _shown(found))
            self.found.append(Difference(field, *shown, line_id))

    def _entries(
        self, name: str, actual: JsonView, wanted: JsonView, state: Json, line_id: str = ""
    ) -> None:
        field, attribute = ENTRIES[name]
        key = ENTRY_KEYS[name]
        at_oms = {
            str(entry[key]): entry
            for entry in objects_of(actual.get(name))
            if entry.get(key) is not None
        }
        entries = []
        for entry in objects_of(wanted.get(name)):
            found = at_oms.pop(str(entry[key]), None)
            expected = entry.get(attribute)
            if found is None:
                self.found.append(Difference(field, _shown(expected), "none", line_id))
                continue
            value = found.get(attribute)
            if _is_same(attribute, value, expected, self._minor):
                entries.append(entry)
                continue
            self.found.append(Difference(field, _shown(expected), _shown(value), line_id))
            entries.append({**entry, attribute: _plain(value)})
        if wanted.get(name):
            state[name] = entries
        if name in MONEY:
            self._added(name, at_oms.values(), line_id)

    def _added(self, name: str, entries: Iterable[JsonView], line_id: str) -> None:
        """Report money that the tenant has added and not set to 0; it can't be corrected here."""
        field, attribute = ENTRIES[name]
        nothing = next(iter(REMOVED[name].values()))
        for entry in entries:
            value = entry.get(attribute)
            is_money = not entry.get("IsInformational")
            if is_money and not _is_same(attribute, value or 0, nothing, self._minor):
                self.found.append(
                    Difference(f"{field}_added", "none", _shown(value), line_id, can_repair=False)
                )


def _joined(found: Iterable[Difference]) -> list[Difference]:
    """Join the differences of one field; of personal fields only attributes are named."""
    groups: dict[tuple[str, str, str], list[Difference]] = {}
    for one in found:
        groups.setdefault((one.kind, one.line_id, one.field), []).append(one)
    joined = []
    for parts in groups.values():
        first = parts[0]
        if first.field in PERSONAL:
            names = ", ".join(sorted({part.found for part in parts}))
            joined.append(Difference(first.field, "as in the store", f"differs in {names}"))
            continue
        expected = "; ".join(part.expected for part in parts)[:LONGEST_SHOWN]
        seen = "; ".join(part.found for part in parts)[:LONGEST_SHOWN]
        joined.append(
            Difference(first.field, expected, seen, first.line_id, first.kind, first.can_repair)
        )
    return joined


def _is_same(name: str, actual: object, wanted: object, minor: Decimal) -> bool:
    """Return whether two values of an attribute differ by normalisation at most."""
    if actual == wanted and type(actual) is type(wanted):
        return True
    if isinstance(wanted, dict):
        # An object at one tenant is plain text at another.
        inner = actual if isinstance(actual, dict) else dict.fromkeys(wanted, actual)
        return all(_is_same(key, inner.get(key), value, minor) for key, value in wanted.items())
    left, right = number_of(actual), number_of(wanted)
    if left is not None and right is not None:
        return abs(left - right) < (LEAST_UNITS if name == "Quantity" else minor)
    found, expected = _text(actual), _text(wanted)
    if found == expected:
        return True
    # The US post adds four digits to a postal code.
    return name == "PostalCode" and bool(expected) and found.startswith(expected)


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


def _text(value: object) -> str:
    return "".join(
        char for char in str("" if value is None else value).casefold() if char.isalnum()
    )


def _shown(value: object) -> str:
    if isinstance(value, dict):
        value = next(iter(value.values()), None)
    if isinstance(value, Decimal):
        value = f"{value.normalize():f}"
    return "none" if value is None else str(value)[:LONGEST_SHOWN]
