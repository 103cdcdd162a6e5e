"""The account's orders and shipments, and the statuses that they pass through (oms.md 3.2)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.oms.anchanto.clock import written

Json = dict[str, Any]

UNPAID, DRAFT, APPROVAL = "Unpaid", "Draft", "Requires_approval"
NEW, PARTIAL, FULFILMENT = "New", "Partial", "Ready_for_Fulfilment"
PACKED, READY, TRANSIT = "Packed", "Ready_to_Ship", "In_transit"
DELIVERED, COMPLETED, CANCELED = "Delivered", "Completed", "Canceled"
STATUSES = (
    *(UNPAID, DRAFT, APPROVAL, NEW, PARTIAL, FULFILMENT, PACKED, READY, TRANSIT),
    *(DELIVERED, COMPLETED, CANCELED),
)
CANCELABLE = (UNPAID, DRAFT, APPROVAL, NEW, PARTIAL, FULFILMENT)
"""An order can be canceled before it is packed or ready to ship, of which no part is."""
ON_CREATION = (UNPAID, DRAFT, APPROVAL, NEW)
LABELLED = (READY, TRANSIT, DELIVERED)
SELLER = "seller"
_MOST_CORRELATIONS = 50
_MONEY = frozenset(
    ("subtotal", "discount", "shipping", "tax", "paid", "unit_price", "selling_price")
)


@dataclass(slots=True)
class Order:
    """One order: the document as it was sent, and what the account knows of it."""

    document: Json
    number: int
    status: str = NEW
    created: int = 0
    updated: int = 0
    warehouse: str = ""
    shipments: list[Json] = field(default_factory=list)
    creates: int = 1
    refused: int = 0
    """How many times it was sent again, and refused as a duplicate."""
    correlations: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """Return what is unique: the number within its sales channel."""
        return str(self.document["store_code"]), str(self.document["number"])

    @property
    def items(self) -> list[Json]:
        """Return the ordered lines."""
        found: list[Json] = self.document["order_items"]
        return found

    @property
    def is_shipped_by_seller(self) -> bool:
        """Return whether it goes on to the warehouse: only such orders do."""
        return str(self.document.get("shipped_via") or SELLER) == SELLER

    def correlate(self, correlation_id: str | None) -> None:
        """Record a caller's correlation id."""
        known = self.correlations
        if correlation_id and correlation_id not in known and len(known) < _MOST_CORRELATIONS:
            known.append(correlation_id)

    def ordered(self) -> dict[str, Decimal]:
        """Return the ordered units by SKU."""
        return _units(self.items)

    def live(self) -> list[Json]:
        """Return the shipments that were not canceled."""
        return [shipment for shipment in self.shipments if shipment["status"] != CANCELED]

    def left(self) -> dict[str, Decimal]:
        """Return the units that are in no shipment yet, by SKU."""
        taken = _units([item for shipment in self.live() for item in shipment["items"]])
        rest = {sku: n - taken.get(sku, Decimal(0)) for sku, n in self.ordered().items()}
        return {sku: n for sku, n in rest.items() if n > 0}

    def follow_shipments(self) -> None:
        """Set the status that the shipments make: the furthest that all units have reached."""
        if self.left():
            self.status = FULFILMENT
            return
        order = (PACKED, READY, TRANSIT, DELIVERED)
        self.status = min((row["status"] for row in self.live()), key=order.index)

    def total(self) -> Decimal:
        """Return what the shopper owes, by the document's sums."""
        sums = self.document.get("totals") or {}
        goods, off, ship, tax = (
            Decimal(str(sums.get(name) or 0))
            for name in ("subtotal", "discount", "shipping", "tax")
        )
        return goods - off + ship + tax

    def view(self) -> Json:
        """Return the order as reads answer it: amounts as text, with status and times."""
        return {
            "id": self.number,
            "attributes": {
                **_as_read(self.document),
                "status": self.status,
                "created_at": written(self.created),
                "updated_at": written(self.updated),
            },
        }

    def shipment_rows(self) -> list[Json]:
        """Return the shipments as reads answer them."""
        return [
            {"id": row["id"], "attributes": {k: v for k, v in row.items() if k != "id"}}
            for row in self.shipments
        ]

    def as_dict(self) -> Json:
        """Return everything, for the snapshot."""
        return asdict(self)


def _units(items: list[Json]) -> dict[str, Decimal]:
    units: dict[str, Decimal] = {}
    for item in items:
        sku, quantity = str(item["sku"]), Decimal(str(item["quantity"]))
        units[sku] = units.get(sku, Decimal(0)) + quantity
    return units


def _as_read(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _as_read(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_read(each) for each in value]
    if name in _MONEY and isinstance(value, int | float) and not isinstance(value, bool):
        return f"{Decimal(str(value)):.4f}"
    return value
