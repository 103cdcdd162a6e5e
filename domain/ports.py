"""Ports: what Lockstep needs of a commerce platform, an OMS, a quota ledger and a notifier.

Reading is synchronous and streamed in pages; writing is asynchronous, since it is many small calls
bound by latency. A writer's call ends in one of: a ``Receipt``; ``RecordRejected`` (the target's
business rules refuse this record); ``OutcomeUnknown`` (the effect may have happened: look it up
before sending again); ``TransientError`` (nothing happened, another try may help);
``PermanentError`` (the system is at fault: credentials, permissions, configuration; the batch
stops).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, TypedDict

from domain.exchange import (
    Alert,
    Check,
    ExchangeLog,
    MasterItem,
    Receipt,
    ShipmentRequest,
    StockAnswer,
    StoreOrderState,
    StoreShipment,
    Unusable,
    WebhookEvent,
)
from domain.milestones import Milestone
from domain.reconciliation import Difference
from domain.records.inventory import StockTarget, StoreItem
from domain.records.orders import Order
from domain.sources import FulfilmentSource, OrderSource, StockSource


class QuotaLedger(Protocol):
    """Shares a remote API's quota among processes; in Postgres, in memory for tests."""

    def take(
        self, bucket: str, wanted: int, *, quota: int, window_seconds: float
    ) -> tuple[int, float]:
        """Take up to ``wanted`` permits; return how many were granted and, if 0, the wait in s."""
        ...

    def observe(
        self, bucket: str, *, quota: int, left: int, reset_seconds: float, window_seconds: float
    ) -> None:
        """Correct the bucket by the API's own headers."""
        ...


class Notifier(Protocol):
    """Sends alerts to operators."""

    def send(self, alert: Alert) -> None:
        """Send an alert. Raises ``TransientError`` or ``PermanentError`` where none was sent."""
        ...


class WebhookReceiver(Protocol):
    """Receives the webhooks of one system of a connection."""

    def receive(self, headers: Mapping[str, str], body: bytes) -> list[WebhookEvent]:
        """Verify a request and return its events, none where no stream uses them.

        Pure but for the clock. ``headers`` by names in lower case, ``body`` exactly as it came.
        Raises ``WebhookRefused``.
        """
        ...


class StoreWriter(Protocol):
    """Writes to a store."""

    async def put_stock(
        self, batch: Sequence[StockTarget], items: Mapping[str, StoreItem], reason: str
    ) -> list[StockAnswer]:
        """Set absolute levels, at most ``stock_batch_size``; a rejected row stops no other."""
        ...

    async def stop_tracking(self, item: StoreItem) -> Receipt:
        """Let an item sell without limit. An upsert: safe to repeat."""
        ...

    async def list_shipments(self, order_id: str) -> list[StoreShipment]:
        """Return all shipments of an order."""
        ...

    async def create_shipment(self, request: ShipmentRequest, correlation_id: str) -> Receipt:
        """Create a shipment. Not idempotent: after ``OutcomeUnknown`` use ``list_shipments``."""
        ...

    async def update_shipment(
        self, shipment_id: str, request: ShipmentRequest, correlation_id: str
    ) -> Receipt:
        """Set tracking number, carrier and service of a shipment. An upsert: safe to repeat."""
        ...

    async def read_order(self, order_id: str) -> StoreOrderState:
        """Return the order's present status."""
        ...

    async def put_status(self, order_id: str, status: str, correlation_id: str) -> Receipt:
        """Set the order's status. An upsert: safe to repeat."""
        ...


class StoreSources(TypedDict, total=False):
    """The streams that start at a store."""

    orders: OrderSource


class OmsSources(TypedDict, total=False):
    """The streams that start at an OMS."""

    shipments: FulfilmentSource
    inventory: StockSource


class CommercePlatform(Protocol):
    """The commerce side of a connection."""

    kind: str
    sources: StoreSources
    store: str
    """Identity of the store: connections with equal ``store`` share its quota."""
    channel: str
    stock_batch_size: int
    push_concurrency: int
    """How many records are written at once."""
    acts_for: float
    """Seconds after which a write without an answer can no longer take effect."""
    scopes: tuple[str, ...]

    def preflight(self) -> list[Check]:
        """Check credentials, permissions, clock and settings with calls that change nothing."""
        ...

    def clock(self) -> datetime:
        """Return the system's time by its answers; before the first answer, this machine's."""
        ...

    def fetch_items(self) -> Iterator[list[StoreItem | Unusable]]:
        """Read every SKU with the level its stock is tracked at; a bad product is ``Unusable``."""
        ...

    def location_ids(self) -> Mapping[str, str]:
        """Return the store's location code -> id; the code ``default`` is the default location."""
        ...

    def read_stock(self, skus: Collection[str]) -> dict[tuple[str, str], int]:
        """Return what the store holds now: (SKU, location id) -> quantity on hand."""
        ...

    def status_for(self, milestone: Milestone) -> str | None:
        """Return the store status that a milestone shows as, or ``None`` where it shows as none."""
        ...

    def writer(self, log: ExchangeLog) -> AbstractAsyncContextManager[StoreWriter]:
        """Open the store for writing; every exchange is reported to ``log``."""
        ...

    def webhook_state(self, destination: str) -> list[Check]:
        """Return whether the store would send each needed webhook; changes nothing."""
        ...

    def ensure_webhooks(self, destination: str) -> list[str]:
        """Register missing webhooks and switch on those that are off; return a line a change.

        An upsert by scope and destination: safe to repeat. Raises ``PermanentError`` where the
        store would send what could not be verified.
        """
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class OmsWriter(Protocol):
    """Writes to an OMS."""

    async def save_order(
        self, payload: Mapping[str, object], correlation_id: str, *, is_new: bool
    ) -> Receipt:
        """Create or change an order. An upsert by order id: safe to repeat."""
        ...

    async def cancel_order(self, order_id: str, reason: str, correlation_id: str) -> Receipt:
        """Request a cancellation; the receipt states whether it is done. Safe to repeat."""
        ...


class OrderManagementSystem(Protocol):
    """The fulfilment side of a connection."""

    kind: str
    sources: OmsSources
    organisation: str
    """Identity of the tenant and organisation: connections with equal ``organisation`` share its
    quota."""
    push_concurrency: int
    acts_for: float
    """Seconds after which a write without an answer can no longer take effect."""

    def preflight(self) -> list[Check]:
        """Check credentials, organisation, item master and view with calls that change nothing."""
        ...

    def clock(self) -> datetime:
        """Return the system's time by its answers; before the first answer, this machine's."""
        ...

    def fetch_items(self, skus: Collection[str]) -> dict[str, MasterItem]:
        """Look SKUs up in the item master; the unknown ones are absent from the answer."""
        ...

    def order_payload(self, order: Order) -> dict[str, object]:
        """Map an order to the OMS's form. Pure."""
        ...

    def order_change(
        self, known: Mapping[str, object], wanted: Mapping[str, object], *, whole: bool = False
    ) -> dict[str, object] | None:
        """Return what changed, with the keys to address it, or ``None``. Pure.

        ``whole`` returns all of ``wanted`` instead, with what ``known`` has to lose: for when it is
        uncertain what the OMS holds.
        """
        ...

    def held_order(
        self, payload: bytes, candidates: Sequence[Mapping[str, object]]
    ) -> dict[str, object]:
        """Return what an OMS order holds of all that the candidates, payloads, would put there.

        Pure. For when it is uncertain which of them took effect. Raises ``RecordRejected``.
        """
        ...

    def kept_order(
        self,
        known: Mapping[str, object],
        wanted: Mapping[str, object],
        refused_lines: Collection[str],
    ) -> dict[str, object]:
        """Return what an order holds after a change of which some lines were refused. Pure."""
        ...

    def compare_order(
        self, payload: bytes, wanted: Mapping[str, object]
    ) -> tuple[dict[str, object], list[Difference]]:
        """Return what an OMS order holds of ``wanted``, an ``order_payload``, and the differences.

        Pure. Normalisation by the OMS is no difference. ``order_change`` from the returned content
        to ``wanted`` is the correction. Raises ``RecordRejected``.
        """
        ...

    def writer(self, log: ExchangeLog) -> AbstractAsyncContextManager[OmsWriter]:
        """Open the OMS for writing; every exchange is reported to ``log``."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
