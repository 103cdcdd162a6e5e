"""Settings of a Salesforce connection, and facts about its API, unverified ones marked."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from domain.identity import Identity, normalised_address
from domain.policies import Config, SecretRef
from resources.connector import SystemSettings
from resources.platforms.salesforce.product_settings import (
    ApiName,
    Name,
    ProductSettings,
    RecordId,
)
from resources.platforms.salesforce.statuses import STATUSES, Region, StatusNames

Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")]

KEY_FIELD = "Lockstep_Key__c"
"""External id of the shipments, their items, fulfilment orders and history that Lockstep makes."""
LINE_FIELD = "Lockstep_Line__c"
"""Of a shipment's item: the order item summary that it is of. The standard object has no such field
in its reference (platforms.md 3.4)."""
PICKUP_FIELD = "Lockstep_Pickup_Location__c"
"""Of an order delivery group summary: the location of a pick-up."""
RETURN_FIELD, TRACKING_FIELD = "Lockstep_Return__c", "Lockstep_Tracking__c"
"""Of a return order: the OMS's id of the return, and the tracking numbers of its parcels."""
REFUNDED_FIELD = "Lockstep_Refunded__c"
"""Of a line of a return order: units for which the shopper has the money."""
HISTORY, HISTORY_ORDER = "Lockstep_Status__c", "Order_Summary__c"
HISTORY_STATUS, HISTORY_TIME = "Status__c", "Occurred_At__c"
"""The object of the status history, and its fields. All custom ones are in deploy/salesforce."""
ACTION, NEW = "Lockstep_Action__c", "New"
"""The object of agents' requests, and the status of one that Lockstep has not decided yet."""
ACTION_STATUS, ACTION_REASON, ACTION_DECIDED = "Status__c", "Reason__c", "Decided_At__c"
"""Its fields that Lockstep writes."""

CLIENT = "lockstep"
"""What each call states as its client, and change events as their origin."""

DAY_SECONDS = 86_400.0
ASK_AGAIN_SECONDS = 3_600.0
"""The day's limit counts the last 24 hours, so some of it comes back at any time."""
TOKEN_SECONDS = 3_600
"""For how long a token is used, as no answer states its lifetime; the org's session setting is at
least a quarter of an hour, and a session that has ended is renewed anyway."""
ASSERTION_SECONDS = 150
"""For how long an assertion is valid. UNVERIFIED: the org takes at most three minutes by its own
clock, so that one that is half a minute behind ours still takes it."""
DOMAINS = ("salesforce.com",)
"""Where an instance may be."""
IDS_A_CALL = 200
"""Ids or SKUs in one condition: the URL stays below 16 KB."""
CATALOG_PAGE = 2_000
STOCK_BATCH = 100
"""SKUs of a call to Omnichannel Inventory."""
PRICE_BATCH = 100
"""Prices of a collection, each of which is up to two records, of 200 at most."""
MOST_LOCKED = 5
"""How often a write finds its records locked before it has to wait for a later try."""


class EventSettings(Config):
    """A managed subscription of the Pub/Sub API to the changes of the org's records."""

    subscription: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
    """Developer name of the managed event subscription."""
    org_id: RecordId
    """Id of the org, which each call names."""
    endpoint: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+:[0-9]{1,5}$")] = (
        "api.pubsub.salesforce.com:7443"
    )
    secure: bool = True
    """False only where the endpoint is this machine's own, as in tests."""
    wait: Annotated[float, Field(gt=0, le=5)] = 1.0
    """Seconds that a tick waits for events: the API says within 270 seconds that there are none."""
    timeout: Annotated[float, Field(gt=0, le=30)] = 5.0
    """Seconds for the answer to a commit."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if not self.secure and self.endpoint.rpartition(":")[0] not in ("127.0.0.1", "localhost"):
            raise ValueError("events: a token goes to another machine by TLS only")
        return self


class ReturnStatusNames(Config):
    """What an org writes for the states of a return order. UNVERIFIED: the defaults in any org."""

    open: Name = "Approved"
    """The OMS has the return; the vendor takes new ones as Submitted or Approved only."""
    closed: Name = "Closed"
    """All units that are not canceled are taken back."""
    canceled: Name = "Canceled"

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if len({self.open, self.closed, self.canceled}) < 3:
            raise ValueError("return_statuses: two states of a return order are written alike")
        return self


class StockObject(Config):
    """The custom object that has the levels of stock, and its fields; ``null``: it has none."""

    object: ApiName = "Lockstep_Stock__c"
    sku: ApiName = "SKU__c"
    """The SKU; without ``location`` the external id, since a SKU has one record then."""
    available: ApiName = "Available__c"
    """The number of units that may be sold."""
    location: ApiName | None = "Location__c"
    """The location, as ``inventory.nodes`` or ``inventory_location`` name it."""
    key: ApiName | None = KEY_FIELD
    """With ``location``, the external id: location and SKU."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.location is None) != (self.key is None):
            raise ValueError("inventory: location and key belong together; set both or none")
        if len(set(self.fields)) < len(self.fields):
            raise ValueError("inventory: two settings name one field")
        return self

    @property
    def external_id(self) -> str:
        """Return the field that makes a record unique."""
        return self.key or self.sku

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields that are written."""
        return tuple(filter(None, (self.sku, self.available, self.location, self.key)))


class RegionSettings(Config):
    """The orders of some countries or stores, whose statuses are written differently."""

    countries: tuple[Name, ...] = ()
    """Billing countries: as the orders state them, or as a code or name of the same country."""
    sales_store_ids: tuple[RecordId, ...] = ()
    statuses: dict[str, Name] = Field(min_length=1)
    """Connector's status -> the org's value of ``OrderSummary.Status`` in this region."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        _check_statuses(self.statuses)
        return self


class SalesforceSettings(SystemSettings):
    """The ``platform`` section of a connection to Salesforce."""

    kind: Literal["salesforce"] = "salesforce"
    my_domain: Address
    """Such as ``https://acme.my.salesforce.com``: where tokens are asked for. Requests go to the
    instance that comes with the token."""
    api_version: Annotated[str, StringConstraints(pattern=r"^v(5[89]|[6-9]\d)\.0$")] = "v66.0"
    """At least v58.0, whose sub-queries have more than one level."""
    client_id: str
    client_secret: SecretRef | None = None
    """With it, tokens are asked for by client credentials."""
    private_key: SecretRef | None = None
    """With it, by assertions that this RSA key signs (PEM; the app has its certificate)."""
    username: str | None = None
    """Of the integration user, in whose name an assertion is signed."""
    audience: Address | None = None
    """Of an assertion; by default the My Domain. UNVERIFIED: that all apps take that one, as new
    ones do; an older one may want ``https://login.salesforce.com``, or ``test`` for a sandbox."""
    login_url: Address | None = None
    """Where an assertion is sent; by default the My Domain."""
    scope: str = ""
    """Scopes to ask for; by default those of the app. An assertion can't ask for any."""
    sales_store_id: RecordId | None = None
    """The one store of this connection; without it, all order summaries of the org."""
    daily_calls: int = Field(default=100_000, ge=1)
    """The org's limit of calls in 24 hours; each answer corrects it."""
    daily_share: float = Field(default=0.8, gt=0, le=1)
    """The share of the day's calls after which Lockstep waits: other apps need some, too."""
    page_size: int = Field(default=200, ge=1, le=2_000)
    write_concurrency: int = Field(default=8, ge=1, le=20)
    timeout: float = Field(default=60.0, gt=0)
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    """Of an org with a single currency, whose records have no ``CurrencyIsoCode``."""
    statuses: dict[str, Name] = Field(default_factory=dict)
    """Connector's status -> the org's value of ``OrderSummary.Status``, where they differ."""
    regions: tuple[RegionSettings, ...] = ()
    pickup_methods: tuple[Name, ...] = ()
    """Names of order delivery methods by which the shopper picks the order up."""
    digital_methods: tuple[Name, ...] = ()
    """Those of goods that are sent by e-mail."""
    reads_pickup_location: bool = False
    """Read the custom field with the location of a pick-up; it must be installed."""
    reads_po_number: bool = False
    """Read the original order's ``PoNumber``: its object must be readable. UNVERIFIED: that the
    order summary itself has none."""
    reads_prices: bool = False
    """In the stream catalog, read the products' entries of the standard price book: it must be
    readable. A change of a price is a change of its product then."""
    products: ProductSettings = ProductSettings()
    """Where the org keeps what ``Product2`` has no standard field for, in the stream catalog."""
    description_note: Literal["customer", "staff"] | None = None
    """Whose note ``OrderSummary.Description`` is; by default it is left out."""
    gift_wrap_names: tuple[Name, ...] = ()
    """Names of fees that are gift wrap."""
    person_accounts: bool = False
    """Of customers: accounts may be persons."""
    carriers: dict[str, str] = Field(default_factory=dict)
    """Our courier code -> the value of ``Shipment.Provider``; by default the OMS's name of it."""
    fulfilled_from: RecordId | None = None
    """Id of the ``Location`` of fulfilment orders; without it parcels are shipments only."""
    return_statuses: ReturnStatusNames = ReturnStatusNames()
    """What the org writes for the states of return orders, in the stream ``returns``."""
    events: EventSettings | None = None
    """Where the org's change events are pulled from; without it changes are found by polling."""
    has_history: bool = True
    """Write each status to the status history, too; its object must be installed."""
    has_actions: bool = True
    """Read agents' requests in the stream ``actions``; their object must be installed."""
    sale_pricebooks: dict[Name, RecordId] = Field(default_factory=dict)
    """List of the store (``catalog``, or a price book's id) -> the price book of its sale prices.

    Without it sale prices are rejected. UNVERIFIED: that the store shows its buyers the lower of
    the two, which its price books' assignment and the pricing strategy decide."""
    stock_upload_from: Annotated[int, Field(gt=STOCK_BATCH, le=5_000)] | None = None
    """From how many levels of a location on they are uploaded as a file; by default never."""
    inventory: StockObject | None = None
    """The custom object that has the stock, where it is not in Omnichannel Inventory."""
    inventory_location: Name = "default"
    """External reference of the location that ``default`` means."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        _check_statuses(self.statuses)
        if self.inventory is not None and self.stock_upload_from is not None:
            raise ValueError("stock_upload_from belongs to Omnichannel Inventory, not to inventory")
        if (self.client_secret is None) == (self.private_key is None):
            raise ValueError("set one of client_secret (client credentials) and private_key (JWT)")
        asserted = (self.username, self.audience, self.login_url)
        if self.private_key is None and any(asserted):
            raise ValueError("username, audience and login_url belong to private_key")
        if self.private_key is not None and not self.username:
            raise ValueError("private_key needs username: the user in whose name Lockstep works")
        if self.private_key is not None and self.scope:
            raise ValueError("scope: an assertion gets the scopes that the app's user has")
        return self

    @property
    def secret(self) -> SecretRef:
        """Return the place of the one credential that is secret."""
        found = self.private_key or self.client_secret
        assert found is not None  # noqa: S101 - validated above
        return found

    @property
    def data_path(self) -> str:
        """Return the path of the data API at an instance."""
        return f"/services/data/{self.api_version}"

    @property
    def bucket(self) -> str:
        """Return the name of the quota that all connections to this org share."""
        return f"salesforce:{normalised_address(self.my_domain)}"

    @property
    def identity(self) -> Identity:
        """Return the org and the store that this section serves."""
        account = f"Salesforce org {normalised_address(self.my_domain)}"
        queue = f"{account}, {self.events.subscription}" if self.events is not None else ""
        return Identity(account, self.sales_store_id, "store", bucket=self.bucket, queue=queue)

    @property
    def names(self) -> StatusNames:
        """Return what the org writes for statuses."""
        return StatusNames(
            self.statuses,
            [Region(r.countries, r.sales_store_ids, r.statuses) for r in self.regions],
        )


def _check_statuses(statuses: dict[str, str]) -> None:
    unknown = sorted(statuses.keys() - set(STATUSES))
    if unknown:
        known = ", ".join(STATUSES)
        raise ValueError(f"statuses: {', '.join(unknown)} is none of the connector's: {known}")
    if len(set(statuses.values())) < len(statuses):
        raise ValueError("statuses: two statuses of the connector are written alike")
