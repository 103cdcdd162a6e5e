"""A simulated Salesforce org for the conformance tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from msgspec.structs import replace

from domain.exchange import ShipmentLine, ShipmentRequest
from domain.ports import CommercePlatform
from domain.records.inventory import StockTarget, StoreItem
from domain.sources import Source
from resources.http.rate_limit import LocalQuota
from resources.platforms import REGISTRY
from resources.secrets import resolve
from sandbox.app import RunningSandbox
from tests.conformance.systems import SOLD_SINCE, SimulatedStore, connection_of
from tests.sandbox.simulated_org import PLACE, an_order

Json = dict[str, Any]


class System(SimulatedStore):
    """One org."""

    kind = "salesforce"
    resolution = timedelta(seconds=1)
    reads = "/query(All)?$"
    ships = "/composite|/query"
    changes = "POST"
    writes = "/composite"
    tracked = ("MUG", "SHIRT-S", "SHIRT-M")
    untracked = ""
    parts: ClassVar = {
        "/oauth2/token": "credentials",
        "/query$": "query of orders",
        "/OrderSummary/describe": "write OrderSummary",
        "/Shipment/describe": "write Shipment",
        "/ShipmentItem/describe": "write ShipmentItem",
        "/Lockstep_Status__c/describe": "write Lockstep_Status__c",
        "/get-availability": "stock",
    }
    more: ClassVar[Json] = {}
    """Further settings."""
    statuses: ClassVar = {
        "Created": False, "Approved": False, "Allocated": False, "In Fulfillment": False,
        "Partially Fulfilled": False, "Fulfilled": False, "Delivered": False, "Returned": False,
        "Canceled": True,
    }  # fmt: skip

    def __init__(self, sandbox: RunningSandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        self._secret = f"sec-9f2b7c41d8e6{self.name}"
        self.control("settings", {"client_secret": self._secret})
        self.control("catalog", [{"sku": sku, "at": SOLD_SINCE} for sku in self.tracked])
        self.control("locations", [{"ExternalReference": "EAST"}])
        self._last = 1000

    def secrets(self) -> tuple[str, ...]:
        """Return what must show nowhere."""
        return (self._secret,)

    def open(self, *, wrong_secret: bool = False, small_pages: bool = False) -> CommercePlatform:
        """Build a connector."""
        connector = REGISTRY[self.kind]
        secret = self._secret + "x" * wrong_secret
        section: Json = {
            "kind": self.kind,
            "my_domain": self.url,
            "client_id": "lockstep",
            "client_secret": self.secret("secret", secret),
            "daily_calls": 10_000_000,
            "inventory_location": "WAREHOUSE",
            "timeout": 20.0,
        }
        if small_pages:
            section["page_size"] = 7
        section |= self.more
        orders = {"shipping_methods": {"Ground": "Ground"}}
        connection = connection_of(platform=section, orders=orders)
        built: CommercePlatform = connector.build(
            connector.settings.model_validate(section), connection, resolve, LocalQuota()
        )
        self.opened.append(built)
        return built

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Make one record changed at each moment."""
        numbers = range(self._last + 1, self._last + 1 + len(moments))
        self._last += len(moments)
        given = [
            an_order(str(number), moment.isoformat())
            for number, moment in zip(numbers, moments, strict=True)
        ]
        ids: list[str] = self.control("orders", given)["ids"]
        return ids

    def touch(self, source_id: str) -> None:
        """Change a record now."""
        self.control(f"orders/{source_id}/touch")

    def set_status(self, source_id: str, status: str) -> None:
        """Move an order's status as the merchant does."""
        self.control(f"orders/{source_id}", {"Status": status}, "PATCH")

    def parcel(self, source_id: str, tracking: str) -> ShipmentRequest:
        """Return a request for one unit of the order's first line."""
        rows = self.control("dump/OrderItemSummary", method="GET")
        items = {row["Id"]: row for row in rows or () if row["OrderSummaryId"] == source_id}
        first = min(items, default="none")
        group = items[first]["OrderDeliveryGroupSummaryId"] if items else "none"
        return ShipmentRequest(source_id, group, (ShipmentLine(first, 1),), tracking, "ups")

    def refused(self, items: Mapping[str, StoreItem]) -> list[tuple[StockTarget, StoreItem]]:
        """Return rows at a location that the org does not have; it takes stock of any SKU."""
        unknown = StockTarget(sku="OTHER", location="MOON", quantity=9)
        return [(unknown, replace(items["MUG"], sku="OTHER"))]

    def shipments(self, source_id: str) -> list[tuple[str, str]]:
        """Return id and tracking number of the order's shipments."""
        rows = self.control("dump/Shipment", method="GET") or []
        return [
            (row["Id"], row["TrackingNumber"] or "")
            for row in rows
            if row["OrderSummaryId"] == source_id
        ]

    def levels(self) -> dict[tuple[str, str], int]:
        """Return what the org holds as available."""
        return {
            (row["sku"], row["location"]): row["available"]
            for row in self.control("truth", method="GET")["levels"]
        }


class StockObject(System):
    """The same org, whose stock is in a custom object with a record for each location."""

    more: ClassVar[Json] = {"inventory": {}}
    parts: ClassVar = {name: check for name, check in System.parts.items() if check != "stock"} | {
        "/Lockstep_Stock__c/describe": "stock"
    }

    def refused(self, items: Mapping[str, StoreItem]) -> list[tuple[StockTarget, StoreItem]]:
        """Return a SKU that is longer than the field."""
        unknown = StockTarget(sku="S" * 255, location="WAREHOUSE", quantity=9)
        return [(unknown, replace(items["MUG"], sku=unknown.sku))]


class Shelf(StockObject):
    """The same org, with an object of the merchant's own that has one record for each SKU."""

    more: ClassVar[Json] = {
        "inventory": {
            "object": "Shelf__c", "sku": "Part__c", "available": "Units__c", "location": None,
            "key": None,
        }
    }  # fmt: skip
    parts: ClassVar = System.parts

    def refused(self, items: Mapping[str, StoreItem]) -> list[tuple[StockTarget, StoreItem]]:
        """Return nothing: the object takes any SKU."""
        del items
        return []


class Customers(System):
    """The same org, read for its customers."""

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Register one customer changed at each moment."""
        numbers = range(self._last + 1, self._last + 1 + len(moments))
        self._last += len(moments)
        rows = [
            {
                "FirstName": "Jane",
                "LastName": "Doe",
                "Email": f"jane{number}@example.com",
                "at": moment.isoformat(),
                "addresses": [PLACE | {"Name": "Jane Doe"}],
            }
            for number, moment in zip(numbers, moments, strict=True)
        ]
        ids: list[str] = self.control("customers", rows)["ids"]
        return ids

    def touch(self, source_id: str) -> None:
        """Change a customer now."""
        self.control(f"touch/Account/{source_id}")

    def source(self, connector: CommercePlatform) -> Source[Any]:
        """Return the customers."""
        return connector.sources["customers"]


class Products(System):
    """The same org, read for its products."""

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Put one product changed at each moment into the catalog."""
        numbers = range(self._last + 1, self._last + 1 + len(moments))
        self._last += len(moments)
        rows = [
            {"sku": f"P-{number}", "at": moment.isoformat()}
            for number, moment in zip(numbers, moments, strict=True)
        ]
        ids: list[str] = self.control("catalog", rows)["ids"]
        return ids

    def touch(self, source_id: str) -> None:
        """Change a product now."""
        self.control(f"touch/Product2/{source_id}")

    def source(self, connector: CommercePlatform) -> Source[Any]:
        """Return the products."""
        return connector.sources["products"]
