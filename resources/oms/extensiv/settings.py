"""Settings of an Extensiv connection: every path, name and code that may differ by account.

No live call was made to the vendor. What public material does not confirm is marked UNVERIFIED
below and listed in this folder's README, so that it can be changed in ``connections.yaml`` without
changing the code.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from domain.identity import Identity, normalised_address
from domain.policies import Config, SecretRef, TimeZone
from domain.records.catalog import ProductNeed
from resources.connector import SystemSettings

Path = Annotated[str, Field(pattern=r"^/")]
Url = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
Count = Annotated[int, Field(ge=1)]
CustomField = Literal[
    "custom_field_1", "custom_field_2", "custom_field_3", "custom_field_4", "custom_field_5"
]


class ExtensivPaths(Config):
    """Endpoints; ``{cust_ref}``, ``{status}`` and ``{sku}`` are replaced."""

    create: Path = "/cart/orders/cartrover"
    cancel: Path = "/cart/orders/cancel/cartrover"
    wms_cancel: Path = "/cart/orders/wms_cancel/{cust_ref}"
    confirm: Path = "/cart/orders/update/{cust_ref}"
    read: Path = "/merchant/orders/{cust_ref}"
    list: Path = "/merchant/orders/list/{status}"
    stock: Path = "/merchant/inventory"
    level: Path = "/merchant/inventory/{sku}"
    product: Path = "/merchant/product/{sku}"


class ExtensivLists(Config):
    """Which lists of orders are read, and how."""

    probe: tuple[str, ...] = ("any",)
    """UNVERIFIED: that the dates of ``any`` are those of the last update.

    Lists that are asked, one call each, whether anything has changed.
    """
    window: tuple[str, ...] = (
        "any",
        "new_or_at_wms",
        "at_wms",
        "partial",
        "shipped_or_confirmed",
        "confirmed",
        "error",
        "canceled",
    )
    """All lists that a window is read from: the dates of each mean something else.

    Created, delivered to the WMS, shipment loaded (two lists), sent to the cart, error raised,
    canceled. So a change is found by the date of its kind even where ``any`` means another.
    """
    page_size: Annotated[int, Field(ge=1, le=100)] = 100
    read_each: bool = False
    """UNVERIFIED: that rows of lists are whole orders, with items and shipments.

    Where they are not, each order that a list names is read on its own.
    """
    source: str | None = None
    """Sent as ``order_source``, to see the orders of one source only."""


class ExtensivCodes(Config):
    """Words of answers that are compared, by letters and digits only, in any case."""

    duplicate: tuple[str, ...] = ("OrderDuplicate", "duplicate order")
    not_found: tuple[str, ...] = ("not found", "does not exist", "no such")
    """UNVERIFIED: how a missing order or product is answered."""
    access: tuple[str, ...] = ("invalid api credentials", "unauthorized", "access denied")
    """UNVERIFIED: refused credentials, if they are answered inside a 200."""


class ExtensivSettings(SystemSettings):
    """The ``oms`` section of a connection of kind ``extensiv``."""

    kind: Literal["extensiv"] = "extensiv"
    base_url: Url = "https://api.cartrover.com/v1"
    merchant: Annotated[str, StringConstraints(pattern=r"^\S(.{0,80}\S)?$")]
    """A name of your own for the merchant's account.

    Connections to one account name it equally: they share its quota and must not share order ids.
    """
    cart_user: str
    cart_key: SecretRef
    """A key of the level Cart creates and cancels orders."""
    merchant_user: str
    merchant_key: SecretRef
    """A key of the level Merchant reads orders, stock and products."""
    calls_per_minute: Count = 100
    """Of the leaky bucket that all calls but new orders share."""
    orders_per_second: Count = 10
    """New orders are not limited by the vendor; this is what Lockstep sends at most."""
    push_concurrency: Count = 4
    timeout: Annotated[float, Field(gt=0)] = 30.0
    country_form: Literal["alpha_3", "alpha_2"] = "alpha_3"
    """UNVERIFIED: that ISO-2 is accepted; the vendor's samples have ISO-3."""
    no_postcode: Annotated[str, StringConstraints(pattern=r"^\S(.{0,18}\S)?$")] = "00000"
    """UNVERIFIED: what is accepted as the postal code, which is required, of an address in a
    country that has none."""
    source_id_field: CustomField | None = "custom_field_1"
    """UNVERIFIED: that reads return it.

    Where the store's order id is kept; null where the store's number is its id.
    """
    ship_from_field: Literal["location"] | CustomField = "location"
    """UNVERIFIED: that it names the warehouse that an order ships from (``orders.ship_from``)."""
    sales_tax_name: Literal["sales_tax", "tax"] = "sales_tax"
    send_line_tax: bool = True
    """Send the lines' taxes, where they add up to the order's tax as the vendor requires."""
    item_uom: str = "EACH"
    """The unit of all items: the vendor's products have none."""
    single_reads: Count = 10
    """Up to this many SKUs are read one by one; for more, all of the stock is listed."""
    snapshot_ttl: timedelta = timedelta(seconds=20)
    """How long a list of all stock serves further reads of one run, and look-ups of products."""
    most_kept: Count = 50_000
    """Rows of such a list that are kept in memory; a longer one is read each time."""
    price_field: Literal["retail_price", "wholesale_price"] = "retail_price"
    """Which of a product's prices is the store's."""
    prices_a_read: Annotated[int, Field(ge=1, le=100)] = 50
    """Products whose price a run reads, a call each; those that were read longest ago come next.

    The bucket has ``calls_per_minute`` for all reads, so that more would hold orders up."""
    items_a_read: Annotated[int, Field(ge=1, le=500)] = 50
    """Products that a run reads for ``catalog.list_from_oms``, a call each: those that were never
    read first, then the others in turn."""
    naive_time_zone: TimeZone = "UTC"
    """UNVERIFIED: the zone of the times and dates of stock and shipments, which name none."""
    order_time_zone: TimeZone = "UTC"
    """The merchant's: an order's date is that of its day there."""
    confirm_shipped: bool = True
    """Mark shipped orders as confirmed on ``acknowledge``, so that they are not sent elsewhere."""
    products_need: tuple[ProductNeed, ...] = ("sku", "tracking")
    """What each of the store's products must have before the connection is started.

    Without a SKU an order can't be sent, and the vendor advises against untracked stock.
    """
    paths: ExtensivPaths = ExtensivPaths()
    lists: ExtensivLists = ExtensivLists()
    codes: ExtensivCodes = ExtensivCodes()

    @property
    def identity(self) -> Identity:
        """Return the merchant's account, which all of its sources share.

        UNVERIFIED whether ``cust_ref`` is unique in a source or in the account, and whether case
        counts: so ids are kept apart as if neither helped.
        """
        address, merchant = normalised_address(self.base_url), self.merchant.casefold()
        return Identity(
            f"extensiv {address}, merchant {merchant}",
            part_name="source",
            ids_ignore_case=True,
            bucket=f"extensiv:{address}/{merchant}",
        )
