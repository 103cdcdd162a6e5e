"""Salesforce's order summaries: exactly the fields that Lockstep reads, in the vendor's names.

Source: object reference (OrderSummary, OrderItemSummary, OrderItemAdjustmentLineSummary,
OrderDeliveryGroupSummary, OrderPaymentSummary, PaymentAuthorization, Payment, Shipment).
"""

from __future__ import annotations

import msgspec

from domain.parsing.payload import Document, PayloadAdvice, PayloadDecoder, Scalar
from domain.parsing.problems import REPORT
from domain.parsing.scalars import WrittenAmount, WrittenTime

CAPTURE_AGAIN = "replay the day of the order's last change"
Text = str | None


class Pascal(Document, rename="pascal"):
    """Base of the documents: ``order_number`` is ``OrderNumber`` there, and in problems' paths."""


class Named(Pascal):
    """A record that is referred to, by its name."""

    name: Text = None


class Product(Pascal):
    """The product of an item."""

    stock_keeping_unit: Text = None


class Contact(Pascal):
    """The person that an order is billed to."""

    first_name: Text = None
    last_name: Text = None
    email: Text = None


class Adjustment(Pascal):
    """A price adjustment of an item: a discount is below zero."""

    id: Text = None
    name: Text = None
    description: Text = None
    amount: WrittenAmount = None
    total_amt_with_tax: WrittenAmount = None


class Adjustments(Document):
    """A list of adjustments; the vendor writes ``null`` for an empty one."""

    records: list[Adjustment | None] | None = None


class Item(Pascal):
    """An order item summary: a product, a delivery charge or a fee."""

    id: Text = None
    type: Text = None
    name: Text = None
    product2: Product | None = None
    product_code: Text = None
    quantity: Scalar = None
    quantity_returned: Scalar = None
    unit_price: WrittenAmount = None
    gross_unit_price: WrittenAmount = None
    total_line_amount: WrittenAmount = None
    total_line_amount_with_tax: WrittenAmount = None
    total_price: WrittenAmount = None
    total_amt_with_tax: WrittenAmount = None
    total_tax_amount: WrittenAmount = None
    original_order_item_id: Text = None
    product2_id: Text = None
    order_delivery_group_summary_id: Text = None
    order_item_adjustment_line_summaries: Adjustments | None = None


class Items(Document):
    """A list of items."""

    records: list[Item | None] | None = None


class Group(Pascal):
    """An order delivery group summary: items that go to one address by one method."""

    id: Text = None
    order_delivery_method: Named | None = None
    order_delivery_method_id: Text = None
    deliver_to_name: Text = None
    deliver_to_street: Text = None
    deliver_to_city: Text = None
    deliver_to_state: Text = None
    deliver_to_postal_code: Text = None
    deliver_to_country: Text = None
    deliver_to_latitude: Scalar = None
    deliver_to_longitude: Scalar = None
    email_address: Text = None
    phone_number: Text = None
    delivery_instructions: Text = None
    pickup_location: Text = msgspec.field(name="Lockstep_Pickup_Location__c", default=None)


class Groups(Document):
    """A list of delivery groups."""

    records: list[Group | None] | None = None


class Event(Pascal):
    """An authorisation or a payment at the gateway."""

    id: Text = None
    gateway_ref_number: Text = None
    amount: WrittenAmount = None
    status: Text = None
    type: Text = None
    effective_date: WrittenTime = None


class Events(Document):
    """A list of events."""

    records: list[Event | None] | None = None


class Payment(Pascal):
    """An order payment summary: one means of payment."""

    id: Text = None
    method: Text = None
    authorization_amount: WrittenAmount = None
    captured_amount: WrittenAmount = None
    payment_authorizations: Events | None = None
    payments: Events | None = None


class Payments(Document):
    """A list of means of payment."""

    records: list[Payment | None] | None = None


class ShipmentItem(Pascal):
    """Units in a shipment; the custom field names the order item summary."""

    line: Text = msgspec.field(name="Lockstep_Line__c", default=None)
    quantity: Scalar = None


class ShipmentItems(Document):
    """A list of a shipment's items."""

    records: list[ShipmentItem | None] | None = None


class Shipment(Pascal):
    """A shipment of an order."""

    id: Text = None
    key: Text = msgspec.field(name="Lockstep_Key__c", default=None)
    status: Text = None
    tracking_number: Text = None
    shipment_items: ShipmentItems | None = None


class Shipments(Document):
    """A list of shipments."""

    records: list[Shipment | None] | None = None


class OriginalOrder(Pascal):
    """The order that an order summary was made of."""

    po_number: Text = None


class Order(Pascal):
    """An order summary with all that is read of it."""

    id: Text = None
    order_number: Text = None
    status: Text = None
    order_life_cycle_type: Text = None
    ordered_date: WrittenTime = None
    currency_iso_code: Text = None
    tax_locale_type: Text = None
    sales_store_id: Text = None
    account_id: Text = None
    original_order_id: Text = None
    original_order: OriginalOrder | None = None
    bill_to_contact_id: Text = None
    account: Named | None = None
    bill_to_contact: Contact | None = None
    billing_street: Text = None
    billing_city: Text = None
    billing_state: Text = None
    billing_postal_code: Text = None
    billing_country: Text = None
    billing_email_address: Text = None
    billing_phone_number: Text = None
    description: Text = None
    grand_total_amount: WrittenAmount = None
    total_tax_amount: WrittenAmount = None
    order_item_summaries: Items | None = None
    order_delivery_group_summaries: Groups | None = None
    order_payment_summaries: Payments | None = None
    shipments: Shipments | None = None


ORDERS = PayloadDecoder(
    Order, "an order summary", PayloadAdvice(unreadable=CAPTURE_AGAIN, malformed=REPORT)
)
