"""Configuration of a connection: one store paired with one OMS organisation.

``kind`` in the sections ``platform`` and ``oms`` selects a connector, which validates the rest of
its section with its own settings model, so a new connector adds no field here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, StringConstraints, model_validator

from domain.addressing.addresses import AddressRules
from domain.policies import (
    ActionsPolicy,
    CatalogPolicy,
    Config,
    InventoryPolicy,
    OrdersPolicy,
    PricesPolicy,
    SecretRef,
    ShipmentsPolicy,
)
from domain.returns_policy import ReturnsPolicy
from domain.values import Grain

ConnectionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
StreamName = Literal[
    "orders",
    "inventory",
    "shipments",
    "customers",
    "returns",
    "catalog",
    "prices",
    "actions",
    "listings",
]
ORDERS, INVENTORY, SHIPMENTS = "orders", "inventory", "shipments"
CUSTOMERS, RETURNS, PRICES = "customers", "returns", "prices"
CATALOG, LISTINGS, ACTIONS = "catalog", "listings", "actions"


class SystemSection(BaseModel):
    """A connector's section: ``kind`` selects it; its settings model validates the other keys."""

    model_config = ConfigDict(frozen=True, extra="allow")
    kind: str


class Limits(Config):
    """How long work may be idle before it counts as stuck (``history.lag``, ``history.stuck``)."""

    probe: timedelta = timedelta(minutes=5)
    """Time without a successful probe; then daemon, network or credentials are at fault."""
    silence: dict[StreamName, timedelta] = Field(default_factory=dict)
    """Stream -> time without any change; a stream that is not listed has no limit."""
    captured_not_delivered: timedelta = timedelta(minutes=15)
    delivered_not_acknowledged: timedelta = timedelta(hours=1)
    """The OMS accepted the order, but does not list it yet."""
    released_not_shipped: timedelta = timedelta(days=3)
    shipped_not_at_store: timedelta = timedelta(minutes=30)


class Webhooks(Config):
    """The endpoint for webhooks; without it none are registered or accepted."""

    destination: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")]
    """Public URL of ``lockstep webhooks``: https on port 443, or http on loopback."""

    @model_validator(mode="after")
    def _safe_address(self) -> Self:
        parts = urlsplit(self.destination)
        if parts.scheme == "https" and parts.port not in (None, 443):
            raise ValueError("destination: stores send webhooks to port 443 only")
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("destination: webhooks need https; http is allowed on loopback only")
        return self

    def url(self, connection: str, system: Literal["platform", "oms"]) -> str:
        """Return the webhook URL of one system of a connection."""
        return f"{self.destination.rstrip('/')}/hooks/{connection}/{system}"


class Connection(Config):
    """One store, one OMS organisation, and the rules between them."""

    owner: str = "team:operations"
    description: str = ""
    grain: Grain = "day"
    """What a partition is: a UTC day of the source's modification time, or an hour of it."""
    lane: str | None = None
    """Connections with the same lane share a sensor and a live run; the default is one each.

    They must have the same grain."""
    platform: SystemSection
    oms: SystemSection
    store_moved_from: str = ""
    """The account that a message names, if it is this store under the address that it had before.

    The ledger's records are those of one store: another one's may have the same ids."""
    oms_moved_from: str = ""
    """The same for the OMS: another one has none of the orders that the ledger knows as sent."""
    orders: OrdersPolicy = OrdersPolicy()
    inventory: InventoryPolicy = InventoryPolicy()
    shipments: ShipmentsPolicy = ShipmentsPolicy()
    returns: ReturnsPolicy = ReturnsPolicy()
    catalog: CatalogPolicy = CatalogPolicy()
    prices: PricesPolicy = PricesPolicy()
    actions: ActionsPolicy = ActionsPolicy()
    addresses: AddressRules = AddressRules()
    streams: tuple[StreamName, ...] = ("orders", "inventory", "shipments")
    """``customers`` is not among them: it sends personal data beyond that of orders."""
    overlap: timedelta = timedelta(seconds=120)
    """How far a live window reaches back, for records that become visible late."""
    poll_interval: timedelta = timedelta(seconds=5)
    rejection_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    """A batch of 20 or more fails if more are rejected: then the system is at fault."""
    max_attempts: Annotated[int, Field(ge=1)] = 5
    """Delivery attempts before a delivery is dead and becomes an open rejection."""
    freshness_limit: timedelta = timedelta(minutes=30)
    limits: Limits = Limits()
    webhooks: Webhooks | None = None

    def read_interval(self, stream: str) -> timedelta:
        """Return how often the current state of a snapshot's source is read."""
        return self.prices.interval if stream == PRICES else self.inventory.interval


class Alerts(Config):
    """Where alerts about failed runs and stuck streams are sent."""

    url: SecretRef | None = None
    """An incoming webhook's ``https`` URL or an Apprise URL; a secret, as anyone can post to it."""
    urls: tuple[SecretRef, ...] = ()
    """Instead of ``url``, for several targets."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.url is None) == (not self.urls):
            raise ValueError("name either url, or urls with at least one entry")
        return self


class Retention(Config):
    """How long the ledger keeps data; without a setting forever, and open work in any case."""

    capture: Annotated[timedelta, Field(ge=timedelta(days=7))] | None = None
    """Payloads, by month; without its payload a record can't be validated again."""
    record: Annotated[timedelta, Field(ge=timedelta(days=7))] | None = None
    """Outcomes with orders, lines, stock and events (``history``); at least ``capture``."""
    message_log: Annotated[timedelta, Field(ge=timedelta(days=1))] | None = None
    delivery: Annotated[timedelta, Field(ge=timedelta(days=7))] | None = None
    """Settled deliveries of snapshots such as stock, by the month of their claim.

    All others are kept forever: without them an order could be sent twice."""
    batch: Annotated[timedelta, Field(ge=timedelta(days=2))] | None = None
    rejection: Annotated[timedelta, Field(ge=timedelta(days=1))] | None = None
    """Closed rejections, from the day they were closed."""
    inbox: Annotated[timedelta, Field(ge=timedelta(days=2))] | None = None
    """Processed webhooks; longer than stores retry, or a repeated one counts as new."""
    rerun: Annotated[timedelta, Field(ge=timedelta(days=1))] | None = None
    drift: Annotated[timedelta, Field(ge=timedelta(days=1))] | None = None
    """Closed drifts."""

    @model_validator(mode="after")
    def _outcomes_outlive_payloads(self) -> Self:
        if self.record is not None and (self.capture is None or self.capture > self.record):
            raise ValueError(
                "record must not be kept for less time than capture, or payloads without an "
                "outcome would be validated again"
            )
        return self


class Installation(Config):
    """The whole of ``connections.yaml``."""

    archive: Path | None = None
    """Folder of the daily Parquet files; by default ``archive`` in Lockstep's home folder."""
    retention: Retention = Retention()
    start_date: date = date(2026, 1, 1)
    """The first partition of every stream."""
    alerts: Alerts | None = None
    docs_url: HttpUrl | None = None
    """Where docs/ is published: the UI's descriptions link to its pages."""
    connections: dict[ConnectionName, Connection] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_connection_a_folder(self) -> Self:
        first: dict[Path, str] = {}
        for name, connection in self.connections.items():
            if (folder := connection.actions.folder) is None:
                continue
            other = first.setdefault(folder.resolve(), name)
            if other != name:
                raise ValueError(
                    f"{other} and {name} have the same actions.folder: {folder}; each would take "
                    "requests of the other's orders, so give each a folder of its own"
                )
        return self

    @model_validator(mode="after")
    def _one_grain_a_lane(self) -> Self:
        first: dict[str, str] = {}
        for name, connection in self.connections.items():
            other = first.setdefault(connection.lane or name, name)
            if self.connections[other].grain != connection.grain:
                raise ValueError(
                    f"{other} has grain: {self.connections[other].grain} and {name} has grain: "
                    f"{connection.grain}, but they share the lane {connection.lane or name}, whose "
                    "runs cover one partition; give them the same grain or different lanes"
                )
        return self

    @property
    def start(self) -> datetime:
        """Return the start of the first partition."""
        return datetime(
            self.start_date.year, self.start_date.month, self.start_date.day, tzinfo=UTC
        )
