"""Settings of a BigCommerce connection, and facts about its API, unverified ones marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from domain.identity import Identity
from domain.policies import SecretRef
from resources.connector import SystemSettings

SORT_BY_MODIFIED = "date_modified:asc"
"""UNVERIFIED: the text of the V2 specification allows the direction, its enum lists bare names
only; seen in use by others."""
BOUND_SLACK_SECONDS = 1
"""UNVERIFIED whether V2's date bounds are inclusive: a second more is asked for, and the client
cuts to the exact window."""
ROUND_PAGE = 50
"""UNVERIFIED that V2 lists allow 250: a page that is short by a server's own limit has a multiple
of 50, and more is likely to follow. The end of a list is an empty page in any case."""
PROBE_SIZE = 10
"""Orders of one second that a probe can pass over before it answers by caution that there is
something new."""
ORDER_INCLUDES = "consignments.line_items,fees"
"""UNVERIFIED whether long line lists are cut when included: ``items_total`` is compared, and the
products fetched if it is more."""
AUTHORIZED = frozenset({"authorized", "held for review", "capture pending"})
"""Payment states whose authorisation reference the OMS needs for settling; the others are paid or
void."""
CATALOG_PAGE = 250
BRANDS_PATH, CATEGORIES_PATH = "/v3/catalog/brands", "/v3/catalog/categories"
"""UNVERIFIED: the official files at hand describe products and variants only."""
INVENTORY_PAGE = 1000
SKUS_A_CALL = 50
"""SKUs in one ``sku:in`` filter: with the longest SKUs (255 characters) the URL still stays below
16 KB."""
SHIPMENT_PAGE = 250
STOCK_BATCH = 2000
PRODUCT_BATCH, VARIANT_BATCH = 10, 50
PRICE_LIST_BATCH, PRICE_LIST_PAGE = 1000, 250
NO_SALE: Mapping[str, int | None] = {"product_price": 0, "variant_price": None, "list_price": None}
"""What removes a sale price. UNVERIFIED: 0 of a product, which the files do not describe, and null
of a price record, of which they say that it counts as not set if it is empty."""


class BigCommerceSettings(SystemSettings):
    """The ``platform`` section of a connection to BigCommerce."""

    kind: Literal["bigcommerce"] = "bigcommerce"
    store_hash: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    token: SecretRef
    api_base: str = "https://api.bigcommerce.com"
    """The calls go to ``{api_base}/stores/{store_hash}``; ``{hash}`` in it is replaced by the
    store's hash."""
    client_secret: SecretRef | None = None
    """The API account's client secret, which signs the store's webhooks; needed only for them."""
    old_client_secret: SecretRef | None = None
    """Accepted beside ``client_secret`` while the account is being replaced."""
    hook_scopes: tuple[
        Annotated[
            str, StringConstraints(pattern=r"^store/(order|shipment|customer)/[A-Za-z/*]{1,60}$")
        ],
        ...,
    ] = ("store/order/*",)
    """Webhooks to register, with ``store/customer/*`` where the connection has the stream
    ``customers``; none is needed for what Lockstep itself writes, such as shipments."""
    hook_secret: SecretRef | None = None
    """A secret of your own that the store sends along in ``hook_header``, beside its signature."""
    hook_header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")] = (
        "X-Lockstep-Key"
    )
    channel_id: int | None = Field(default=None, ge=1)
    """The one channel of this connection; without it, all channels of the store."""
    page_size: int = Field(default=250, ge=1, le=250)
    quota: int = Field(default=150, ge=1)
    """Calls a window, of all apps of the store; the API's headers correct it."""
    window_seconds: float = Field(default=30.0, gt=0)
    read_concurrency: int = Field(default=4, ge=1, le=16)
    write_concurrency: int = Field(default=8, ge=1, le=50)
    fetch_transactions: Literal["authorized", "all", "never"] = "authorized"
    fetch_archived: bool = False
    """UNVERIFIED filter ``is_deleted=true``: list archived orders in a pass of their own, so that
    the OMS's copy gets canceled."""
    timeout: float = Field(default=30.0, gt=0)
    gift_certificate_sku: str = "GIFT-CERTIFICATE"
    """SKU at the OMS of gift certificate lines, which have none in the store."""
    gift_certificate_method: str = "Gift Certificate"
    """Key of ``orders.payment_methods`` for what gift certificates paid."""
    store_credit_method: str = "Store Credit"
    tracking_carriers: dict[str, str] = Field(default_factory=dict)
    """Our courier code -> ``tracking_carrier``, beside the table in statuses.py; an empty text
    sends none."""
    shipping_providers: dict[str, str] = Field(default_factory=dict)
    """Our courier code -> ``shipping_provider``, beside the table in statuses.py, for carriers that
    the store has set up as providers."""

    refund_providers: tuple[Annotated[str, StringConstraints(pattern=r"^\S{1,100}$")], ...] = ()
    """Payment providers that returns may be refunded by in addition to those that pay back by
    themselves: ``storecredit``, or one that only notes what the merchant pays (``custom``)."""

    @model_validator(mode="after")
    def _one_way_to_name_a_carrier(self) -> BigCommerceSettings:
        if both := sorted(self.tracking_carriers.keys() & self.shipping_providers.keys()):
            raise ValueError(
                f"{both[0]} is in tracking_carriers and in shipping_providers; BigCommerce "
                "accepts only one of them"
            )
        return self

    @property
    def base_url(self) -> str:
        """Return the store's base URL, without ``/v2`` or ``/v3``."""
        base = self.api_base.replace("{hash}", self.store_hash).rstrip("/")
        return f"{base}/stores/{self.store_hash}"

    @property
    def bucket(self) -> str:
        """Return the name of the quota that all connections to this store share."""
        return f"bigcommerce:{self.store_hash.casefold()}"

    @property
    def identity(self) -> Identity:
        """Return the store and the channel that this section serves.

        A store hash is unique among all stores, whatever address its API is called at.
        """
        channel = None if self.channel_id is None else str(self.channel_id)
        return Identity(
            f"bigcommerce store {self.store_hash.casefold()}", channel, bucket=self.bucket
        )
