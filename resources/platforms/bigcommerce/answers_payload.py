"""What a store answers besides its orders: exactly the fields that are read, in its own names.

Catalog: catalog.v3.yml; stock and locations: inventory.v3.yml; shipments: orders.v2.oas2.yml;
webhooks: webhooks.v3.yml. Values whose form is checked when they are read are ``Scalar``.
"""

from __future__ import annotations

import msgspec

from domain.parsing.payload import Document, Id, PayloadAdvice, PayloadDecoder, Scalar

NULL = msgspec.Raw(b"null")
_REPORT = "report the answer: it breaks the API's contract"
ANSWER_ADVICE = PayloadAdvice(unreadable=_REPORT, malformed=_REPORT)


class Page(Document):
    """V3's envelope around a list, whose entries are decoded one by one."""

    data: msgspec.Raw = NULL


class CursorPagination(Document):
    """Where a list is continued."""

    end_cursor: str | None = None


class CursorMeta(Document):
    """What V3 says of a page of a list with cursors."""

    cursor_pagination: CursorPagination | None = None


class CursorPage(Page):
    """A page of a list that is continued by a cursor."""

    meta: CursorMeta | None = None


class Variant(Document):
    """A variant of a product."""

    id: Scalar = None
    sku: Scalar = None
    inventory_level: Scalar = None


class Product(Document):
    """A product of the catalog with its variants."""

    id: Scalar = None
    name: Scalar = None
    type: Scalar = None
    sku: Scalar = None
    inventory_tracking: Scalar = None
    inventory_level: Scalar = None
    """Of the default location, like a variant's."""
    variants: list[Variant | None] | None = None


class ProductVariants(Document):
    """A product's variants as written: a form other than a list is not to be read as one."""

    variants: msgspec.Raw = NULL


class Location(Document):
    """A location that holds stock."""

    id: Id = None
    code: Scalar = None


class Identity(Document):
    """What an inventory item belongs to."""

    sku: Scalar = None


class Level(Document):
    """An item's stock at one location."""

    location_id: Id = None
    total_inventory_onhand: Scalar = None


class InventoryItem(Document):
    """An item with its stock at each location."""

    identity: Identity | None = None
    locations: list[Level | None] | None = None


class ErrorAnswer(Document):
    """What V3 answers instead of data."""

    title: Scalar = None


class ShippedItem(Document):
    """Units of an order's product in a shipment."""

    order_product_id: Scalar = None
    quantity: Scalar = None


class Shipment(Document):
    """A shipment of an order (V2)."""

    id: Scalar = None
    order_address_id: Scalar = None
    tracking_number: Scalar = None
    items: list[ShippedItem | None] | None = None


class Written(Document):
    """What creating or changing a shipment or an order is answered with, as far as it is read."""

    id: Scalar = None


class WrittenAnswer(Document):
    """V3's envelope around it."""

    data: Written | None = None


class ShippedLine(Document):
    """How many units of an order's product have shipped (V2)."""

    id: Scalar = None
    quantity: Scalar = None
    quantity_shipped: Scalar = None


class Adjustment(Document):
    """What an adjustment of stock is answered with."""

    transaction_id: Scalar = None


class OrderState(Document):
    """What decides whether an order still takes changes (V2)."""

    status_id: Scalar = None
    is_deleted: Scalar = None
    items_shipped: Scalar = None


class Webhook(Document):
    """A registered webhook."""

    id: Id = None
    scope: Scalar = None
    destination: Scalar = None
    is_active: Scalar = None
    headers: dict[str, object] | None = None


class BlockedDomain(Document):
    """A domain to which the store sends nothing for a while."""

    destination: Scalar = None
    time_left: Scalar = None


class WebhooksAdmin(Document):
    """The state of the store's webhooks as a whole."""

    blocked_domains: list[BlockedDomain | None] | None = None


class WebhooksAdminAnswer(Document):
    """V3's envelope around it."""

    data: WebhooksAdmin | None = None


class WebhookMessage(Document):
    """What a store sends; ``data`` is decoded once the message is known to be the store's."""

    producer: Scalar = None
    scope: Scalar = None
    created_at: Scalar = None
    data: msgspec.Raw = NULL


class AddressSubject(Document):
    """Whose address has changed."""

    customer_id: Scalar = None


class WebhookSubject(Document):
    """The ``data`` of a message: the ids of what has changed.

    An order's own events have ``id``, its transactions ``order_id``, its metafields
    ``resource_id``, and its shipments ``orderId``. A customer's own events have ``id``, and those
    of its addresses the customer's id in ``address``.
    """

    type: Scalar = None
    id: Scalar = None
    order_id: Scalar = None
    shipped_order_id: Scalar = msgspec.field(default=None, name="orderId")
    resource_id: Scalar = None
    customer_id: Scalar = None
    address: AddressSubject | None = None


class StoreTime(Document):
    """The store's clock, in seconds."""

    time: float | None = None


class StoreProfile(Document):
    """The store as it describes itself."""

    name: Scalar = None
    domain: Scalar = None
    plan_name: Scalar = None
    status: Scalar = None


class Channel(Document):
    """A sales channel."""

    name: Scalar = None
    status: Scalar = None


class ChannelAnswer(Document):
    """V3's envelope around it."""

    data: Channel | None = None


PAGES = PayloadDecoder(Page, "a page", ANSWER_ADVICE)
CURSORS = PayloadDecoder(CursorPage, "a page", ANSWER_ADVICE)
PRODUCTS = PayloadDecoder(Product, "a product", ANSWER_ADVICE)
PRODUCT_VARIANTS = PayloadDecoder(ProductVariants, "a product", ANSWER_ADVICE)
LOCATIONS = PayloadDecoder(Location, "a location", ANSWER_ADVICE)
INVENTORY_ITEMS = PayloadDecoder(InventoryItem, "an inventory item", ANSWER_ADVICE)
ERRORS = PayloadDecoder(ErrorAnswer, "an error", ANSWER_ADVICE)
SHIPMENTS = PayloadDecoder(Shipment, "a shipment", ANSWER_ADVICE)
WRITTEN = PayloadDecoder(Written, "an object", ANSWER_ADVICE)
WRITTEN_ANSWERS = PayloadDecoder(WrittenAnswer, "an object", ANSWER_ADVICE)
SHIPPED_LINES = PayloadDecoder(ShippedLine, "an order product", ANSWER_ADVICE)
ADJUSTMENTS = PayloadDecoder(Adjustment, "an object", ANSWER_ADVICE)
ORDER_STATES = PayloadDecoder(OrderState, "an order", ANSWER_ADVICE)
WEBHOOKS = PayloadDecoder(Webhook, "a webhook", ANSWER_ADVICE)
WEBHOOKS_ADMIN = PayloadDecoder(WebhooksAdminAnswer, "an object", ANSWER_ADVICE)
WEBHOOK_MESSAGES = PayloadDecoder(WebhookMessage, "an object", ANSWER_ADVICE)
WEBHOOK_SUBJECTS = PayloadDecoder(WebhookSubject, "an object", ANSWER_ADVICE)
STORE_TIMES = PayloadDecoder(StoreTime, "an object", ANSWER_ADVICE)
STORE_PROFILES = PayloadDecoder(StoreProfile, "an object", ANSWER_ADVICE)
CHANNELS = PayloadDecoder(ChannelAnswer, "an object", ANSWER_ADVICE)
