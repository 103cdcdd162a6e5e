"""Ports: what Lockstep needs of a commerce platform, an OMS, a quota ledger and a notifier.

A system has a source for each stream that is read from it (``domain.sources``), and a target for
each that is written to it (``domain.targets``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypedDict, runtime_checkable

from domain.exchange import (
    Alert,
    Check,
    QueuedMessage,
    WebhookEvent,
)
from domain.identity import Identity
from domain.records.catalog import Product, ProductNeed
from domain.records.customers import Customer
from domain.sources import (
    ActionSource,
    FulfilmentSource,
    ItemSource,
    ListedItemSource,
    OrderSource,
    PriceSource,
    ReturnSource,
    Source,
    StockSource,
)
from domain.targets import (
    CustomerTarget,
    ItemTarget,
    LevelTarget,
    ListingTarget,
    OrderTarget,
    PaymentService,
    PriceTarget,
    ReturnTarget,
    ShipmentTarget,
)


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
        """Send an alert. Raises ``TransientError`` or ``PermanentError`` if none was sent."""
        ...


@runtime_checkable
class EventFeed(Protocol):
    """The webhooks by which a system reports changes, as they are registered there."""

    def state(self, destination: str) -> list[Check]:
        """Return whether the system would send each needed webhook; changes nothing."""
        ...

    def ensure(self, destination: str) -> list[str]:
        """Register missing webhooks and switch on those that are off; return a line a change.

        An upsert by scope and destination: safe to repeat. Raises ``PermanentError`` if the
        system would send what could not be verified.
        """
        ...


@runtime_checkable
class EventQueue(Protocol):
    """The queue from which a system's events are pulled, where it sends no webhooks."""

    def pull(self) -> Sequence[QueuedMessage]:
        """Return some of the messages that wait, without waiting for any; empty if none do.

        A message that can't be read has no events and states why. Raises ``TransientError`` or
        ``PermanentError`` where the queue can't be read.
        """
        ...

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """Take messages off the queue; called once they are stored, and safe to repeat."""
        ...


class WebhookReceiver(Protocol):
    """Receives the webhooks of one system of a connection.

    It is built without the system's credentials: the process that faces the internet has none.
    """

    def receive(self, headers: Mapping[str, str], body: bytes) -> list[WebhookEvent]:
        """Verify a request and return its events, none where no stream uses them.

        Pure but for the clock. ``headers`` by names in lower case, ``body`` exactly as it came.
        Raises ``WebhookRefused``.
        """
        ...


class StoreTargets(TypedDict, total=False):
    """What can be written to a store; an absent part is a stream that it does not take."""

    listings: ListingTarget
    products: ListingTarget

    shipments: ShipmentTarget
    inventory: LevelTarget
    returns: ReturnTarget
    refunds: PaymentService
    prices: PriceTarget


class OmsTargets(TypedDict, total=False):
    """What can be written to an OMS; an absent part is a stream that it does not take."""

    orders: OrderTarget
    customers: CustomerTarget
    catalog: ItemTarget


class StoreSources(TypedDict, total=False):
    """The streams that start at a store."""

    orders: OrderSource
    catalog: Source[Product]
    customers: Source[Customer]
    products: Source[Product]
    actions: ActionSource


class OmsSources(TypedDict, total=False):
    """The streams that start at an OMS."""

    shipments: FulfilmentSource
    inventory: StockSource
    returns: ReturnSource
    catalog: ItemSource
    items: ListedItemSource
    prices: PriceSource


class System(Protocol):
    """A platform or an OMS: a source or target for each stream; an absent part can't be synced."""

    kind: str
    identity: Identity
    """Which part of which system it is: who shares its quota, and who may collide with it."""

    @property
    def events(self) -> EventFeed | EventQueue | None:
        """Return how it reports changes by itself: webhooks to register, or a queue to pull.

        ``None`` if no webhooks can be registered; those that are sent are received anyway.
        """
        ...

    @property
    def sources(self) -> Mapping[str, object]:
        """Return the parts that are read, by stream."""
        ...

    @property
    def targets(self) -> Mapping[str, object]:
        """Return the parts that are written, by stream."""
        ...

    def preflight(self) -> list[Check]:
        """Check credentials, permissions, clock and settings with calls that change nothing."""
        ...

    def clock(self) -> datetime:
        """Return the system's time by its answers; before the first answer, this machine's."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class CommercePlatform(System, Protocol):
    """The commerce side of a connection."""

    @property
    def sources(self) -> StoreSources:
        """Return the streams that start here."""
        ...

    @property
    def targets(self) -> StoreTargets:
        """Return the streams that end here."""
        ...


class OrderManagementSystem(System, Protocol):
    """The fulfilment side of a connection."""

    @property
    def needs(self) -> Collection[ProductNeed]:
        """Return what each product of the store must have, or the connection is not started."""
        ...

    @property
    def sources(self) -> OmsSources:
        """Return the streams that start here."""
        ...

    @property
    def targets(self) -> OmsTargets:
        """Return the streams that end here."""
        ...
