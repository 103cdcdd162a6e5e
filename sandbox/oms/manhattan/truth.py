"""What the tenant really holds, without the vendor's shapes (sandbox/kit/truth.py)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.kit.truth import TrueLine, TrueOrder, TrueReturn, Truth
from sandbox.oms.manhattan.book import OrderRecord
from sandbox.oms.manhattan.customers import true_customers
from sandbox.oms.manhattan.effects import effect_of
from sandbox.oms.manhattan.inventory import dump_availability
from sandbox.oms.manhattan.prices import true_prices
from sandbox.oms.manhattan.return_orders import is_return
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.statuses import CANCELED, RETURN_CONFIRMED, units_of
from sandbox.oms.manhattan.stock import as_decimal, as_number


def truth_of(state: State) -> Truth:
    """Return all orders with their packages, returns, and the availability in the network."""
    loaded = {record.order_id: record.load() for record in state.book.records.values()}
    returns = {order_id for order_id, order in loaded.items() if is_return(order)}
    return {
        "orders": [
            _order(record)
            for record in state.book.records.values()
            if record.order_id not in returns
        ],
        "returns": [_return(loaded[order_id]) for order_id in sorted(returns)],
        "levels": [
            {"sku": row["ItemId"], "location": "", "available": row["TotalQuantity"]}
            for row in dump_availability(state)
            if row["view"] == "network"
        ],
        "customers": true_customers(state),
        "prices": true_prices(state),
    }


def _return(order: dict[str, Any]) -> TrueReturn:
    lines = [line for line in order["OrderLine"] if line.get("IsReturn")]
    return {
        "id": order["OrderId"],
        "order": lines[0]["ParentOrderId"],
        "lines": [_part(line, as_decimal(line["Quantity"])) for line in lines],
        "confirmed": [
            _part(line, units) for line in lines if (units := _in_status(line, RETURN_CONFIRMED))
        ],
    }


def _in_status(line: dict[str, Any], wanted: float) -> Decimal:
    return sum(
        (as_decimal(unit["Quantity"]) for status, unit in units_of(line) if status == wanted),
        Decimal(0),
    )


def _part(line: dict[str, Any], quantity: Decimal) -> TrueLine:
    return {
        "line": line["ParentOrderLineId"],
        "sku": line["ItemId"],
        "quantity": as_number(quantity),
    }


def _order(record: OrderRecord) -> TrueOrder:
    held = effect_of(record)
    return {
        "id": held["OrderId"],
        "number": held["AlternateOrderId"] or held["OrderId"],
        "canceled": held["canceled"],
        "creates": held["creates"],
        "lines": [
            {
                "line": line["OrderLineId"],
                "sku": line["ItemId"],
                "quantity": line["OrderedQuantity"],
                "canceled": sum(u["Quantity"] for u in line["units"] if u["Status"] == CANCELED),
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
