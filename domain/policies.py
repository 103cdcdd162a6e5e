"""Policies of a connection's streams: what an integration engineer decides about each of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from domain.milestones import Milestone
from domain.records.actions import Permission


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"{name!r} is not a time zone; use a name such as UTC or America/New_York"
        ) from error
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""The name of a time zone, such as America/New_York."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
StoreList = Annotated[str, StringConstraints(pattern=r"^[^\s/]([^/]{0,98}[^\s/])?$")]
OmsField = Literal["title", "description", "warranty", "images", "brand", "categories"]
Money = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=4)]


class Config(BaseModel):
    """Base of the configuration models: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SecretRef(Config):
    """The place of a secret: an environment variable or a file, never the value itself."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("name exactly one place of the secret: env: VARIABLE or file: PATH")
        return self


class UomRule(Config):
    """``factor`` OMS units make one store unit (a case of 12: ``uom: EACH``, ``factor: 12``)."""

    uom: str = "EACH"
    """The unit in which the OMS gets and ships orders."""
    factor: Annotated[Decimal, Field(gt=0)] = Decimal(1)
    stock_factor: Annotated[Decimal, Field(gt=0)] | None = None
    """How many of the units in which the OMS states stock make one store unit.

    By default ``factor``, which is right where ``uom`` is the item's base unit.
    """

    @property
    def of_stock(self) -> Decimal:
        """Return the factor that applies to the OMS's stock."""
        return self.factor if self.stock_factor is None else self.stock_factor


class OrdersPolicy(Config):
    """Which orders go to the OMS, and how their codes are translated."""

    export_statuses: tuple[int | str, ...] | None = None
    """Store statuses that are exported; others are skipped by the rule ``status_not_exported``.

    The platform's connector has the default, as it has of the other statuses.
    """
    hold_statuses: dict[int | str, str] = Field(default_factory=dict)
    """Store status -> the OMS's hold type id (such as ``Fraud Review``).

    Such an order is exported too, and stays on hold at the OMS until the store's status changes to
    another one that is exported or updated.
    """
    cancel_statuses: tuple[int | str, ...] | None = None
    """Store statuses that cancel an order which the OMS has."""
    update_statuses: tuple[int | str, ...] | None = None
    """Further store statuses in which changes of an order are still sent to the OMS."""
    deleted: Literal["report", "cancel"] | None = None
    """What becomes of an order at the OMS that the store has deleted or archived: it is canceled
    there, or becomes a rejection (``report``). The platform's connector has the default."""
    start_date: datetime | None = None
    """Orders placed before this moment are skipped by the rule ``before_start_date``."""
    order_id_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,20}$")] = ""
    """Of the ids of orders, and of customers (``domain.rules.customers``), at the OMS."""
    shipping_methods: dict[str, str] = Field(default_factory=dict)
    """Store's shipping method -> OMS's id; compared without case and surrounding spaces."""
    default_shipping_method: str | None = None
    """Used for methods that are not mapped; without it their orders are rejected."""
    payment_methods: dict[str, str] = Field(default_factory=dict)
    default_payment_method: str = "Other"
    pickup_locations: dict[str, str] = Field(default_factory=dict)
    """Store's location code -> OMS location id."""
    ship_from: Literal["oms", "store"] | None = None
    """What decides where a line ships from, where the store names the location whose stock was
    sold. By default the OMS, as with ``oms``, but with a warning."""
    ship_from_nodes: dict[str, str] = Field(default_factory=dict)
    """Store's location code -> OMS location id, in addition to ``inventory.nodes`` turned round."""
    ship_from_unknown: Literal["reject", "warn"] = "reject"
    """With ``ship_from: store``: what becomes of an order with a location that is not mapped."""
    selling_channels: dict[str, str] = Field(default_factory=dict)
    default_selling_channel: str = "Web"
    uom: str = "EACH"
    uom_rules: dict[str, UomRule] = Field(default_factory=dict)
    """SKU -> conversion, of orders, stock and shipments; other SKUs have one unit for both."""
    check_items: bool = True
    """Reject lines whose SKU is not in the OMS's item master."""
    item_ttl: timedelta = timedelta(hours=24)
    cancel_reason: str = "Customer Request"
    """The OMS's cancel reason id; tenants configure their own."""

    @model_validator(mode="after")
    def _named_holds(self) -> Self:
        if blank := [status for status, hold in self.hold_statuses.items() if not hold.strip()]:
            raise ValueError(
                f"hold_statuses names no hold type for status {blank[0]}; use the OMS's id"
            )
        return self


class InventoryPolicy(Config):
    """How the OMS's stock is shown in the store."""

    mode: Literal["aggregate", "by_node"] = "aggregate"
    """``aggregate``: all nodes in one store location; ``by_node``: each node in its own."""
    view: str | None = None
    """The OMS's view whose number is read; by default the OMS's own."""
    nodes: dict[str, str] = Field(default_factory=dict)
    """OMS location id -> store location code (``by_node``)."""
    store_location: str = "default"
    """Store location code for the aggregate; ``default`` is the store's default location."""
    safety_stock: Annotated[int, Field(ge=0)] = 0
    """Units of the store (cases, where it sells cases), as are all quantities of this section."""
    channel_buffer: Annotated[int, Field(ge=0)] = 0
    """Units reserved from this channel, in addition to the safety stock."""
    sku_buffers: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    backorder_skus: tuple[str, ...] = ()
    """SKUs that may be sold before they arrive: expected supply counts as available."""
    missing_item: Literal["skip", "zero"] = "skip"
    """What the store shows of an item, or of a node's row, that the OMS does not have or no longer:
    the number it had, or 0."""
    most_missing: Annotated[float, Field(gt=0, le=1)] = 0.5
    """A read that lacks more of the known levels than this share fails, and changes nothing."""
    infinite: Literal["stop_tracking", "number", "skip"] = "skip"
    """What the store shows of an item that the OMS sells without limit.

    ``stop_tracking`` switches off the product's tracking, and on again once there is a number. A
    product whose variants are tracked has one setting for all of them: its SKUs show
    ``infinite_quantity``.
    """
    infinite_quantity: Annotated[int, Field(gt=0)] = 9999
    subtract_undelivered: bool = True
    """Subtract ordered units that the OMS's stock does not contain yet."""
    interval: timedelta = timedelta(seconds=60)
    catalog_ttl: timedelta = timedelta(minutes=15)
    catalog_shrink: Annotated[float, Field(ge=0, le=1)] = 0.2
    """A catalog that comes back smaller by more than this share is an error and no deletion."""


class ShipmentsPolicy(Config):
    """How the OMS's milestones are shown in the store."""

    carriers: dict[str, str] = Field(default_factory=dict)
    """OMS carrier code -> our carrier code, in addition to the built-in aliases."""
    milestone_statuses: dict[Milestone, int | str | None] = Field(default_factory=dict)
    """Milestone -> store status, overriding the connector's table; null sends none."""


class CatalogPolicy(Config):
    """How the store's catalog is read, and compared with the OMS's item master."""

    full_read: Annotated[timedelta, Field(ge=timedelta(minutes=5))] = timedelta(hours=24)
    """How often all products are read: only that shows deletions, and what changed unannounced."""
    shrink: Annotated[float, Field(ge=0, le=1)] = 0.2
    """A whole read that comes back smaller by more than this share is an error and no deletion."""
    align_interval: timedelta = timedelta(hours=1)
    """How often changes lead to a new alignment; a rerun by an operator always does."""
    create_items: bool = False
    """Create an item at the OMS for each SKU that it lacks, and change the items that were created.

    Other items of the OMS are never changed.
    """
    create_products: Literal["never", "hidden", "visible"] = "never"
    """Create a product in the store for a listing whose SKU it does not have; shoppers see it at
    once, or once the merchant shows it."""
    create_brands: bool = False
    """Create a brand that a listing names and the store lacks; otherwise it is a rejection."""
    list_from_oms: bool = False
    """List the OMS's items in the store: create products that it lacks, as ``create_products``
    says, and keep the fields in ``oms_fields`` as the OMS has them (stream ``listings``)."""
    oms_fields: tuple[OmsField, ...] = ()
    """Fields of products that the OMS owns; the others are the merchant's once a product exists."""
    list_interval: Annotated[timedelta, Field(ge=timedelta(minutes=1))] = timedelta(hours=1)
    """How often the item master is read for the store."""
    weight_factor: Annotated[Decimal, Field(gt=0)] = Decimal(1)
    """How many of the store's units of weight make one of the OMS's."""
    attributes: dict[str, str] = Field(default_factory=dict)
    """Attribute or option of the store -> the OMS's attribute that sourcing and allocation need.

    A product without a value for one of them is reported. ``name``, ``brand``, ``category``,
    ``weight``, ``width``, ``height``, ``depth``, ``barcode`` and ``warranty`` are attributes, too.
    """


class PricesPolicy(Config):
    """Which prices of the OMS the store shows, and which changes wait for approval."""

    store_list: StoreList = "catalog"
    """Where prices go that are in no price list of the OMS; ``catalog``: the store's own prices.

    Other price lists are named as the store's connector says.
    """
    lists: dict[str, StoreList] = Field(default_factory=dict)
    """OMS's price list -> the store's; prices of other lists are skipped."""
    currency: Currency | None = None
    """The currency of prices for which the OMS states none; without it they are rejected."""
    only: tuple[Currency, ...] = ()
    """Currencies that are taken; a price in another is rejected. Empty: any."""
    max_change: Annotated[float, Field(gt=0)] | None = 0.5
    """The largest change that is sent without approval, as a share of what the store shows.

    Null: any. It is about the regular price, and about what shoppers pay.
    """
    first_price: Literal["hold", "send"] = "hold"
    """Whether a price waits for approval where the store has none to compare it with."""
    interval: timedelta = timedelta(minutes=15)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        named = [self.store_list, *self.lists.values()]
        targets = [_list_key(name) for name in named]
        if twice := [n for n, key in zip(named, targets, strict=True) if targets.count(key) > 1]:
            raise ValueError(
                f"several price lists of the OMS go to the store's list {twice[0]!r}: each would "
                "overwrite the other's prices. Give each a list of its own"
            )
        return self


def _list_key(name: str) -> tuple[str, ...]:
    """Return what a store's price list is called, however it is spelled.

    The order and spaces of its parts, and leading zeros of a number, make no other list.
    """
    return tuple(sorted(part.strip().lstrip("0") for part in name.split(",")))


OPERATOR = "operator"
"""The permission set of who uses the command line or Dagster's UI, unless they name another."""
ALL_PERMISSIONS: tuple[Permission, ...] = get_args(Permission)


class ActionsPolicy(Config):
    """What service agents may do with orders at the OMS (docs/actions.md)."""

    permissions: dict[str, tuple[Permission, ...]] = Field(
        default_factory=lambda: {OPERATOR: ALL_PERMISSIONS}
    )
    """Permission set -> what it allows. A set that is not listed may do nothing."""
    until: dict[Permission, Milestone] = Field(default_factory=dict)
    """Permission -> the last milestone of an order at which it may be used; if none is stated,
    the OMS alone decides whether it is too late. Nothing is held or rerouted once all has left."""
    hold: str = "Customer Service"
    """The OMS's hold type id of agents' holds. UNVERIFIED: tenants configure their own."""
    valid_for: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(days=3)
    """How old a request may be when it is carried out; an older one is refused."""
    folder: Path | None = None
    """A folder from which files of requests are taken (CSV, or a JSON object a line)."""
