"""A simulated Integration Manager account for the conformance tests."""

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


class System(SimulatedOms):
    """One account."""

    kind = "extensiv"
    resolution = timedelta(seconds=1)
    reads = "/orders/list/"
    saves = "/cart/orders/cartrover"
    stock_reads = "/merchant/inventory"
    skus = ("SKU-1", "SKU-2", "SKU-3")
    parts: ClassVar = {
        "/cart/orders/lockstep": "cart key",
        "/orders/list/": "orders",
        "/merchant/inventory": "stock",
        "/merchant/product": "products",
    }
    statuses: ClassVar = ("new", "error", "at_wms", "shipped", "confirmed", "canceled")
    milestones: ClassVar = frozenset(
        {Milestone.CREATED, Milestone.RELEASED, Milestone.SHIPPED, Milestone.CANCELED}
    )

    def __init__(self, sandbox: RunningSandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        self._cart, self._merchant = f"cart-5d0e91c7{self.name}", f"merch-8a4f20b6{self.name}"
        self.control("settings", {"cart_key": self._cart, "merchant_key": self._merchant})
        self.control("items", [{"sku": sku, "name": f"Thing {sku}"} for sku in self.skus])
        self.control(
            "supply",
            [
                {"item": sku, "location": node, "quantity": 50}
                for sku in self.skus
                for node in ("EAST", "WEST")
            ],
        )
        self._last = 100

    def secrets(self) -> tuple[str, ...]:
        """Return what must not appear anywhere."""
        return (self._cart, self._merchant)

    def open(
        self, *, wrong_secret: bool = False, small_pages: bool = False
    ) -> OrderManagementSystem:
        """Build a connector."""
        connector = REGISTRY[self.kind]
        wrong = "x" * wrong_secret
        section: Json = {
            "kind": self.kind,
            "base_url": f"{self.url}/v1",
            "merchant": "acme",
            "cart_user": "cart-user",
            "cart_key": self.secret("cart-key", self._cart + wrong),
            "merchant_user": "merchant-user",
            "merchant_key": self.secret("merchant-key", self._merchant + wrong),
            "calls_per_minute": 60_000,
            "orders_per_second": 1_000,
            "timeout": 20.0,
        }
        if small_pages:
            section |= {"lists": {"page_size": 7}, "single_reads": 2}
        connection = connection_of(oms=section, orders={"order_id_prefix": PREFIX})
        built: OrderManagementSystem = connector.build(
            connector.settings.model_validate(section), connection, resolve, LocalQuota()
        )
        self.opened.append(built)
        return built

    def order(self, number: int) -> Order:
        """Return a valid canonical order without discounts, taxes and charges."""
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
        """Return a captured order in a status, with its shipments if it has left."""
        order = orjson.loads(payload)
        order["order_status"] = status
        if status == "error":
            # An order in error is a rejection until it is corrected; then it is new.
            order["order_status"] = "new"
        if status in ("shipped", "confirmed"):
            order["shipments"] = [
                {
                    "carrier": "UPS",
                    "tracking_no": "1Z5R89390357567127",
                    "items": [
                        {"item": line["item"], "quantity": line["quantity"], "carton_num": 1}
                        for line in order["items"]
                    ],
                }
            ]
        return orjson.dumps(order)

    def creates(self, order_id: str) -> int:
        """Return how often the order was created."""
        return int(self.control(f"effects/order/{order_id}", method="GET")["creates"])

    def is_canceled(self, order_id: str) -> bool:
        """Return whether the order is canceled."""
        return bool(self.control(f"effects/order/{order_id}", method="GET")["canceled"])

    def correlations(self, order_id: str) -> list[str]:
        """Return the correlation ids of the order."""
        return list(self.control(f"effects/order/{order_id}", method="GET")["correlations"])
