"""Configuration of a connection: one store paired with one OMS organisation.

The sections ``platform`` and ``oms`` name a connector by ``kind``; the rest of the section belongs to that connector's own settings
model (``resources.platforms.REGISTRY``, ``resources.oms.REGISTRY``), so a new connector adds no field here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from domain.addressing.addresses import AddressRules

ConnectionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
StreamName = Literal["orders", "inventory", "shipments"]
ORDERS, INVENTORY, SHIPMENTS = "orders", "inventory", "shipments"


class Config(BaseModel):
    """Base of the configuration models: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SecretRef(Config):
    """Where a secret lies: an environment variable or a file of its own; never the value."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("name exactly one place of the secret: env: VARIABLE or file: PATH")
        return self


class SystemSection(BaseModel):
    """A connector's section: ``kind`` chooses it, the other keys are validated by its settings model."""

    model_config = ConfigDict(frozen=True, extra="allow")
    kind: str


class UomRule(Config):
    """How one store unit converts: ``factor`` OMS units make one store unit (a case of 12: ``uom: EACH``, ``factor: 12``)."""

    uom: str = "EACH"
    factor: Annotated[Decimal, Field(gt=0)] = Decimal(1)


class OrdersPolicy(Config):
    """Which orders go to the OMS, and how their codes translate."""

    export_statuses: tuple[int | str, ...] = (11,)
    """Store statuses that go out; all others are skipped by the rule ``status_not_exported``."""
    hold_statuses: dict[int | str, str] = Field(default_factory=dict)
    """Store status -> the OMS's hold type id: such an order goes out, too, and is on hold at the OMS until the store's status is another
    that goes out or is updated (``12: Fraud Review``: manual verification required)."""
    cancel_statuses: tuple[int | str, ...] = (5, 6)
    """Store statuses that become a cancel request for an order which the OMS has."""
    update_statuses: tuple[int | str, ...] = (3, 8, 9)
    """Store statuses in which a change of an order that the OMS has is still sent, beside ``export_statuses``."""
    start_date: datetime | None = None
    """Orders placed before this moment are skipped by the rule ``before_start_date``."""
    order_id_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,20}$")] = ""
    shipping_methods: dict[str, str] = Field(default_factory=dict)
    """Store's shipping method text -> OMS shipping method id; compared without case and outer blanks."""
    default_shipping_method: str | None = None
    """Used for a method that the mapping lacks; without it such an order is rejected."""
    payment_methods: dict[str, str] = Field(default_factory=dict)
    default_payment_method: str = "Other"
    pickup_locations: dict[str, str] = Field(default_factory=dict)
    """Store's location code -> OMS location id."""
    selling_channels: dict[str, str] = Field(default_factory=dict)
    default_selling_channel: str = "Web"
    uom: str = "EACH"
    uom_rules: dict[str, UomRule] = Field(default_factory=dict)
    """SKU -> conversion."""
    check_items: bool = True
    """Reject lines whose SKU is not in the OMS's item master."""
    item_ttl: timedelta = timedelta(hours=24)
    cancel_reason: str = "Customer Request"
    """The OMS's cancel reason id; tenants configure their own."""

    @model_validator(mode="after")
    def _a_hold_is_no_cancellation(self) -> Self:
        cancelled = {str(status) for status in self.cancel_statuses}
        if both := sorted(str(status) for status in self.hold_statuses if str(status) in cancelled):
            raise ValueError(
                f"status {both[0]} is in hold_statuses and in cancel_statuses; an order is held or cancelled, not both"
            )
        if blank := [status for status, hold in self.hold_statuses.items() if not hold.strip()]:
            raise ValueError(
                f"hold_statuses names no hold type for status {blank[0]}; use the OMS's hold type id"
            )
        return self

    @property
    def outgoing(self) -> frozenset[str]:
        """Return the statuses in which an order goes out, on hold or not."""
        return frozenset(str(status) for status in (*self.export_statuses, *self.hold_statuses))


class InventoryPolicy(Config):
    """What the store shows of the OMS's stock."""

    mode: Literal["aggregate", "by_node"] = "aggregate"
    """``aggregate``: one number of the network view at one store location; ``by_node``: each node feeds its own location."""
    view: str = "NetworkView"
    nodes: dict[str, str] = Field(default_factory=dict)
    """OMS location id -> store location code (``by_node``)."""
    store_location: str = "default"
    """Store location code that the aggregate feeds; ``default`` is the store's default location."""
    safety_stock: Annotated[int, Field(ge=0)] = 0
    channel_buffer: Annotated[int, Field(ge=0)] = 0
    """Units kept back from this channel, beside the safety stock."""
    sku_buffers: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    backorder_skus: tuple[str, ...] = ()
    """SKUs that may be sold before they arrive: expected supply counts as available."""
    missing_item: Literal["skip", "zero"] = "skip"
    infinite: Literal["stop_tracking", "number", "skip"] = "skip"
    infinite_quantity: Annotated[int, Field(gt=0)] = 9999
    subtract_undelivered: bool = True
    """Take off what has been ordered but has not reached the OMS yet, which its availability can't know."""
    interval: timedelta = timedelta(seconds=60)
    catalog_ttl: timedelta = timedelta(minutes=15)


class ShipmentsPolicy(Config):
    """How the OMS's milestones show in the store."""

    carriers: dict[str, str] = Field(default_factory=dict)
    """OMS carrier code -> our courier code, beside the built-in aliases."""
    milestone_statuses: dict[str, int | str | None] = Field(default_factory=dict)
    """Overrides of the connector's table milestone -> store status; null sends none."""


class Limits(Config):
    """For how long things may stand still before someone should look; held against the ledger by ``history.lag`` and ``history.stuck``."""

    probe: timedelta = timedelta(minutes=5)
    """No successful look at a source for so long: the daemon, the network or the credentials are at fault."""
    silence: dict[StreamName, timedelta] = Field(default_factory=dict)
    """Stream -> how long it may go without a change; a stream that is not named may be quiet for as long as it likes."""
    captured_not_delivered: timedelta = timedelta(minutes=15)
    delivered_not_acknowledged: timedelta = timedelta(hours=1)
    """The OMS took the order, but its own list of orders has not shown it yet."""
    released_not_shipped: timedelta = timedelta(days=3)
    shipped_not_at_store: timedelta = timedelta(minutes=30)


class Webhooks(Config):
    """Where the systems of a connection send their webhooks; without this section nothing is taken in and nothing registered."""

    destination: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")]
    """Public address under which ``lockstep webhooks`` can be reached; https on port 443, or http on this machine's loopback."""

    @model_validator(mode="after")
    def _safe_address(self) -> Self:
        parts = urlsplit(self.destination)
        if parts.scheme == "https" and parts.port not in (None, 443):
            raise ValueError("destination: stores send webhooks to port 443 only")
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError(
                "destination: webhooks travel by https; http is for this machine's own loopback"
            )
        return self

    def url(self, connection: str, system: Literal["platform", "oms"]) -> str:
        """Return the address of one system of a connection."""
        return f"{self.destination.rstrip('/')}/hooks/{connection}/{system}"


class Connection(Config):
    """One store, one OMS organisation, and the rules between them."""

    owner: str = "team:operations"
    description: str = ""
    lane: str | None = None
    """Connections that name the same lane share a sensor and a live run; by default each has its own."""
    platform: SystemSection
    oms: SystemSection
    orders: OrdersPolicy = OrdersPolicy()
    inventory: InventoryPolicy = InventoryPolicy()
    shipments: ShipmentsPolicy = ShipmentsPolicy()
    addresses: AddressRules = AddressRules()
    streams: tuple[StreamName, ...] = ("orders", "inventory", "shipments")
    overlap: timedelta = timedelta(seconds=120)
    """How far a live window reaches back, for records that became visible late."""
    poll_interval: timedelta = timedelta(seconds=5)
    rejection_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of rejected records above which a batch of at least 20 fails: then the system is at fault, not the records."""
    max_attempts: Annotated[int, Field(ge=1)] = 5
    """Delivery attempts before a record's delivery is dead and an open rejection."""
    freshness_limit: timedelta = timedelta(minutes=30)
    limits: Limits = Limits()
    webhooks: Webhooks | None = None


class Alerts(Config):
    """Whom to tell of failed runs and of streams that stand still."""

    url: SecretRef
    """An incoming webhook's address; whoever knows it can post there, so it is a secret."""


class Retention(Config):
    """For how long the ledger keeps what it may forget; what is not named is kept for ever. Open work is kept in any case."""

    capture: Annotated[timedelta, Field(ge=timedelta(days=7))] | None = None
    """Payloads as the sources sent them, month by month; a record whose payload is gone can't be validated again."""
    record: Annotated[timedelta, Field(ge=timedelta(days=7))] | None = None
    """Outcomes with their orders, lines, stock and events: what ``history`` shows. Not shorter than ``capture``."""
    message_log: Annotated[timedelta, Field(ge=timedelta(days=1))] | None = None
    batch: Annotated[timedelta, Field(ge=timedelta(days=2))] | None = None
    rejection: Annotated[timedelta, Field(ge=timedelta(days=1))] | None = None
    """Closed ones, from the day on which they were closed."""
    inbox: Annotated[timedelta, Field(ge=timedelta(days=2))] | None = None
    """Webhooks that were taken up; longer than stores try to send one again, else a repeated one is new."""
    rerun: Annotated[timedelta, Field(ge=timedelta(days=1))] | None = None
    drift: Annotated[timedelta, Field(ge=timedelta(days=1))] | None = None
    """Differences that were healed or have gone."""

    @model_validator(mode="after")
    def _outcomes_outlive_payloads(self) -> Self:
        if self.record is not None and (self.capture is None or self.capture > self.record):
            raise ValueError(
                "record must not be kept for less time than capture: a payload without its outcome would be validated anew"
            )
        return self


class Installation(Config):
    """The whole of ``connections.yaml``."""

    archive: Path | None = None
    """Folder of the daily Parquet files; by default ``archive`` in Lockstep's own folder (``LOCKSTEP_HOME``, else ``.lockstep``)."""
    retention: Retention = Retention()

    start_date: date = date(2026, 1, 1)
    """First partition of every chain."""
    alerts: Alerts | None = None
    connections: dict[ConnectionName, Connection] = Field(min_length=1)

    @property
    def start(self) -> datetime:
        """Return the first partition's first moment."""
        return datetime(
            self.start_date.year, self.start_date.month, self.start_date.day, tzinfo=UTC
        )
