"""What a connector provides for the conformance tests: a simulated system and its control.

A new connector gets every test of this folder by one module beside the others
(``platforms/<kind>.py`` or ``oms/<kind>.py``) with a class ``System`` derived from a base here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import orjson
from msgspec.structs import replace

from domain.connections import Connection
from domain.exchange import Check, Exchange, Mapped, RawRecord, ShipmentRequest, Skipped
from domain.milestones import STAGES, Milestone
from domain.ports import CommercePlatform, OrderManagementSystem
from domain.records.inventory import StockTarget, StoreItem
from domain.records.orders import Order
from domain.sources import Source
from domain.values import Window
from sandbox.app import RunningSandbox
from sandbox.system import Request, Response
from tests import loopback
from tests.conformance.calls import opened

Json = dict[str, Any]
DAY = datetime(2026, 3, 4, tzinfo=UTC)
SOLD_SINCE = "2026-01-02T00:00:00Z"
"""When the products were last changed that each store has from the start: before that day."""
"""The day that records are placed on: long past, so that whatever is touched now has left it."""


class Simulated(ABC):
    """A simulated system that records its exchanges, and the connectors opened to it."""

    kind: ClassVar[str]
    resolution: ClassVar[timedelta]
    """Of the system's modification times."""
    reads: ClassVar[str]
    """Expression for the path of the call that reads changed records."""
    parts: ClassVar[Mapping[str, str]]
    """Expression for a path -> the check of the preflight that can't hold without it."""

    def __init__(self, sandbox: RunningSandbox, folder: Path) -> None:
        self.name = f"c{uuid4().hex[:10]}"
        self.url = f"{sandbox.url}/{self.kind}/{self.name}"
        self.folder = folder
        self.http = loopback.client(f"{sandbox.url}/_sandbox/{self.kind}/{self.name}/")
        self.control("faults", method="GET")
        self.exchanges: list[tuple[Request, Response]] = []
        self._tap(sandbox.server.systems[self.kind, self.name])
        self.opened: list[Any] = []

    def _tap(self, system: Any) -> None:
        answer = system.handle

        def handle(request: Request) -> Response:
            response: Response = answer(request)
            self.exchanges.append((request, response))
            return response

        system.handle = handle

    def control(self, path: str, body: object = None, method: str = "POST") -> Any:
        """Make a control call that must succeed."""
        answer = self.http.request(
            method, path, content=orjson.dumps(body) if body is not None else None
        )
        assert answer.is_success, answer.text
        if "ndjson" in answer.headers.get("content-type", ""):
            return [orjson.loads(line) for line in answer.content.splitlines() if line]
        return orjson.loads(answer.content) if answer.content else None

    def fault(self, **rule: Any) -> None:
        """Replace the system's faults by one, or by none."""
        self.control("faults", method="DELETE")
        if rule:
            self.control("faults", [rule])

    def secret(self, name: str, value: str) -> Json:
        """Write a secret to a file of its own, and return the reference to it."""
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(value)
        return {"file": str(file)}

    def served(self) -> bytes:
        """Return all bodies that the system has sent."""
        return b"\n".join(response.body for _, response in self.exchanges)

    def close(self) -> None:
        """Close all connections."""
        for connector in self.opened:
            connector.close()
        self.http.close()

    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """Return what must not appear anywhere."""

    @abstractmethod
    def open(self, *, wrong_secret: bool = False, small_pages: bool = False) -> Any:
        """Build a connector."""

    @abstractmethod
    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Create one record changed at each time, in order, and return their source ids."""

    @abstractmethod
    def touch(self, source_id: str) -> None:
        """Change a record now."""

    @abstractmethod
    def set_clock(self, ahead: timedelta) -> None:
        """Set the system's clock ahead of ours."""

    @abstractmethod
    def source(self, connector: Any) -> Source[Any]:
        """Return the connector's source of records that change."""

    def fetch(self, connector: Any, window: Window) -> Iterator[Sequence[RawRecord]]:
        """Read what changed in the window."""
        return (page.records for page in self.source(connector).fetch(window))

    def probe(self, connector: Any, since: datetime) -> datetime | None:
        """Return the time of the oldest change."""
        return self.source(connector).probe(since)

    def to_canonical(self, connector: Any, payload: bytes) -> Mapped[Any] | Skipped:
        """Map a captured record."""
        return self.source(connector).to_canonical(payload)

    def preflight(self, connector: Any) -> list[Check]:
        """Run the connector's checks."""
        checks: list[Check] = connector.preflight()
        return checks


class SimulatedStore(Simulated):
    """A simulated store with orders, a catalog and two locations."""

    ships: ClassVar[str]
    """Expression for the path of the call that creates a shipment."""
    tracked: ClassVar[tuple[str, ...]]
    """SKUs whose stock the store keeps."""
    untracked: ClassVar[str]
    """A SKU that the store sells without counting; empty for a store that counts them all."""
    changes: ClassVar[str] = "PUT"
    """Method of the calls that change a record."""
    writes: ClassVar[str] = ""
    """Expression for the paths of calls that write, where others have the same method."""
    statuses: ClassVar[Mapping[str, bool]]
    """Every status that the store knows -> whether it is final."""

    @abstractmethod
    def open(self, *, wrong_secret: bool = False, small_pages: bool = False) -> CommercePlatform:
        """Build a connector."""

    def refused(self, items: Mapping[str, StoreItem]) -> list[tuple[StockTarget, StoreItem]]:
        """Return rows that the store refuses, with their items: by default of unknown products."""
        known = items[self.tracked[0]]
        unknown = replace(known, sku="NO-SUCH-SKU", item_id="999", parent_id="999")
        rows = [items[self.untracked]] if self.untracked else []
        return [
            (StockTarget(sku=item.sku, location=self.location, quantity=9), item)
            for item in (*rows, unknown)
        ]

    def set_clock(self, ahead: timedelta) -> None:
        """Set the store's clock ahead of ours."""
        self.control("settings", {"clock_offset_s": ahead.total_seconds()})

    @property
    def location(self) -> str:
        """Return the id of the default location."""
        found: str = self.open().targets["inventory"].locations()["default"]
        return found

    @abstractmethod
    def parcel(self, source_id: str, tracking: str) -> ShipmentRequest:
        """Return a request for one unit of the order's first line."""

    @abstractmethod
    def set_status(self, source_id: str, status: str) -> None:
        """Change an order's status as the merchant does."""

    @abstractmethod
    def shipments(self, source_id: str) -> list[tuple[str, str]]:
        """Return id and tracking number of the store's shipments."""

    @abstractmethod
    def levels(self) -> dict[tuple[str, str], int]:
        """Return the store's stock: (SKU, location id) -> quantity."""

    async def write(self, log: list[Exchange], use: Any, **more: Any) -> None:
        """Open the store for writing and use it."""
        connector = self.open(**more)
        async with opened(connector, log.append) as calls:
            await use(calls, connector)

    def source(self, connector: CommercePlatform) -> Source[Any]:
        """Return the orders."""
        return connector.sources["orders"]


class SimulatedOms(Simulated):
    """A simulated tenant with items, stock at two nodes, and orders."""

    saves: ClassVar[str]
    """Expression for the path of the call that saves an order."""
    stock_reads: ClassVar[str]
    skus: ClassVar[tuple[str, ...]]
    statuses: ClassVar[tuple[str, ...]]
    """Every status that a line of a sale can have."""
    milestones: ClassVar[frozenset[Milestone]] = frozenset({*STAGES, Milestone.CANCELED})
    """What the statuses of the system can show."""

    def set_clock(self, ahead: timedelta) -> None:
        """Set the tenant's clock ahead of ours."""
        self.control("clock", {"now": (datetime.now(UTC) + ahead).isoformat()})

    def changed(self, order: Order) -> Order:
        """Return an order with a change that the OMS can be sent."""
        return replace(order, locale="fr", hold="Review")

    def takes_changes(self) -> bool:
        """Return whether an order can be changed once it is at the OMS."""
        return "update" in self.open().targets["orders"].operations

    @abstractmethod
    def open(
        self, *, wrong_secret: bool = False, small_pages: bool = False
    ) -> OrderManagementSystem:
        """Build a connector."""

    @abstractmethod
    def order(self, number: int) -> Order:
        """Return a valid canonical order of this connection."""

    @abstractmethod
    def in_status(self, payload: bytes, status: str) -> bytes:
        """Return a captured order with all units of its lines in a status."""

    @abstractmethod
    def creates(self, order_id: str) -> int:
        """Return how many times the tenant created the order."""

    @abstractmethod
    def is_canceled(self, order_id: str) -> bool:
        """Return whether the tenant has canceled the order."""

    @abstractmethod
    def correlations(self, order_id: str) -> list[str]:
        """Return the correlation ids that were sent with the order."""

    async def write(self, log: list[Exchange], use: Any, **more: Any) -> None:
        """Open the tenant for writing and use it."""
        connector = self.open(**more)
        async with opened(connector, log.append) as calls:
            await use(calls, connector)

    def source(self, connector: OrderManagementSystem) -> Source[Any]:
        """Return the fulfilments."""
        return connector.sources["shipments"]


def connection_of(**sections: Any) -> Connection:
    """Build a connection; a section that is not under test has only its kind."""
    return Connection.model_validate(
        {"platform": {"kind": "any"}, "oms": {"kind": "any"}} | sections
    )
