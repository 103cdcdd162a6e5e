"""Settings of a commercetools connection, and facts about its API, unverified ones marked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from domain.identity import Identity, normalised_address
from domain.policies import Config, SecretRef
from resources.connector import SystemSettings
from resources.http.sqs import QueueSettings

PaymentState = Literal["BalanceDue", "Failed", "Pending", "CreditOwed", "Paid"]
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{2,36}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]

PAYMENTS = "paymentInfo.payments[*]"
STATES = ("state", "lineItems[*].state[*].state", "customLineItems[*].state[*].state")
EXPAND = (PAYMENTS, "discountCodes[*].discountCode", *STATES)
"""References that an order is read with. UNVERIFIED: that ``view_orders`` is enough to expand
payments and states; without it the references stay, and a payment has no method, a state no key."""
IDS_A_CALL = 50
"""Ids or SKUs in one predicate: with the longest SKUs the URL still stays below 16 KB."""
SUSPICIOUS = (
    "cancel", "backorder", "back-order", "back_order", "back order", "hold", "void", "reject",
    "refus", "declin", "abort", "block", "storn", "annul", "anul",
)  # fmt: skip
"""Parts of keys and names of states that a merchant hardly means to be fulfilled: an order with one
that no setting names has a warning. UNVERIFIED: a guess in a few languages."""
BRAND_ATTRIBUTE, WARRANTY_ATTRIBUTE = "brand", "warranty"
BARCODE_ATTRIBUTES = ("upc", "ean", "gtin", "mpn")
"""UNVERIFIED: a project names its attributes itself; products have no such fields of their own."""
CATALOG_PAGE = 200
PRODUCTS_A_CALL = 20
"""Whole products in one answer: each has its published and its staged data."""
MOST_SEEN = 50
"""Whole products that are kept between their read and their change: more than are changed at once.
"""
UNKNOWN_SIZE = {"w": 0, "h": 0}
"""The dimensions of a picture that is given by its address, which an image must state. UNVERIFIED:
that none can stand for unknown ones."""
INVENTORY_PAGE = 500
CHANNEL_PAGE = 500
PRICE_PAGE = 500
STOCK_BATCH = 100
"""Rows whose entries are read by one query before each is written by a call of its own."""
MOST_CONFLICTS = 5
"""Versions that may change under our hands before the record has to wait for a later try."""
TOKEN_SECONDS = 172_800
"""Lifetime of a token where the answer does not state it, as the vendor's do."""


class ActionFields(Config):
    """Custom fields of orders for agents' actions, of the kind String, in the orders' type."""

    request: FieldName = "lockstepRequest"
    outcome: FieldName = "lockstepOutcome"


class WorkflowStates(Config):
    """What states of workflows mean, by their keys: those of orders, of items and custom items.

    A state that is named nowhere is to be fulfilled.
    """

    canceled: tuple[Name, ...] = ()
    """Units in them are not to be sent; an order in one of them is canceled."""
    on_hold: tuple[Name, ...] = ()
    """An order in one of them, or with units in one, has the status ``OnHold``."""
    to_fulfil: tuple[Name, ...] = ()
    """Those whose names look as if they were one of the others, and are not."""

    @model_validator(mode="after")
    def _one_meaning(self) -> WorkflowStates:
        named = [*self.canceled, *self.on_hold, *self.to_fulfil]
        if twice := [key for key in named if named.count(key) > 1]:
            raise ValueError(f"the state {twice[0]!r} is named twice")
        return self

    @property
    def decides(self) -> bool:
        """Return whether orders can't be read without their states' keys."""
        return bool(self.canceled or self.on_hold)


class CommercetoolsSettings(SystemSettings):
    """The ``platform`` section of a connection to commercetools."""

    kind: Literal["commercetools"] = "commercetools"
    project_key: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{2,36}$")]
    region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+\.[a-z]+$")] | None = None
    """Such as ``europe-west1.gcp`` or ``us-east-2.aws``."""
    api_url: str = ""
    """Instead of the region's ``https://api.{region}.commercetools.com``."""
    auth_url: str = ""
    """Instead of the region's ``https://auth.{region}.commercetools.com``."""
    client_id: str
    client_secret: SecretRef
    scopes: tuple[str, ...] = ()
    """Scopes to ask for, without the project's key; by default all that the API client has."""
    store_key: str | None = None
    """The one store of this connection; without it, all orders of the project."""
    payment_states: tuple[PaymentState, ...] | None = None
    """Payment states in which an order may go out; an order in another one has the status
    ``Unpaid``. By default the payment state decides nothing."""
    workflow_states: WorkflowStates = Field(default_factory=WorkflowStates)
    """States of the merchant's own workflows that cancel units or orders, or hold them."""
    page_size: int = Field(default=200, ge=1, le=500)
    requests_per_second: int = Field(default=100, ge=1)
    """commercetools publishes no limit; this keeps one installation from being a burden."""
    write_concurrency: int = Field(default=8, ge=1, le=50)
    cart_reservations: bool = False
    """Carts of the project reserve stock (``ReserveOnCart``): their units are not offered again."""
    timeout: float = Field(default=30.0, gt=0)
    probe: Literal["orders", "messages"] = "orders"
    """What is asked whether orders have changed. Messages are smaller, but are off in a new
    project, and changes of custom fields make none."""
    payment_changes: bool = False
    """Read orders again whose payments have changed after them, as by a late authorisation."""
    order_deletions: bool = False
    """Deletions of orders are read from messages, which have to be on. Without it they are found by
    the events of ``queue``; else the daily reconciliation reports them."""
    customer_deletions: bool = True
    """Of the stream ``customers``: deletions are read from messages, which have to be on."""
    queue: QueueSettings | None = None
    """The queue of a subscription of this connection alone: its events are pulled from it."""
    locales: tuple[str, ...] = ()
    """Languages of names, the first that a name has; then the order's own, then any."""
    listings: Literal["current", "staged"] = "current"
    """What a listing changes: what shoppers see, or what a merchant publishes later."""
    product_type: Name | None = None
    """Key of the product type of products that are created."""
    tax_category: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F-]{36}$")] | None = None
    """Id of the tax category of products that are created."""
    complete_at: Literal["never", "shipped", "delivered"] = "never"
    """When fulfilment sets ``orderState`` to Complete, in the same call as the shipment state."""
    pickup_methods: tuple[Name, ...] = ()
    """Names of shipping methods by which the shopper picks the order up."""
    pickup_location_field: str | None = None
    """Custom field of the order that names the location of a pick-up; else the order's store."""
    digital_product_types: tuple[Name, ...] = ()
    """Ids of product types whose lines are sent by e-mail."""
    gift_wrap_slugs: tuple[Name, ...] = ()
    """Slugs of custom line items that are gift wrap; the others are fees."""
    parent_field: str | None = None
    """Custom field of a line that holds the id or key of the line whose part it is (bundles)."""
    text_fields: tuple[Name, ...] = ()
    """Custom fields of a line that the shopper has filled in (engraving)."""
    gift_message_field: str | None = None
    """Custom field of a line that holds a gift's message."""
    note_fields: dict[Name, Literal["customer", "staff", "form"]] = Field(default_factory=dict)
    """Custom field of the order -> the kind of note that it is."""
    actions: ActionFields | None = None
    """In the stream ``actions``: read agents' requests from a custom field of orders."""
    carriers: dict[str, str] = Field(default_factory=dict)
    """Our courier code -> the text of ``trackingData.carrier``; by default the OMS's name of it."""
    sale_discount: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F-]{36}$")] | None = None
    """Id of the product discount of the kind ``external`` that sale prices refer to; without it
    they are rejected. UNVERIFIED: that it must be active and that its predicate must match."""
    stock_conditions: tuple[str, ...] = ()
    """The OMS's conditions of returned units that go back into stock (``BackInStock``)."""
    unusable_conditions: tuple[str, ...] = ()
    """Those of units that don't (``Unusable``); with any other a return item stays ``Returned``."""

    @model_validator(mode="after")
    def _addressed(self) -> CommercetoolsSettings:
        if self.region is None and not (self.api_url and self.auth_url):
            raise ValueError("name the region, or both api_url and auth_url")
        return self

    @property
    def api(self) -> str:
        """Return the API's host."""
        return (self.api_url or f"https://api.{self.region}.commercetools.com").rstrip("/")

    @property
    def base_url(self) -> str:
        """Return the project's base URL."""
        return f"{self.api}/{self.project_key}"

    @property
    def token_url(self) -> str:
        """Return where tokens are asked for."""
        base = self.auth_url or f"https://auth.{self.region}.commercetools.com"
        return f"{base.rstrip('/')}/oauth/token"

    @property
    def bucket(self) -> str:
        """Return the name of the quota that all connections to this project share."""
        return f"commercetools:{normalised_address(self.base_url)}"

    @property
    def identity(self) -> Identity:
        """Return the project and the store that this section serves."""
        account = f"commercetools project {normalised_address(self.base_url)}"
        queue = self.queue.name if self.queue is not None else ""
        return Identity(account, self.store_key, "store", bucket=self.bucket, queue=queue)
