"""BigCommerce's documents: exactly the fields that Lockstep reads, in the vendor's names.

Orders: orders.v2.oas2.yml; transactions: orders.v3.yml. Both prices with tax and without are
declared; ``is_tax_inclusive_pricing`` says which of them count.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from domain.parsing.payload import Document, Id, PayloadAdvice, PayloadDecoder, Scalar
from domain.parsing.problems import REPORT
from domain.parsing.scalars import WrittenAmount, WrittenTime
from resources.platforms.bigcommerce.returns.payload import Refund

CAPTURE_AGAIN = "replay the day of the order's last change"


class Link(Document):
    """Instead of a part of an order that was not included."""

    resource: str | None = None


class AppliedDiscount(Document):
    """A discount on a line."""

    id: str | int | None = None
    amount: WrittenAmount = None
    name: str | None = None
    code: str | None = None


class ProductOption(Document):
    """An option that the shopper chose."""

    display_name: str | None = None
    display_value: str | None = None
    type: str | None = None


class FormField(Document):
    """A field of the store's own, of an address or (configurable) of a product."""

    name: str | None = None
    value: object = None
    """A text, a number, or a list of them."""


class Line(Document):
    """A product of an order, or a link to it (``resource`` without ``id``)."""

    id: Id = None
    resource: str | None = None
    type: Scalar = None
    sku: str | None = None
    product_id: Scalar = None
    variant_id: Id = None
    parent_order_product_id: Id = None
    order_address_id: Id = None
    order_pickup_method_id: Id = None
    name: str | None = None
    quantity: Scalar = None
    quantity_shipped: Scalar = None
    quantity_refunded: Scalar = None
    is_refunded: Scalar = None
    price_ex_tax: WrittenAmount = None
    price_inc_tax: WrittenAmount = None
    total_ex_tax: WrittenAmount = None
    total_inc_tax: WrittenAmount = None
    total_tax: WrittenAmount = None
    product_options: list[ProductOption | None] | None = None
    configurable_fields: list[FormField | None] | None = None
    applied_discounts: list[AppliedDiscount | None] | None = None
    wrapping_name: str | None = None
    wrapping_message: str | None = None
    wrapping_cost_ex_tax: WrittenAmount = None
    wrapping_cost_inc_tax: WrittenAmount = None
    wrapping_cost_tax: WrittenAmount = None


class Address(Document):
    """A billing address."""

    first_name: str | None = ""
    last_name: str | None = ""
    company: str | None = ""
    street_1: str | None = ""
    street_2: str | None = ""
    city: str | None = ""
    state: str | None = ""
    zip: str | None = ""
    country_iso2: str | None = ""
    country: str | None = ""
    phone: str | None = ""
    email: str | None = ""
    form_fields: list[FormField | None] | None = None


class Consignment(Address):
    """A consignment, whose costs each kind has; a shipping one is its address, too."""

    id: Id = None
    shipping_method: str | None = None
    cost_ex_tax: WrittenAmount = None
    cost_inc_tax: WrittenAmount = None
    cost_tax: WrittenAmount = None
    handling_cost_ex_tax: WrittenAmount = None
    handling_cost_inc_tax: WrittenAmount = None
    handling_cost_tax: WrittenAmount = None
    line_items: list[Line | None] | Line | None = None
    """A list in the specification's schema and a single object in its examples."""


class Location(Document):
    """Where an order is picked up."""

    code: str | None = None


class Pickup(Consignment):
    """A consignment that is picked up."""

    pickup_method_id: Scalar = None
    location: Location | None = None


class Digital(Consignment):
    """Downloads or gift certificates, which go by e-mail."""

    recipient_email: str | None = None


class Email(Document):
    """Consignments of gift certificates."""

    gift_certificates: list[Digital | None] | None = None


class Consignments(Document):
    """All consignments of an order; a link in their place has no ``shipping``."""

    shipping: list[Consignment | None] | UnsetType | None = UNSET
    pickups: list[Pickup | None] | None = None
    downloads: list[Digital | None] | None = None
    email: Email | None = None


class Fee(Document):
    """A fee on an order."""

    id: Id = None
    display_name_customer: str | None = None
    display_name_merchant: str | None = None
    cost_ex_tax: WrittenAmount = None
    cost_inc_tax: WrittenAmount = None
    cost_tax: WrittenAmount = None


class Order(Document):
    """An order as V2 lists it with its consignments and fees."""

    id: Id = None
    channel_id: Id = None
    customer_id: Id = None
    status_id: Scalar = None
    is_deleted: Scalar = None
    date_created: WrittenTime = None
    is_tax_inclusive_pricing: bool | None = None
    default_currency_code: str | None = None
    customer_locale: str | None = None
    customer_message: str | None = None
    staff_notes: str | None = None
    items_total: Scalar = None
    items_shipped: Scalar = None
    total_inc_tax: WrittenAmount = None
    total_tax: WrittenAmount = None
    discount_amount: WrittenAmount = None
    coupon_discount: WrittenAmount = None
    gift_certificate_amount: WrittenAmount = None
    store_credit_amount: WrittenAmount = None
    shipping_cost_ex_tax: WrittenAmount = None
    shipping_cost_inc_tax: WrittenAmount = None
    shipping_cost_tax: WrittenAmount = None
    handling_cost_ex_tax: WrittenAmount = None
    handling_cost_inc_tax: WrittenAmount = None
    handling_cost_tax: WrittenAmount = None
    wrapping_cost_ex_tax: WrittenAmount = None
    wrapping_cost_inc_tax: WrittenAmount = None
    wrapping_cost_tax: WrittenAmount = None
    payment_method: str | None = None
    payment_provider_id: str | None = None
    payment_status: str | None = None
    billing_address: Address | None = None
    consignments: Consignments | None = None
    fees: list[Fee | None] | Link | None = None


class Transaction(Document):
    """An event of an order's payment at the gateway (V3)."""

    id: str | int | None = None
    event: str | None = None
    method: str | None = None
    amount: WrittenAmount = None
    currency: str | None = None
    gateway: str | None = None
    gateway_transaction_id: str | None = None
    status: str | None = None
    date_created: WrittenTime = None


class Transactions(Document):
    """V3's envelope around them."""

    data: list[Transaction | None] | None = None


class Coupon(Document):
    """A coupon that an order was placed with."""

    id: str | int | None = None
    code: str | None = None
    discount: WrittenAmount = None


class Refunds(Document):
    """V3's envelope around an order's refunds."""

    data: list[Refund | None] | None = None


class CapturedOrder(Order):
    """A capture: an order, or ``order`` with the parts that were read beside it."""

    order: Order | None = None
    transactions: list[Transaction | None] | Transactions | None = None
    products: list[Line | None] | Link | None = None
    coupons: list[Coupon | None] | Link | None = None
    refunds: list[Refund | None] | Refunds | None = None
    unread: list[str] | None = None
    """Names of parts that the store failed to give; Lockstep's own."""


CAPTURED_ORDERS = PayloadDecoder(
    CapturedOrder, "an order", PayloadAdvice(unreadable=CAPTURE_AGAIN, malformed=REPORT)
)
