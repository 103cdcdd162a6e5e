"""The account's orders, with the dates that its lists are filtered by (oms.md 2.3)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.oms.extensiv.clock import written
from sandbox.oms.extensiv.validation import MONEY

Json = dict[str, Any]

NEW, AT_WMS, SHIPPED, CONFIRMED = "new", "at_wms", "shipped", "confirmed"
ERROR, CANCELED, PARTIAL = "error", "canceled", "partial"
_MOST_CORRELATIONS = 50


@dataclass(slots=True)
class Order:
    """One order: the vendor's document, and what only the account knows."""

    document: Json
    """What was sent, with the money as it was sent."""
    number: int
    status: str = NEW
    created: int = 0
    updated: int = 0
    dates: dict[str, int] = field(default_factory=dict)
    """Kind of event -> when it was last: ``at_wms``, ``loaded``, ``confirmed``, ``error``,
    ``canceled``."""
    error_reason: str = ""
    on_hold: bool = False
    sending_canceled: bool = False
    failed_sends: int = 0
    warehouse: str = ""
    shipments: list[Json] = field(default_factory=list)
    cancel_requested: bool = False
    creates: int = 1
    refused: int = 0
    """How many times it was sent again, and refused as a duplicate."""
    correlations: list[str] = field(default_factory=list)

    @property
    def cust_ref(self) -> str:
        """Return the caller's own id of the order."""
        return str(self.document["cust_ref"])

    @property
    def items(self) -> list[Json]:
        """Return the ordered lines."""
        found: list[Json] = self.document["items"]
        return found

    def correlate(self, correlation_id: str | None) -> None:
        """Record a caller's correlation id."""
        known = self.correlations
        if correlation_id and correlation_id not in known and len(known) < _MOST_CORRELATIONS:
            known.append(correlation_id)

    def shipped(self) -> dict[str, Decimal]:
        """Return the shipped units by SKU."""
        units: dict[str, Decimal] = {}
        for shipment in self.shipments:
            for item in shipment["items"]:
                sku, quantity = item["item"], Decimal(item["quantity"])
                units[sku] = units.get(sku, Decimal(0)) + quantity
        return units

    def ordered(self) -> dict[str, Decimal]:
        """Return the ordered units by SKU."""
        units: dict[str, Decimal] = {}
        for item in self.items:
            sku, quantity = str(item["item"]), Decimal(str(item["quantity"]))
            units[sku] = units.get(sku, Decimal(0)) + quantity
        return units

    def left(self) -> dict[str, Decimal]:
        """Return the units that are still to be shipped, by SKU."""
        shipped = self.shipped()
        rest = {sku: n - shipped.get(sku, Decimal(0)) for sku, n in self.ordered().items()}
        return {sku: n for sku, n in rest.items() if n > 0}

    def date_for(self, listed: str) -> int | None:
        """Return the date that a list of this name compares; ``None``: the order is not in it."""
        statuses, event = LISTS[listed]
        if statuses and self.status not in statuses:
            return None
        if event == "created":
            return self.created
        return self.updated if event == "updated" else self.dates.get(event)

    def view(self, source: str) -> Json:
        """Return the order as reads answer it: money as text, ``Description`` with a capital."""
        shown = {name: _as_read(value) for name, value in self.document.items() if name != "items"}
        units, shipped = sum(self.ordered().values()), sum(self.shipped().values())
        return {
            **shown,
            "items": [_item(item) for item in self.items],
            "order_number": str(self.number),
            "order_source": source,
            "order_status": self.status,
            "created_date_time": written(self.created),
            "updated_date_time": written(self.updated),
            "delivered_to_wms_date": self._date(AT_WMS),
            "error_reason": self.error_reason or None,
            "on_hold": _yes(self.on_hold),
            "sending_canceled": _yes(self.sending_canceled),
            "num_failed_sends": str(self.failed_sends),
            "orig_ship_code": self.document.get("ship_code"),
            "inventory_warehouse_pk": self.warehouse or None,
            "total_qty": str(units),
            "num_to_ship": str(units - shipped),
            "num_shipped": str(shipped),
            "shipments": self.shipments,
        }

    def _date(self, event: str) -> str | None:
        return written(self.dates[event]) if event in self.dates else None

    def as_dict(self) -> Json:
        """Return everything, for the snapshot."""
        return asdict(self)


LISTS: dict[str, tuple[frozenset[str], str]] = {
    "new": (frozenset({NEW}), "created"),
    "new_or_at_wms": (frozenset({NEW, AT_WMS}), "created"),
    "at_wms": (frozenset({AT_WMS}), AT_WMS),
    "shipped": (frozenset({SHIPPED}), "loaded"),
    "partial": (frozenset({PARTIAL, AT_WMS}), "loaded"),
    "shipped_or_confirmed": (frozenset({SHIPPED, CONFIRMED}), "loaded"),
    "confirmed": (frozenset({CONFIRMED}), CONFIRMED),
    "error": (frozenset({ERROR}), ERROR),
    "canceled": (frozenset({CANCELED}), CANCELED),
    "any": (frozenset(), "updated"),
}
"""List -> the statuses in it, and the event whose date it compares (oms.md 2.3).

UNVERIFIED: ``any`` compares the last update.
"""


def _item(item: Json) -> Json:
    shown = {
        ("Description" if name == "description" else name): (
            f"{Decimal(str(value)):.4f}" if name in MONEY and value not in (None, "") else value
        )
        for name, value in item.items()
    }
    return {**shown, "quantity": str(item["quantity"])}


def _as_read(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return f"{Decimal(str(value)):.2f}"


def _yes(value: bool) -> str:
    return "Y" if value else "N"
