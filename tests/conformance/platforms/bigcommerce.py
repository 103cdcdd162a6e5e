"""A simulated BigCommerce store for the conformance tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from domain.exchange import ShipmentLine, ShipmentRequest
from domain.ports import CommercePlatform
from domain.sources import Source
from resources.http.rate_limit import LocalQuota
from resources.platforms import REGISTRY
from resources.secrets import resolve
from sandbox.app import RunningSandbox
from tests.conformance.systems import SOLD_SINCE, SimulatedStore, connection_of
from tests.resources.platforms.bigcommerce.stores import ADDRESS

Json = dict[str, Any]


class System(SimulatedStore):
    """One store."""

    kind = "bigcommerce"
    resolution = timedelta(seconds=1)
    reads = "/v2/orders$"
    ships = "/shipments$"
    tracked = ("MUG", "SHIRT-S", "SHIRT-M")
    untracked = "EBOOK"
    parts: ClassVar = {
        "/v2/time": "credentials",
        "/v2/store": "store",
        "/v2/orders": "store_v2_orders",
        "/v3/catalog": "store_v2_products",
        "/v3/inventory/items": "store_inventory",
        "/v3/inventory/locations": "locations",
        "/v3/channels": "channel",
    }
    statuses: ClassVar = {str(number): number in (4, 5, 6) for number in range(15)}

    def __init__(self, sandbox: RunningSandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        self._token = f"tok-9f2b7c41d8e6{self.name}"
        self.control("settings", {"token": self._token})
        shirt = {"id": 12, "sku": "SHIRT", "variants": [{"sku": "SHIRT-S"}, {"sku": "SHIRT-M"}]}
        free = {"id": 13, "sku": self.untracked, "inventory_tracking": "none"}
        sold = [{"id": 11, "sku": "MUG"}, shirt, free]
        self.control("catalog", [{**one, "date_modified": SOLD_SINCE} for one in sold])
        self.control("locations", [{"id": 5, "code": "EAST", "label": "East"}])
        self._last = 1000

    def secrets(self) -> tuple[str, ...]:
        """Return what must show nowhere."""
        return (self._token,)

    def open(self, *, wrong_secret: bool = False, small_pages: bool = False) -> CommercePlatform:
        """Build a connector."""
        connector = REGISTRY[self.kind]
        token = self._token + "x" * wrong_secret
        section: Json = {
            "kind": self.kind,
            "store_hash": self.name,
            "api_base": self.url,
            "token": self.secret("token", token),
            "quota": 100_000,
            "channel_id": 1,
            "refund_providers": ("custom",),
            "timeout": 20.0,
        }
        if small_pages:
            section["page_size"] = 7
        orders = {"shipping_methods": {"Ground": "Ground"}, "export_statuses": (11, 12)}
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
        given = [_order(number, moment) for number, moment in zip(numbers, moments, strict=True)]
        self.control("orders", given)
        return [str(number) for number in numbers]

    def touch(self, source_id: str) -> None:
        """Change a record now."""
        self.control(f"orders/{source_id}", {"staff_notes": "looked at"}, "PATCH")

    def set_status(self, source_id: str, status: str) -> None:
        """Move an order's status as the merchant does."""
        self.control(f"orders/{source_id}/status", {"status_id": int(status)})

    def parcel(self, source_id: str, tracking: str) -> ShipmentRequest:
        """Return a request for one unit of the order's first line."""
        lines = (ShipmentLine(f"{source_id}01", 1),)
        return ShipmentRequest(source_id, f"{source_id}00", lines, tracking, "ups")

    def shipments(self, source_id: str) -> list[tuple[str, str]]:
        """Return id and tracking number of the order's shipments."""
        held = self.control("dump/shipments", method="GET") or []
        return [
            (str(row["id"]), row["tracking_number"])
            for row in held
            if str(row["order_id"]) == source_id
        ]

    def levels(self) -> dict[tuple[str, str], int]:
        """Return what the store holds."""
        rows = self.control("dump/inventory", method="GET") or []
        return {(row["sku"], str(row["location_id"])): row["quantity"] for row in rows}


def _order(number: int, moment: datetime) -> Json:
    line = {
        "id": number * 100 + 1,
        "sku": "MUG",
        "product_id": 11,
        "quantity": 3,
        "price_ex_tax": 10,
        "price_inc_tax": 10,
    }
    return {
        "id": number,
        "date_created": moment.isoformat(),
        "date_modified": moment.isoformat(),
        "billing_address": ADDRESS,
        "payment_status": "captured",
        "products": [line],
        "shipping_addresses": [
            ADDRESS
            | {"id": number * 100, "shipping_method": "Ground", "cost_ex_tax": 5, "cost_inc_tax": 5}
        ],
    }


class Customers(System):
    """The same store, read for its customers."""

    reads = "/v3/customers$"

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Register one customer changed at each moment."""
        numbers = range(self._last + 1, self._last + 1 + len(moments))
        self._last += len(moments)
        self.control(
            "customers",
            [_customer(number, moment) for number, moment in zip(numbers, moments, strict=True)],
        )
        return [str(number) for number in numbers]

    def touch(self, source_id: str) -> None:
        """Change a customer now."""
        self.control("customers", [{"id": int(source_id), "notes": "looked at"}])

    def source(self, connector: CommercePlatform) -> Source[Any]:
        """Return the customers."""
        return connector.sources["customers"]


class Products(System):
    """The same store, read for its products."""

    reads = "/v3/catalog/products$"

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Put one product changed at each moment into the catalog."""
        first = max(self._last, 1_000) + 1
        self._last = first + len(moments) - 1
        rows = [
            {"id": first + n, "sku": f"P-{first + n}", "price": 1, "date_modified": stamp}
            for n, stamp in enumerate(one.strftime("%Y-%m-%dT%H:%M:%SZ") for one in moments)
        ]
        self.control("catalog", rows)
        return [str(row["id"]) for row in rows]

    def touch(self, source_id: str) -> None:
        """Change a product now."""
        self.control("catalog", [{"id": int(source_id), "sku": f"P-{source_id}", "price": 2}])

    def source(self, connector: CommercePlatform) -> Source[Any]:
        """Return the products."""
        return connector.sources["products"]


def _customer(number: int, moment: datetime) -> Json:
    address = {
        "id": number * 10,
        "first_name": "Jane",
        "last_name": "Doe",
        "address1": "1 Main Street",
        "city": "Austin",
        "state_or_province": "Texas",
        "postal_code": "78701",
        "country_code": "US",
        "country": "United States",
        "phone": "+1 512-555-0100",
    }
    return {
        "id": number,
        "email": f"jane{number}@example.com",
        "first_name": "Jane",
        "last_name": "Doe",
        "date_modified": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "addresses": [address],
    }
