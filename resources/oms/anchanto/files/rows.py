"""An order as rows of a file: one per line, each with all fields of the order. Pure.

A nested field is named by its path, such as ``shipping_address.zipcode``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resources.oms.anchanto.wire import AnchantoFields

LINES = "order_items"
_ADDRESS = dict.fromkeys(
    (
        "first_name", "last_name", "company", "address1", "address2", "city", "state", "zipcode",
        "country_iso", "phone",
    ),
    "",
)  # fmt: skip
_ITEM = dict.fromkeys(
    ("line_id", "sku", "quantity", "unit_price", "selling_price", "discount", "tax"), ""
)
_TEMPLATE: Mapping[str, Any] = {
    **dict.fromkeys(("number", "store_code", "external_id", "status", "currency_code"), ""),
    **dict.fromkeys(("order_date", "shipped_via"), ""),
    "customer": dict.fromkeys(("name", "email", "phone"), ""),
    "shipping_address": _ADDRESS,
    "billing_address": _ADDRESS,
    "carrier": dict.fromkeys(("carrier_code", "carrier_name"), ""),
    "remarks": "",
    "payment": dict.fromkeys(("method", "status", "reference"), ""),
    "totals": dict.fromkeys(("subtotal", "discount", "shipping", "tax", "paid"), ""),
    LINES: [_ITEM],
}
"""Every file has all of these columns, whatever its order has."""


class OrderRows:
    """Writes orders by the names of one account."""

    def __init__(self, fields: AnchantoFields, columns: Mapping[str, str | None]) -> None:
        self._fields, self._columns = fields, columns
        [template] = self.rows(_TEMPLATE)
        self.columns = list(template)

    def rows(self, payload: Mapping[str, Any]) -> list[dict[str, str]]:
        """Return the rows of an order in our names."""
        head = {name: value for name, value in payload.items() if name != LINES}
        found = []
        for item in payload[LINES]:
            row: Any = self._fields.outgoing("order", {**head, LINES: item})
            found.append(self.named(_flat(row)))
        return found

    def named(self, row: Mapping[str, str]) -> dict[str, str]:
        """Return a row with the columns as the connection names them."""
        columns = self._columns
        return {
            name: text
            for each, text in row.items()
            if (name := columns.get(each, each)) is not None
        }


def _flat(value: Mapping[str, Any], place: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, each in value.items():
        if isinstance(each, Mapping):
            found |= _flat(each, f"{place}{name}.")
        else:
            found[f"{place}{name}"] = str(each)
    return found
