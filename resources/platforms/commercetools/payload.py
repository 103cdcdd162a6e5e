"""commercetools' orders: exactly the fields that Lockstep reads, in the vendor's names.

Source: openapi.yaml, raml/types/{order,cart,payment}.
"""

from __future__ import annotations

from domain.parsing.payload import PayloadAdvice, PayloadDecoder
from domain.parsing.problems import REPORT
from domain.parsing.scalars import WrittenTime
from resources.platforms.commercetools.base_payload import (
    Address,
    Camel,
    ChannelReference,
    CustomFields,
    DiscountedPrice,
    DiscountedQuantity,
    DiscountPortion,
    ItemState,
    MethodTaxedPrice,
    MethodTaxRate,
    Money,
    Names,
    Price,
    Reference,
    StateReference,
    TaxedPrice,
    TaxRate,
    Text,
    Whole,
)

CAPTURE_AGAIN = "replay the day of the order's last change"


class Variant(Camel):
    """What was bought."""

    id: Whole = None
    sku: Text = None


class ShippingTarget(Camel):
    """Where some units of a line go."""

    address_key: Text = None
    quantity: Whole = None
    shipping_method_key: Text = None


class ShippingDetails(Camel):
    """Where the units of a line go, if not all to the order's address."""

    targets: list[ShippingTarget | None] | None = None


class Item(Camel):
    """What line items and custom line items have in common.

    In the shipping mode Multiple the taxes are by shipping method, and ``tax_rate`` and
    ``taxed_price`` are absent.
    """

    id: Text = None
    key: Text = None
    name: Names = None
    quantity: Whole = None
    total_price: Money | None = None
    taxed_price: TaxedPrice | None = None
    taxed_price_portions: list[MethodTaxedPrice | None] | None = None
    tax_rate: TaxRate | None = None
    per_method_tax_rate: list[MethodTaxRate | None] | None = None
    discounted_price_per_quantity: list[DiscountedQuantity | None] | None = None
    state: list[ItemState | None] | None = None
    custom: CustomFields | None = None


class LineItem(Item):
    """A product of an order."""

    product_type: Reference | None = None
    variant: Variant | None = None
    price: Price | None = None
    price_mode: Text = None
    shipping_details: ShippingDetails | None = None
    supply_channel: ChannelReference | None = None
    distribution_channel: ChannelReference | None = None


class CustomLineItem(Item):
    """An amount that is not a product: a fee, gift wrap, a surcharge."""

    slug: Text = None


class DeliveryItem(Camel):
    """Units of a line in a delivery or a parcel."""

    id: Text = None
    quantity: Whole = None


class TrackingData(Camel):
    """How a parcel is tracked."""

    tracking_id: Text = None
    carrier: Text = None
    provider: Text = None


class Parcel(Camel):
    """A parcel of a delivery."""

    id: Text = None
    key: Text = None
    tracking_data: TrackingData | None = None
    items: list[DeliveryItem | None] | None = None


class Delivery(Camel):
    """Units that were sent together."""

    id: Text = None
    key: Text = None
    items: list[DeliveryItem | None] | None = None
    parcels: list[Parcel | None] | None = None
    address: Address | None = None


class ShippingInfo(Camel):
    """How an order is shipped, and what has been."""

    shipping_method_name: Text = None
    price: Money | None = None
    taxed_price: TaxedPrice | None = None
    tax_rate: TaxRate | None = None
    discounted_price: DiscountedPrice | None = None
    deliveries: list[Delivery | None] | None = None


class Shipping(Camel):
    """One of several ways in which an order is shipped."""

    shipping_key: Text = None
    shipping_info: ShippingInfo | None = None
    shipping_address: Address | None = None


class DiscountOnTotal(Camel):
    """A discount on the order as a whole."""

    discounted_amount: Money | None = None
    included_discounts: list[DiscountPortion | None] | None = None


class Code(Camel):
    """A discount code, if it was expanded."""

    code: Text = None
    cart_discounts: list[Reference | None] | None = None


class CodeReference(Camel):
    """A reference to a discount code."""

    obj: Code | None = None


class DiscountCode(Camel):
    """A discount code that the shopper has entered."""

    discount_code: CodeReference | None = None


class Transaction(Camel):
    """An event of a payment at its service provider."""

    id: Text = None
    type: Text = None
    state: Text = None
    amount: Money | None = None
    interaction_id: Text = None
    interface_id: Text = None
    timestamp: WrittenTime = None


class PaymentMethod(Camel):
    """How was paid."""

    payment_interface: Text = None
    method: Text = None


class Payment(Camel):
    """A payment, if it was expanded."""

    id: Text = None
    version: Whole = None
    interface_id: Text = None
    amount_planned: Money | None = None
    payment_method_info: PaymentMethod | None = None
    transactions: list[Transaction | None] | None = None


class PaymentReference(Camel):
    """A reference to a payment."""

    id: Text = None
    obj: Payment | None = None


class PaymentInfo(Camel):
    """The payments of an order."""

    payments: list[PaymentReference | None] | None = None


class ReturnItem(Camel):
    """Units of a line that came back."""

    id: Text = None
    key: Text = None
    line_item_id: Text = None
    quantity: Whole = None
    shipment_state: Text = None
    payment_state: Text = None


class ReturnInfo(Camel):
    """Units that came back together."""

    items: list[ReturnItem | None] | None = None


class Order(Camel):
    """An order."""

    id: Text = None
    version: Whole = None
    order_number: Text = None
    purchase_order_number: Text = None
    created_at: WrittenTime = None
    completed_at: WrittenTime = None
    customer_id: Text = None
    customer_email: Text = None
    business_unit: Reference | None = None
    recurring_order: Reference | None = None
    quote: Reference | None = None
    store: Reference | None = None
    locale: Text = None
    order_state: Text = None
    state: StateReference | None = None
    shipment_state: Text = None
    payment_state: Text = None
    total_price: Money | None = None
    taxed_price: TaxedPrice | None = None
    discount_on_total_price: DiscountOnTotal | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    item_shipping_addresses: list[Address | None] | None = None
    shipping_mode: Text = None
    shipping_info: ShippingInfo | None = None
    shipping: list[Shipping | None] | None = None
    line_items: list[LineItem | None] | None = None
    custom_line_items: list[CustomLineItem | None] | None = None
    discount_codes: list[DiscountCode | None] | None = None
    payment_info: PaymentInfo | None = None
    return_info: list[ReturnInfo | None] | None = None
    custom: CustomFields | None = None


ORDERS = PayloadDecoder(
    Order, "an order", PayloadAdvice(unreadable=CAPTURE_AGAIN, malformed=REPORT)
)
