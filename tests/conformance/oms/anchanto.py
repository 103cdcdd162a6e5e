"""A simulated Anchanto account for the conformance tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import orjson
from msgspec.structs import replace

from domain.milestones import Milestone
from domain.ports import OrderManagementSystem
from domain.records.orders import Order
from resources.http.rate_limit import LocalQuota
from resources.oms import REGISTRY
from resources.secrets import resolve
from sandbox.app import RunningSandbox
from tests.conformance.systems import SimulatedOms, connection_of
from tests.resources.oms.manhattan.samples import ADDRESS, SHIP, line_of, order_of

Json = dict[str, Any]
PREFIX = "T-"
IN_SHIPMENTS = ("Packed", "Ready_to_Ship", "In_transit", "Delivered")


class System(SimulatedOms):
    """One account."""

    kind = "anchanto"
    resolution = timedelta(seconds=1)
    reads = "/orders$"
    saves = "/orders$"
    stock_reads = "/stocks"
    skus = ("SKU-1", "SKU-2", "SKU-3")
    parts: ClassVar = {"/orders$": "orders", "/shipments": "shipments", "/stocks": "stock"}
    statuses: ClassVar = (
        *("Unpaid", "Draft", "Requires_approval", "New", "Partial", "Ready_for_Fulfilment"),
        *IN_SHIPMENTS,
        *("Completed", "Canceled"),
    )
    milestones: ClassVar = frozenset(
        {
            *(Milestone.CREATED, Milestone.ALLOCATED, Milestone.PACKED, Milestone.SHIPPED),
            *(Milestone.DELIVERED, Milestone.CANCELED),
        }
    )

    def __init__(self, sandbox: RunningSandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        self._password = f"pass-5d0e91c7{self.name}"
        self.control("settings", {"password": self._password, "requests_per_second": 0})
        self.control("items", [{"sku": sku, "name": f"Thing {sku}"} for sku in self.skus])
        self.control(
            "supply", [{"item": sku, "location": "EAST", "quantity": 50} for sku in self.skus]
        )
        self._last = 100

    def secrets(self) -> tuple[str, ...]:
        """Return what must not appear anywhere."""
        return (self._password,)

    def open(
        self, *, wrong_secret: bool = False, small_pages: bool = False
    ) -> OrderManagementSystem:
        """Build a connector."""
        connector = REGISTRY[self.kind]
        section: Json = {
            "kind": self.kind,
            "experimental": True,
            "base_url": f"{self.url}/rest/v1",
            "account": "acme",
            "store_code": "WEB",
            "email": "sync@example.com",
            "password": self.secret("password", self._password + "x" * wrong_secret),
            "requests_per_second": 1_000,
            "timeout": 20.0,
            "snapshot_ttl": "PT0S",
        }
        if small_pages:
            section |= {"page_size": 7}
        connection = connection_of(oms=section, orders={"order_id_prefix": PREFIX})
        built: OrderManagementSystem = connector.build(
            connector.settings.model_validate(section), connection, resolve, LocalQuota()
        )
        self.opened.append(built)
        return built

    def order(self, number: int) -> Order:
        """Return a valid canonical order."""
        lines = (
            line_of("1", "SKU-1", quantity="2", price="10.00"),
            line_of("2", "SKU-2", quantity="1", price="5.10"),
        )
        return order_of(
            f"{PREFIX}{number}", lines=lines, charges=(), payments=(), total="25.10", total_tax="0"
        )

    def changed(self, order: Order) -> Order:
        """Return the order with another address."""
        return replace(order, groups=(replace(SHIP, address=replace(ADDRESS, city="Dallas")),))

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Create one record changed at each time."""
        numbers = range(self._last + 1, self._last + 1 + len(moments))
        self._last += len(moments)
        by_moment: dict[datetime, list[int]] = {}
        for number, moment in zip(numbers, moments, strict=True):
            by_moment.setdefault(moment, []).append(number)
        mapper = self.open()
        for moment, group in by_moment.items():
            self.control("clock", {"now": moment.astimezone(UTC).isoformat(), "freeze": True})
            payloads = [mapper.targets["orders"].payload(self.order(number)) for number in group]
            self.control("place", payloads)
        self.control("clock", {"now": None})
        return [f"{PREFIX}{number}" for number in numbers]

    def touch(self, source_id: str) -> None:
        """Change a record now."""
        self.control(f"orders/{source_id}/touch", {})

    def in_status(self, payload: bytes, status: str) -> bytes:
        """Return a captured order in a status, with a shipment of all units if it has one."""
        order = orjson.loads(payload)
        order["attributes"]["status"] = status
        if status not in (*IN_SHIPMENTS, "Completed"):
            return orjson.dumps(order)
        has_left = status not in ("Packed", "Ready_to_Ship")
        lines = order["attributes"]["order_items"]
        shipment = {
            "order_number": order["attributes"]["number"],
            "shipment_number": "S1",
            "tracking_number": "" if status == "Packed" else "1Z5R89390357567127",
            "carrier_code": "" if status == "Packed" else "UPS",
            "manifest_number": "M1" if has_left else "",
            "status": "Delivered" if status == "Completed" else status,
            "items": [{"sku": line["sku"], "quantity": line["quantity"]} for line in lines],
        }
        row = {"id": 1, "attributes": shipment}
        return b'{"order_row":%b,"shipments":[%b]}' % (orjson.dumps(order), orjson.dumps(row))

    def creates(self, order_id: str) -> int:
        """Return how often the order was created."""
        return int(self.control(f"effects/order/{order_id}", method="GET")["creates"])

    def is_canceled(self, order_id: str) -> bool:
        """Return whether the order is canceled."""
        return bool(self.control(f"effects/order/{order_id}", method="GET")["canceled"])

    def correlations(self, order_id: str) -> list[str]:
        """Return the correlation ids of the order."""
        return list(self.control(f"effects/order/{order_id}", method="GET")["correlations"])
