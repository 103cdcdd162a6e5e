"""Paths, names and codes of a tenant: every one that may differ, with what is assumed of it.

What public material does not confirm is marked UNVERIFIED.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from domain.policies import Config
from domain.records.orders import ChargeKind, DeliveryMethod

OrderValue = Literal[
    "source_id",
    "number",
    "store",
    "channel",
    "purchase_order",
    "business",
    "subscription",
    "quote",
]
Path = Annotated[str, Field(pattern=r"^/")]


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
    """Also the title of products that are created for items."""
    item_text: str | None = None
    """The attribute with a product's description, as text or HTML. UNVERIFIED, as are the two
    below: public material names no such attribute."""
    item_warranty: str | None = None
    item_weight: str | None = None
    """Of one base unit; ``catalog.weight_factor`` converts it."""
    item_image: str | None = "SmallImageURI"
    item_brand: str | None = "Brand"
    item_categories: str | None = None
    """The attribute with the names of a product's categories in the store, separated by ``;``."""
    item_style: str | None = "Style"
    """What items have in common that differ in colour or size only; null: each is a product."""
    item_discontinued: str | None = "IsDiscontinued"
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
