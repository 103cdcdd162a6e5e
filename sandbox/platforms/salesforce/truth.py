"""What the org really holds, without the vendor's shapes (sandbox/kit/truth.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sandbox.kit.truth import TrueCustomer, TrueLevel, TrueLine, TrueOrder, Truth
from sandbox.platforms.salesforce.inventory import shown
from sandbox.platforms.salesforce.prices import true_prices
from sandbox.platforms.salesforce.returns import true_returns
from sandbox.platforms.salesforce.seed_orders import DIGITAL_METHOD, PRODUCT

if TYPE_CHECKING:
    from sandbox.platforms.salesforce.org import Org

Json = dict[str, Any]
AWAITING, CANCELED = "Approved", "Canceled"


def truth_of(org: Org) -> Truth:
    """Return all orders with their parcels, the levels and the customers."""
    return {
        "orders": [_order(org, row) for row in org.book.rows("OrderSummary")],
        "levels": [
            *(_level(key, level) for key, level in org.inventory.levels.items()),
            *_of_objects(org),
        ],
        "customers": _customers(org),
        "returns": true_returns(org.book),
        "prices": true_prices(org.book),
        "products": [
            {"sku": row["StockKeepingUnit"], "name": row["Name"] or ""}
            for row in org.book.rows("Product2")
            if row["IsActive"] and row["StockKeepingUnit"]
        ],
    }


def _order(org: Org, row: Json) -> TrueOrder:
    book = org.book
    groups = book.children("OrderDeliveryGroupSummary", "OrderSummaryId", row["Id"])
    digital = {g["Id"] for g in groups if method_of(org, g) == DIGITAL_METHOD}
    items = book.children("OrderItemSummary", "OrderSummaryId", row["Id"])
    lines = [item for item in items if item["Type"] == PRODUCT]
    skus = {item["Id"]: _sku(org, item) for item in lines}
    shipped = [g for g in groups if g["Id"] not in digital and not g["Lockstep_Pickup_Location__c"]]
    return {
        "id": row["Id"],
        "number": row["OrderNumber"],
        "canceled": row["Status"] == CANCELED,
        "awaits_fulfilment": row["Status"] == AWAITING,
        "places": len(shipped),
        "lines": [_line(item, skus, digital) for item in lines],
        "parcels": [
            {
                "key": shipment["Lockstep_Key__c"] or "",
                "tracking": shipment["TrackingNumber"] or "",
                "carrier": shipment["Provider"] or "",
                "lines": [
                    {
                        "line": each["Lockstep_Line__c"],
                        "sku": skus.get(each["Lockstep_Line__c"], ""),
                        "quantity": int(each["Quantity"]),
                    }
                    for each in book.children("ShipmentItem", "ShipmentId", shipment["Id"])
                ],
            }
            for shipment in book.children("Shipment", "OrderSummaryId", row["Id"])
        ],
        "total": str(row["GrandTotalAmount"]),
    }


def method_of(org: Org, group: Json) -> str:
    """Return the name of a group's delivery method."""
    identifier = group["OrderDeliveryMethodId"]
    found = org.book.get("OrderDeliveryMethod", identifier) if identifier else None
    return str(found["Name"]) if found else ""


def _sku(org: Org, item: Json) -> str:
    product = org.book.get("Product2", item["Product2Id"]) if item["Product2Id"] else None
    return str(product["StockKeepingUnit"]) if product else ""


def _line(item: Json, skus: dict[str, str], digital: set[str]) -> TrueLine:
    line: TrueLine = {
        "line": item["Id"],
        "sku": skus[item["Id"]],
        "quantity": int(item["QuantityOrdered"]),
    }
    if item["OrderDeliveryGroupSummaryId"] in digital:
        line["emailed"] = str(item["TotalAmtWithTax"])
    return line


def _level(key: tuple[str, str], level: Json) -> TrueLevel:
    return {
        "sku": key[0],
        "location": key[1],
        "available": int(shown(level)["availableToFulfill"]),
        "on_hand": int(level["onHand"]),
        "reserved": int(level["reserved"]),
    }


def _of_objects(org: Org) -> Iterator[TrueLevel]:
    """Yield the levels of the objects that have stock instead of Omnichannel Inventory."""
    for name, sku, location, number in (
        ("Lockstep_Stock__c", "SKU__c", "Location__c", "Available__c"),
        ("Shelf__c", "Part__c", "", "Units__c"),
    ):
        for row in org.book.rows(name):
            if row[number] is not None:
                place, units = row[location] if location else "default", int(row[number])
                yield {
                    "sku": row[sku],
                    "location": place,
                    "available": units,
                    "on_hand": units,
                    "reserved": 0,
                }


def _customers(org: Org) -> list[TrueCustomer]:
    found: list[TrueCustomer] = []
    for account in org.book.rows("Account"):
        contacts = org.book.children("Contact", "AccountId", account["Id"])
        if contacts:
            addresses = org.book.children("ContactPointAddress", "ParentId", account["Id"])
            found.append(
                {
                    "id": account["Id"],
                    "active": True,
                    "email": contacts[0]["Email"] or "",
                    "first_name": contacts[0]["FirstName"] or "",
                    "last_name": contacts[0]["LastName"] or "",
                    "addresses": sorted([a["Id"], a["City"] or ""] for a in addresses),
                }
            )
    return found
