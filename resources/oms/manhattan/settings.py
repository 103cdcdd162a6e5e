"""Settings of a Manhattan connection: every path, name and code that may differ by tenant.

No live call was made to the vendor. What public material does not confirm is marked UNVERIFIED
below and listed in this folder's README, so that it can be changed in ``connections.yaml`` without
changing the code.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationInfo, field_validator, model_validator

from domain.identity import Identity, normalised_address
from domain.policies import Config, InventoryPolicy, SecretRef
from domain.records.orders import ChargeKind, DeliveryMethod
from resources.connector import SystemSettings
from resources.http.signatures import HmacScheme

Path = Annotated[str, Field(pattern=r"^/")]
Url = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
Count = Annotated[int, Field(ge=1)]
OrderValue = Literal["source_id", "number", "store", "channel", "purchase_order"]


class ManhattanPaths(Config):
    """Endpoints; ``{order_id}`` is replaced by the order's id."""

    save: Path = "/order/api/order/order/save"
    bulk_create: Path = "/order/api/order/order/bulkImport"
    """UNVERIFIED: the suffix is that of other entities' services; see ``orders_per_call``."""
    read: Path = "/order/api/order/order/orderId/{order_id}"
    cancel: Path = "/order/api/order/order/orderId/{order_id}/cancel"
    order_search: Path = "/order/api/order/order/search"
    item_search: Path = "/item/api/item/item/search"
    """UNVERIFIED: the suffix is that of other entities' searches."""
    item_save: Path = "/item/api/item/item/save"
    customer_save: Path = "/customer/api/customer/customer/save"
    customer_search: Path = "/customer/api/customer/customer/search"
    """UNVERIFIED: the suffix is that of other entities' searches."""
    price_search: Path = "/pricepromo/api/pricepromo/itemPrice/search"
    """UNVERIFIED: the suffix is that of other entities' searches."""
    network_availability: Path = "/inventory/api/availability/availabilitydetail"
    location_availability: Path = "/inventory/api/availability/location/availabilitydetail"


class ManhattanNames(Config):
    """Attribute names that differ by tenant or release, and names that are assumed."""

    import_flag: str | None = "IsImport"
    """Public payloads spell it ``IsImport`` or ``IsImported``; null leaves it out."""
    stamp: str = "UpdatedTimestamp"
    item_id: str = "ItemId"
    item_uom: str = "BaseUOM"
    """UNVERIFIED: the item master's unit of measure."""
    item_uoms: str | None = "AlternateUOM"
    """UNVERIFIED: the item's further units, as texts or as objects with a unit.

    Null where the item master has no such attribute.
    """
    item_description: str = "Description"
    base_price: str = "BasePrice"
    """The regular price; its row is searched by ``item_id``, and is the price that applies now."""
    selling_price: str = "SellingPrice"
    """What is asked now, the regular price or a lower one."""
    price_currency: str | None = "CurrencyCode"
    """UNVERIFIED. Null where rows state none: ``prices.currency`` does then."""
    price_list: str | None = None
    """The attribute that names a price list or market, where a tenant has several.

    UNVERIFIED, as are the next two."""
    price_from: str | None = None
    """The attribute from when on a price applies; null where all rows apply now."""
    price_until: str | None = None
    """The attribute until when it applies."""
    locations: str = "Locations"
    """UNVERIFIED: the list of locations in the location availability request."""
    company: str | None = "Address3"
    """The attribute for the company, which addresses lack; null drops it."""
    customer_company: str | None = "CompanyName"
    """UNVERIFIED, as are all attributes of customers but ``CustomerId`` and ``IsActive``."""
    customer_group: str | None = None
    """The attribute for the id of the customer's group at the store; null drops it."""
    customer_locale: str | None = None
    """The attribute for the language in which the customer is written to; null drops it."""
    customer_consent: str | None = None
    """The attribute for the consent to marketing messages, true or false; null drops it."""
    extended: dict[str, OrderValue] = Field(default_factory=dict)
    """Custom attribute below the order's ``Extended`` -> the value to put there.

    Without one for ``purchase_order`` a buyer's own number of the order is a note.
    """


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
    """UNVERIFIED: for the cents by which a line's total differs from quantity times unit price."""
    discount_on: str | None = "ItemPrice"
    tax_type: str = "Sales"
    """UNVERIFIED: tax types are the tenant's own."""
    processing_mode: str | None = None
    """Some tenants require ``ExternalProcessing`` on payments that the store has taken."""
    note_types: dict[Literal["customer", "staff", "gift", "line", "form"], str] = {
        "customer": "Customer",
        "staff": "Internal",
        "gift": "GiftMessage",
    }
    """UNVERIFIED. ``line``: what the shopper has entered for a line; ``form``: fields of the
    store's own, of a shipping or the billing address; both are customers' notes unless named."""
    transaction_failed: str = "Failure"
    """UNVERIFIED: counterpart of the response status ``Success``."""
    line_not_eligible: tuple[str, ...] = ("MODIFICATION_NOT_ALLOWED", "CANCEL_NOT_ALLOWED")
    """UNVERIFIED: codes of the all-or-nothing refusal; business keys hold the line's id."""
    cancel_requested: tuple[str, ...] = ("requested", "pending", "temporarilyrejected")
    """UNVERIFIED, as are the two below.

    Values of ``PostReleaseModificationStatus`` and ``cancellationRequestStatus``, compared by
    letters and digits only, in any case. A temporary rejection (the line is being picked) is not
    final.
    """
    cancel_accepted: tuple[str, ...] = ("accepted", "approved", "success")
    cancel_rejected: tuple[str, ...] = ("rejected", "failed")
    stock_statuses: dict[str, Literal["in_stock", "limited", "out_of_stock", "unknown"]] = {
        "0": "out_of_stock",
        "1": "limited",
        "2": "in_stock",
    }
    """StatusCode -> our status. UNVERIFIED: 1."""
    refunded_return_types: tuple[str, ...] = ("Refund",)
    """``ReturnTypeId`` of returns whose price goes back to the shopper; a line without one counts.

    UNVERIFIED but for ``Refund``; others, such as exchanges and credits, are not refunded."""
    unknown_item_statuses: tuple[str, ...] = ()
    """UNVERIFIED: values of ``Status`` that mark an item unknown to a network view."""

    @field_validator("delivery_methods", "charge_types", "note_types")
    @classmethod
    def _add_defaults(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        return {**cls.model_fields[str(info.field_name)].default, **value}


class EventScheme(HmacScheme):
    """How the tenant's events are signed, and which attribute of a message names what changed."""

    order_id: str = "OrderId"
    inventory_ids: tuple[str, ...] = ("ItemId", "TransactionNumber")
    """Attributes that mark a message about stock; no order event has them."""


class ManhattanSettings(SystemSettings):
    """The ``oms`` section of a connection of kind ``manhattan``."""

    kind: Literal["manhattan"] = "manhattan"
    base_url: Url
    """``https://<tenant>.omni.manh.com``."""
    inventory_base_url: Url | None = None
    """Where availability has a host of its own; ``base_url`` by default."""
    token_url: Url
    """``https://<tenant>-auth.omni.manh.com/oauth/token``."""
    hosts: tuple[str, ...] = ()
    """Further hosts that may receive credentials.

    ``token_url`` and ``inventory_base_url`` must be in the domain of ``base_url`` or listed here.
    """
    client_id: str
    client_secret: SecretRef
    grant: Literal["password", "client_credentials"] = "password"
    """UNVERIFIED: ``client_credentials``."""
    username: str = ""
    password: SecretRef | None = None
    organization: str
    organization_header: str | None = None
    """UNVERIFIED: sister products use ``selectedOrganization``; sent only if named here."""
    location: str = ""
    location_header: str | None = None
    """UNVERIFIED: ``selectedLocation``, likewise."""
    trace_header: str = "x-trace-id"
    """UNVERIFIED: answer header with the vendor's trace id; events have ``TRACE_ID``."""
    token_fallback_seconds: Count = 1800
    """UNVERIFIED: a token's lifetime where the answer has no ``expires_in``."""
    timeout: Annotated[float, Field(gt=0)] = 30.0
    requests_per_second: Count = 10
    """UNVERIFIED, as is the next: the vendor publishes no limit."""
    push_concurrency: Count = 4
    orders_per_call: Annotated[int, Field(ge=1, le=100)] = 1
    """New orders that a call of ``paths.bulk_create`` creates; 1 saves each on its own.

    UNVERIFIED, so off unless set: the service is documented, its path, body and limit are not.
    """
    read_concurrency: Count = 2
    item_page_size: Count = 100
    price_page_size: Count = 100
    """UNVERIFIED: the most SKUs, and the most rows, of a search for prices."""
    stock_page_size: Count = 100
    """UNVERIFIED: the most items that an availability call takes."""
    search_page_size: Count = 100
    search_template: dict[str, object] | None = None
    """The ``Template`` of order searches; null asks for whole orders."""
    naive_time_zone: str = "UTC"
    """UNVERIFIED: the zone of time stamps without one."""
    network_view: str = "NetworkView"
    """The view of availability that is read where ``inventory.view`` names none."""
    push: EventScheme | None = None
    """UNVERIFIED: the vendor publishes to queues; a relay of the tenant signs and forwards."""
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
                f"{value!r} is not a time zone; use a name such as UTC or America/New_York"
            ) from error
        return value

    @model_validator(mode="after")
    def _password_grant_is_complete(self) -> Self:
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
                    f"{name}: the host {host} is not in the domain of base_url ({home}); "
                    "if it is yours, list it in hosts"
                )
        return self

    @property
    def zone(self) -> tzinfo:
        """Return the zone of time stamps without one."""
        return ZoneInfo(self.naive_time_zone)

    @property
    def identity(self) -> Identity:
        """Return the tenant and the organisation.

        UNVERIFIED whether the tenant ignores case in organisations and order ids; ids are kept
        apart as if it did.
        """
        address, organization = (
            normalised_address(self.base_url),
            self.organization.strip().casefold(),
        )
        return Identity(
            f"manhattan {address}",
            organization,
            part_name="organization",
            ids_ignore_case=True,
            bucket=f"manhattan:{address}/{organization}",
        )

    def view(self, policy: InventoryPolicy) -> str:
        """Return the view of availability that a connection reads."""
        return policy.view or self.network_view

    @property
    def availability_url(self) -> str:
        """Return the base URL of availability calls."""
        return self.inventory_base_url or self.base_url


def _domain(host: str) -> str:
    """Return a host without its first label: ``omni.manh.com`` of ``acme.omni.manh.com``.

    A host of two labels and an IP address are returned unchanged.
    """
    labels = host.split(".")
    return host if len(labels) < 3 or labels[-1].isdigit() else ".".join(labels[1:])
