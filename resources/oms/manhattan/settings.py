"""Settings of a Manhattan Active Omni connection: every path, name and code that differs by tenant or that nobody could verify.

No live call was made to the vendor. What public material does not confirm is marked UNVERIFIED below and listed in this folder's README,
so that a tenant can change it in ``connections.yaml`` without a change of code.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationInfo, field_validator, model_validator

from domain.connections import Config, SecretRef
from domain.records.orders import ChargeKind, DeliveryMethod
from resources.http.signatures import HmacScheme

Path = Annotated[str, Field(pattern=r"^/")]
Url = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
Count = Annotated[int, Field(ge=1)]


class ManhattanPaths(Config):
    """Endpoints; ``{order_id}`` is replaced by the order's id."""

    save: Path = "/order/api/order/order/save"
    read: Path = "/order/api/order/order/orderId/{order_id}"
    cancel: Path = "/order/api/order/order/orderId/{order_id}/cancel"
    order_search: Path = "/order/api/order/order/search"
    item_search: Path = "/item/api/item/item/search"
    """UNVERIFIED: the suffix is the one of other entities' searches."""
    network_availability: Path = "/inventory/api/availability/availabilitydetail"
    location_availability: Path = "/inventory/api/availability/location/availabilitydetail"


class ManhattanNames(Config):
    """Attribute names that differ by tenant or release, and those that are assumed."""

    import_flag: str | None = "IsImport"
    """Public payloads spell it ``IsImport`` or ``IsImported``; null sends none."""
    stamp: str = "UpdatedTimestamp"
    item_id: str = "ItemId"
    item_uom: str = "BaseUOM"
    """UNVERIFIED: the item master's unit of measure."""
    item_uoms: str | None = "AlternateUOM"
    """UNVERIFIED: the item's further units, as texts or as objects that hold one; null where the master has no such attribute."""
    item_description: str = "Description"
    locations: str = "Locations"
    """UNVERIFIED: the location availability request's list of locations."""
    company: str | None = "Address3"
    """Addresses have no company of their own; null drops it."""
    extended: dict[str, Literal["source_id", "number", "store", "channel"]] = Field(
        default_factory=dict
    )
    """Custom attribute below the order's ``Extended`` -> what to put there."""


class ManhattanCodes(Config):
    """Values of the tenant's configuration entities."""

    doc_type: str = "CustomerOrder"
    order_type: str = "Web"
    """UNVERIFIED: order types are the tenant's own."""
    delivery_methods: dict[DeliveryMethod, str] = {
        DeliveryMethod.SHIP: "ShipToAddress",
        DeliveryMethod.PICKUP: "PickUpAtStore",
        DeliveryMethod.EMAIL: "Email",
    }
    """UNVERIFIED: ``Email``; the two others were seen in payloads."""
    charge_types: dict[ChargeKind, str] = {
        ChargeKind.SHIPPING: "Shipping",
        ChargeKind.HANDLING: "Handling",
        ChargeKind.GIFT_WRAP: "GiftWrap",
        ChargeKind.FEE: "Fee",
    }
    """UNVERIFIED but for ``Shipping``."""
    discount_type: str = "Discount"
    promotion_type: str = "promotion"
    rounding_type: str = "Rounding"
    """UNVERIFIED: carries the cents by which a line's total differs from quantity times unit price."""
    discount_on: str | None = "ItemPrice"
    tax_type: str = "Sales"
    """UNVERIFIED: tax types are the tenant's own."""
    processing_mode: str | None = None
    """Some tenants want ``ExternalProcessing`` on payments that the store has taken."""
    note_types: dict[Literal["customer", "staff", "gift"], str] = {
        "customer": "Customer",
        "staff": "Internal",
        "gift": "GiftMessage",
    }
    """UNVERIFIED."""
    transaction_failed: str = "Failure"
    """UNVERIFIED: counterpart of the response status ``Success``."""
    line_not_eligible: tuple[str, ...] = ("MODIFICATION_NOT_ALLOWED", "CANCEL_NOT_ALLOWED")
    """UNVERIFIED: message codes of the all-or-nothing refusal; the line's id stands in the message's business keys."""
    cancel_requested: tuple[str, ...] = ("requested", "pending", "temporarilyrejected")
    """UNVERIFIED, as the two below: values of ``PostReleaseModificationStatus`` and ``cancellationRequestStatus``, compared without
    case, blanks and underscores. A temporary rejection (the line is being picked) is not the last word."""
    cancel_accepted: tuple[str, ...] = ("accepted", "approved", "success")
    cancel_rejected: tuple[str, ...] = ("rejected", "failed")
    stock_statuses: dict[str, Literal["in_stock", "limited", "out_of_stock", "unknown"]] = {
        "0": "out_of_stock",
        "1": "limited",
        "2": "in_stock",
    }
    """StatusCode -> our status. UNVERIFIED: 1."""
    unknown_item_statuses: tuple[str, ...] = ()
    """UNVERIFIED: values of ``Status`` by which a network view tells an item that it does not know from one without stock."""

    @field_validator("delivery_methods", "charge_types", "note_types")
    @classmethod
    def _defaults_fill_in(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        return {**cls.model_fields[str(info.field_name)].default, **value}


class ManhattanPush(HmacScheme):
    """How pushes of the tenant are signed, and which attribute of a message tells what changed."""

    order_id: str = "OrderId"
    inventory_ids: tuple[str, ...] = ("ItemId", "TransactionNumber")
    """Attributes that mark a message about stock, of which none is an order."""


class ManhattanSettings(Config):
    """The ``oms`` section of a connection of kind ``manhattan``."""

    kind: Literal["manhattan"] = "manhattan"
    base_url: Url
    """``https://<tenant>.omni.manh.com``."""
    inventory_base_url: Url | None = None
    """Where availability lives on a host of its own; ``base_url`` by default."""
    token_url: Url
    """``https://<tenant>-auth.omni.manh.com/oauth/token``."""
    hosts: tuple[str, ...] = ()
    """Further hosts that may get credentials: ``token_url`` and ``inventory_base_url`` are of ``base_url``'s domain, or named here."""
    client_id: str
    client_secret: SecretRef
    grant: Literal["password", "client_credentials"] = "password"
    """UNVERIFIED: ``client_credentials``."""
    username: str = ""
    password: SecretRef | None = None
    organization: str
    organization_header: str | None = None
    """UNVERIFIED: ``selectedOrganization`` was seen on sister products; sent only if named here."""
    location: str = ""
    location_header: str | None = None
    """UNVERIFIED: ``selectedLocation``, likewise."""
    trace_header: str = "x-trace-id"
    """UNVERIFIED: answer header with the vendor's trace id; outbound messages carry ``TRACE_ID``."""
    token_fallback_seconds: Count = 1800
    """UNVERIFIED: a token's lifetime where the answer has no ``expires_in``."""
    timeout: Annotated[float, Field(gt=0)] = 30.0
    requests_per_second: Count = 10
    """UNVERIFIED, as the next: the vendor publishes no limit."""
    push_concurrency: Count = 4
    read_concurrency: Count = 2
    item_page_size: Count = 100
    stock_page_size: Count = 100
    """UNVERIFIED: the most items an availability call takes."""
    search_page_size: Count = 100
    search_template: dict[str, object] | None = None
    """The order search's ``Template``; null asks for whole orders."""
    naive_time_zone: str = "UTC"
    """UNVERIFIED: the zone of time stamps that name none."""
    push: ManhattanPush | None = None
    """UNVERIFIED: the vendor publishes to queues, and what forwards the messages over HTTP, and signs them, is the tenant's own."""
    paths: ManhattanPaths = ManhattanPaths()
    names: ManhattanNames = ManhattanNames()
    codes: ManhattanCodes = ManhattanCodes()

    @field_validator("naive_time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"{value!r} is no time zone; use a name such as UTC or America/New_York"
            ) from error
        return value

    @model_validator(mode="after")
    def _password_grant_is_whole(self) -> Self:
        if self.grant == "password" and (not self.username or self.password is None):
            raise ValueError(
                "grant: password needs username and password (or set grant: client_credentials)"
            )
        return self

    @model_validator(mode="after")
    def _credentials_stay_in_the_domain(self) -> Self:
        home = urlsplit(self.base_url).hostname or ""
        for name, url in (
            ("token_url", self.token_url),
            ("inventory_base_url", self.inventory_base_url),
        ):
            host = urlsplit(url or "").hostname or home
            if host != home and host not in self.hosts and _domain(host) != _domain(home):
                raise ValueError(
                    f"{name}: the host {host} is not of the domain of base_url ({home}); if it is yours, name it in hosts"
                )
        return self

    @property
    def zone(self) -> tzinfo:
        """Return the zone of time stamps that name none."""
        return ZoneInfo(self.naive_time_zone)

    @property
    def availability_url(self) -> str:
        """Return the base of availability calls."""
        return self.inventory_base_url or self.base_url


def _domain(host: str) -> str:
    """Return a host without its first label (``omni.manh.com`` of ``acme.omni.manh.com``); one of two labels, and an address, as it is."""
    labels = host.split(".")
    return host if len(labels) < 3 or labels[-1].isdigit() else ".".join(labels[1:])
