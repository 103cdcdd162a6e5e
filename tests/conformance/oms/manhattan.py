"""A simulated Manhattan tenant for the conformance tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import orjson

from domain.ports import OrderManagementSystem
from domain.records.orders import Order
from domain.sources import Source
from resources.http.rate_limit import LocalQuota
from resources.oms import REGISTRY
from resources.secrets import resolve
from sandbox.app import RunningSandbox
from tests import loopback
from tests.conformance.systems import SimulatedOms, connection_of
from tests.resources.oms.manhattan.samples import line_of, order_of

Json = dict[str, Any]
PREFIX = "T-"


class System(SimulatedOms):
    """One tenant."""

    kind = "manhattan"
    resolution = timedelta(milliseconds=1)
    reads = "/order/search"
    saves = "/order/save"
    stock_reads = "/availabilitydetail"
    skus = ("SKU-1", "SKU-2", "SKU-3")
    parts: ClassVar = {
        "/oauth/token": "credentials",
        "/order/search": "orders",
        "/item/search": "item master",
        "/availabilitydetail": "availability",
    }
    statuses: ClassVar = tuple(
        str(status)
        for status in (
            1000,
            1500,
            1600,
            2000,
            3000,
            3500,
            3600,
            3700,
            7000,
            7500,
            8000,
            8500,
            9000,
            "2000.100",
            "3650.000",
        )
    )

    def __init__(self, sandbox: RunningSandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        self._secret, self._password = f"sec-7d1e55c0a9b3{self.name}", f"pw-4c8f21e6d7a0{self.name}"
        self.control("settings", {"client_secret": self._secret, "password": self._password})
        self.control(
            "items", [{"ItemId": sku, "UOM": "EA", "Description": sku} for sku in self.skus]
        )
        self.control(
            "supply",
            [
                {"item": sku, "location": node, "quantity": 50}
                for sku in self.skus
                for node in ("DC1", "STORE1")
            ],
        )
        self._last = 100

    def secrets(self) -> tuple[str, ...]:
        """Return what must not appear anywhere."""
        return (self._secret, self._password)

    def open(
        self, *, wrong_secret: bool = False, small_pages: bool = False
    ) -> OrderManagementSystem:
        """Build a connector."""
        connector = REGISTRY[self.kind]
        section: Json = {
            "kind": self.kind,
            "base_url": self.url,
            "token_url": f"{self.url}/oauth/token",
            "client_id": "lockstep",
            "client_secret": self.secret("client-secret", self._secret),
            "username": "sync",
            "password": self.secret("password", self._password + "x" * wrong_secret),
            "organization": "SANDBOX",
            "requests_per_second": 5000,
            "timeout": 20.0,
        }
        if small_pages:
            section |= {"search_page_size": 7, "stock_page_size": 2}
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

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Create one record changed at each time."""
        numbers = range(self._last + 1, self._last + 1 + len(moments))
        self._last += len(moments)
        by_moment: dict[datetime, list[int]] = {}
        for number, moment in zip(numbers, moments, strict=True):
            by_moment.setdefault(moment, []).append(number)
        mapper = self.open()
        token = self._token()
        for moment, group in by_moment.items():
            self.control("clock", {"now": moment.astimezone(UTC).isoformat(), "freeze": True})
            body = orjson.dumps(
                [mapper.targets["orders"].payload(self.order(number)) for number in group]
            )
            answer = loopback.request(
                "POST",
                f"{self.url}/order/api/order/order/bulkImport",
                content=body,
                headers=token,
                timeout=60,
            )
            assert answer.json()["data"]["SuccessCount"] == len(group), answer.text
        self.control("clock", {"now": None})
        return [f"{PREFIX}{number}" for number in numbers]

    def _token(self) -> dict[str, str]:
        form = {"grant_type": "password", "username": "sync", "password": self._password}
        answer = loopback.request(
            "POST", f"{self.url}/oauth/token", data=form, auth=("lockstep", self._secret)
        ).json()
        return {
            "Authorization": f"Bearer {answer['access_token']}",
            "Content-Type": "application/json",
        }

    def touch(self, source_id: str) -> None:
        """Change a record now."""
        self.control(f"orders/{source_id}/touch", {})

    def in_status(self, payload: bytes, status: str) -> bytes:
        """Return a captured order with all units in a status."""
        order = orjson.loads(payload)
        for line in order["OrderLine"]:
            line["QuantityDetail"] = [{"StatusId": status, "Quantity": line["Quantity"]}]
            line["MinFulfillmentStatusId"] = line["MaxFulfillmentStatusId"] = status
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


class Returns(System):
    """The same tenant, read for its returns."""

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Make one return changed at each moment."""
        ids = super().place(moments)
        for source_id in ids:
            lines = [
                {
                    "OrderLineId": number,
                    "IsReturn": True,
                    "ParentOrderId": f"{PREFIX}1",
                    "ParentOrderLineId": number,
                    "QuantityDetail": [{"StatusId": "15000", "Quantity": quantity}],
                }
                for number, quantity in (("1", 2), ("2", 1))
            ]
            self.control(f"orders/{source_id}/tamper", {"change": {"OrderLine": lines}})
        return ids

    def source(self, connector: OrderManagementSystem) -> Source[Any]:
        """Return the returns."""
        return connector.sources["returns"]
