"""What the tenant really holds, without the vendor's shapes (sandbox/kit/truth.py)."""

from __future__ import annotations

from sandbox.kit.truth import TrueOrder, Truth
from sandbox.oms.manhattan.book import OrderRecord
from sandbox.oms.manhattan.customers import true_customers
from sandbox.oms.manhattan.effects import effect_of
from sandbox.oms.manhattan.inventory import dump_availability
from sandbox.oms.manhattan.state import State


def truth_of(state: State) -> Truth:
    """Return all orders with their packages, and the availability in the network."""
    return {
        "orders": [_order(record) for record in state.book.records.values()],
        "levels": [
            {"sku": row["ItemId"], "location": "", "available": row["TotalQuantity"]}
            for row in dump_availability(state)
            if row["view"] == "network"
        ],
        "customers": true_customers(state),
    }


def _order(record: OrderRecord) -> TrueOrder:
    held = effect_of(record)
    return {
        "id": held["OrderId"],
        "number": held["AlternateOrderId"] or held["OrderId"],
        "cancelled": held["cancelled"],
        "creates": held["creates"],
        "lines": [
            {
                "line": line["OrderLineId"],
                "sku": line["ItemId"],
                "quantity": line["OrderedQuantity"],
            }
            for line in held["lines"]
        ],
        # Without a package: pick-up and e-mail, of which nothing is shipped.
        "parcels": [
            {
                "key": package["PackageId"],
                "tracking": package["TrackingNumber"] or "",
                "carrier": package["CarrierCode"] or "",
                "lines": [
                    {
                        "line": line["OrderLineId"],
                        "sku": line["ItemId"],
                        "quantity": line["Quantity"],
                    }
                    for line in package["lines"]
                ],
            }
            for package in held["packages"]
            if package["PackageId"] is not None
        ],
        "total": str(held["saved_total"]),
    }
