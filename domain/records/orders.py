"""The canonical order: what a store sold, free of any platform's or OMS's shape.

Money: ``unit_price`` and ``line_total`` are before discounts; discounts are positive amounts that are subtracted. With
``tax_included`` every price and charge contains its tax and the tax amounts are informational; without it they are added.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from domain.addressing.addresses import Address
from domain.values import Amount, Currency, Frozen, Key, PositiveQuantity, Sku, Uom, UtcDatetime

ZERO = Decimal(0)


class LineKind(StrEnum):
    """What a line needs from fulfilment."""

    PHYSICAL = "physical"
    DIGITAL = "digital"
    GIFT_CERTIFICATE = "gift_certificate"


class ChargeKind(StrEnum):
    """Charges that are not goods."""

    SHIPPING = "shipping"
    HANDLING = "handling"
    GIFT_WRAP = "gift_wrap"
    FEE = "fee"


class DeliveryMethod(StrEnum):
    """How a group of lines reaches the customer."""

    SHIP = "ship"
    PICKUP = "pickup"
    EMAIL = "email"


class Tax(Frozen):
    """One tax on a line or a charge; ``rate`` is a fraction (0.07 is 7 %)."""

    tax_id: str
    name: str = ""
    amount: Amount
    rate: Decimal | None = None


class Discount(Frozen):
    """A reduction; ``code`` is the coupon's code, absent for promotions and manual discounts."""

    discount_id: str
    name: str = ""
    amount: Amount
    code: str | None = None


class Charge(Frozen):
    """A charge on the order or a line, without tax unless the order is tax-included; ``tax`` is its tax either way."""

    charge_id: str
    kind: ChargeKind
    name: str = ""
    amount: Amount
    tax: Amount = ZERO
    group_id: str | None = None
    """The fulfilment group that the charge is for (several consignments each have their shipping)."""


class OrderLine(Frozen):
    """One ordered SKU; ``line_total`` is quantity times unit price as the store states it."""

    line_id: Key
    parent_line_id: Key | None = None
    sku: Sku
    variant_id: Key | None = None
    name: str = ""
    kind: LineKind = LineKind.PHYSICAL
    quantity: PositiveQuantity
    uom: Uom
    unit_price: Amount
    line_total: Amount
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    charges: tuple[Charge, ...] = ()
    group_id: Key
    options: tuple[str, ...] = ()
    gift_message: str = ""

    def total_discount(self) -> Decimal:
        """Return the sum of the line's discounts."""
        return sum([discount.amount for discount in self.discounts], ZERO)

    def total_tax(self) -> Decimal:
        """Return the sum of the line's taxes."""
        return sum([tax.amount for tax in self.taxes], ZERO)


class FulfilmentGroup(Frozen):
    """Lines that go the same way to the same place: a store's consignment."""

    group_id: Key
    method: DeliveryMethod
    shipping_method: str | None = None
    """The OMS's code, from the connection's mapping; absent for pick-up and e-mail."""
    source_shipping_method: str = ""
    address: Address | None = None
    location: str | None = None
    """The OMS's location of a pick-up, from the connection's mapping."""
    recipient_email: str = ""


class PaymentTransaction(Frozen):
    """One event at the gateway; references only, never card numbers."""

    transaction_id: str
    kind: Literal["authorization", "settlement"]
    amount: Amount
    reference: str
    succeeded: bool
    at: UtcDatetime | None = None


class Payment(Frozen):
    """A means of payment and its share of the total."""

    payment_id: str
    method: str
    """The OMS's payment type, from the connection's mapping."""
    source_method: str
    amount: Amount
    gateway: str = ""
    transactions: tuple[PaymentTransaction, ...] = ()


class Customer(Frozen):
    """Who ordered; a guest has no ``customer_id``."""

    customer_id: str | None
    email: str
    first_name: str
    last_name: str
    phone_e164: str | None = None


class Note(Frozen):
    """Text from the shopper or the store's staff."""

    kind: Literal["customer", "staff"]
    text: str


class Order(Frozen):
    """An order as it must stand at the OMS; its content says nothing of when it was modified."""

    order_id: Key
    """The id at the OMS: the number shoppers see, with the connection's prefix."""
    source_id: Key
    number: Key
    store: Key
    channel: Key
    cancelled: bool = False
    cancel_reason: str = ""
    hold: str | None = None
    """The OMS's hold type id, from the connection's mapping, of an order that must not be fulfilled yet."""
    ordered_at: UtcDatetime
    currency: Currency
    tax_included: bool
    locale: str = ""
    customer: Customer
    billing: Address
    groups: tuple[FulfilmentGroup, ...]
    lines: tuple[OrderLine, ...]
    charges: tuple[Charge, ...] = ()
    discounts: tuple[Discount, ...] = ()
    """Order-level discounts that no line carries."""
    payments: tuple[Payment, ...] = ()
    notes: tuple[Note, ...] = ()
    total: Amount
    """What the shopper owes in all, as the store states it."""
    total_tax: Amount

    def computed_total(self) -> Decimal:
        """Return lines + charges - discounts + taxes; it equals ``total`` in an order that adds up."""
        total = ZERO
        for line in self.lines:
            total += line.line_total - line.total_discount()
        for charge in self.all_charges():
            total += charge.amount
        for discount in self.discounts:
            total -= discount.amount
        return total if self.tax_included else total + self.computed_tax()

    def computed_tax(self) -> Decimal:
        """Return the taxes of all lines and charges."""
        total = ZERO
        for line in self.lines:
            total += line.total_tax()
        for charge in self.all_charges():
            total += charge.tax
        return total

    def all_charges(self) -> Iterator[Charge]:
        """Iterate over the order's charges and those of its lines."""
        yield from self.charges
        for line in self.lines:
            yield from line.charges
