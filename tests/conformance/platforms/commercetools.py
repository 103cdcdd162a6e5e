"""A simulated commercetools project for the conformance tests."""

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
from resources.platforms.commercetools.orders.groups import MAIN
from resources.secrets import resolve
from sandbox.app import RunningSandbox
from tests.conformance.systems import SOLD_SINCE, SimulatedStore, connection_of
from tests.sandbox.simulated_project import an_order

Json = dict[str, Any]
LINE = "5f1d3c57-8f4c-4b63-9d0a-4f6a3f0c1a{:02d}"


class System(SimulatedStore):
    """One project."""

    kind = "commercetools"
    resolution = timedelta(milliseconds=1)
    reads = "/orders$"
    ships = "/orders/"
    changes = "POST"
    writes = "/orders/"
    tracked = ("MUG", "SHIRT-S", "SHIRT-M")
    untracked = ""
    parts: ClassVar = {
        "/oauth/token": "credentials",
        "/orders$": "view_orders",
        "/orders/": "manage_orders",
        "/product-projections": "view_products",
        "/inventory$": "view_products (inventory)",
        "/inventory/": "manage_products",
        "/channels": "locations",
    }
    statuses: ClassVar = {
        "Ready": False, "Pending": False, "Delayed": False, "Backorder": False, "Partial": False,
        "Shipped": False, "Delivered": False, "Canceled": True, "Cancelled": True,
    }  # fmt: skip

    def __init__(self, sandbox: RunningSandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        self._secret = f"sec-9f2b7c41d8e6{self.name}"
        self.control("settings", {"client_secret": self._secret})
        shirt = {"variants": [{"sku": "SHIRT-S"}, {"sku": "SHIRT-M"}]}
        sold: list[Json] = [{"sku": "MUG"}, shirt]
        self.control(
            "catalog",
            [{**one, "priceMode": "Standalone", "lastModifiedAt": SOLD_SINCE} for one in sold],
        )
        self.control("channels", [{"key": "EAST"}])
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
            "project_key": self.name,
            "api_url": self.url,
            "auth_url": self.url,
            "client_id": "lockstep",
            "client_secret": self.secret("secret", secret),
            "requests_per_second": 100_000,
            "timeout": 20.0,
        }
        if small_pages:
            section["page_size"] = 7
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
            _order(number, moment.isoformat())
            for number, moment in zip(numbers, moments, strict=True)
        ]
        ids: list[str] = self.control("orders", given)["ids"]
        return ids

    def touch(self, source_id: str) -> None:
        """Change a record now."""
        self.control(f"orders/{source_id}/touch")

    def set_status(self, source_id: str, status: str) -> None:
        """Move an order's status as the merchant does."""
        change = {"orderState": status} if status == "Cancelled" else {"shipmentState": status}
        self.control(f"orders/{source_id}/state", change)

    def parcel(self, source_id: str, tracking: str) -> ShipmentRequest:
        """Return a request for one unit of the order's first line."""
        return ShipmentRequest(source_id, MAIN, (ShipmentLine(LINE.format(1), 1),), tracking, "ups")

    def refused(self, items: Mapping[str, StoreItem]) -> list[tuple[StockTarget, StoreItem]]:
        """Return rows at a supply channel that the project does not have.

        It takes stock of any SKU, also of one that no product has.
        """
        unknown = StockTarget(sku="OTHER", location=LINE.format(99), quantity=9)
        return [(unknown, replace(items["MUG"], sku="OTHER"))]

    def shipments(self, source_id: str) -> list[tuple[str, str]]:
        """Return id and tracking number of the order's deliveries."""
        rows = self.control("dump/orders", method="GET") or []
        return [
            (delivery["id"], (parcel.get("trackingData") or {}).get("trackingId", ""))
            for row in rows
            if row["id"] == source_id
            for delivery in row["shippingInfo"]["deliveries"]
            for parcel in delivery["parcels"]
        ]

    def levels(self) -> dict[tuple[str, str], int]:
        """Return what the project holds as available."""
        return {
            (row["sku"], row["location"]): row["available"]
            for row in self.control("truth", method="GET")["levels"]
        }


def _order(number: int, moment: str) -> Json:
    order = an_order(str(number), moment)
    [first, second] = order["lineItems"]
    charge = {"type": "Charge", "amount": "46.80", "interactionId": "charge-1"}
    order["payments"][0]["transactions"].append(charge)
    return order | {"lineItems": [first | {"id": LINE.format(1)}, second | {"id": LINE.format(2)}]}


class Customers(System):
    """The same project, read for its customers."""

    reads = "/customers$"

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Register one customer changed at each moment."""
        numbers = range(self._last + 1, self._last + 1 + len(moments))
        self._last += len(moments)
        rows = [
            _customer(number, moment.isoformat())
            for number, moment in zip(numbers, moments, strict=True)
        ]
        ids: list[str] = self.control("customers", rows)["ids"]
        return ids

    def touch(self, source_id: str) -> None:
        """Change a customer now."""
        self.control("customers", [{"id": source_id, "salutation": "Dr"}])

    def source(self, connector: CommercePlatform) -> Source[Any]:
        """Return the customers."""
        return connector.sources["customers"]


class Products(System):
    """The same project, read for its products."""

    reads = "/product-projections$"

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Publish one product changed at each moment."""
        numbers = range(self._last + 1, self._last + 1 + len(moments))
        self._last += len(moments)
        rows = [
            {"sku": f"P-{number}", "lastModifiedAt": moment.isoformat()}
            for number, moment in zip(numbers, moments, strict=True)
        ]
        ids: list[str] = self.control("catalog", rows)["ids"]
        return ids

    def touch(self, source_id: str) -> None:
        """Publish a product again, now."""
        self.control("catalog", [{"id": source_id, "sku": f"P-{source_id}"}])

    def source(self, connector: CommercePlatform) -> Source[Any]:
        """Return the products."""
        return connector.sources["products"]


def _customer(number: int, moment: str) -> Json:
    address = {
        "firstName": "Jane", "lastName": "Doe", "streetName": "Main Street", "streetNumber": "1",
        "city": "Austin", "state": "TX", "postalCode": "78701", "country": "US",
        "phone": "+1 512-555-0100",
    }  # fmt: skip
    return {
        "email": f"jane{number}@example.com",
        "firstName": "Jane",
        "lastName": "Doe",
        "customerNumber": str(number),
        "addresses": [address],
        "at": moment,
    }
