"""The canonical order: what a store sold, free of any platform's or OMS's shape.

Money: ``unit_price`` and ``line_total`` are before discounts; discounts are positive amounts that
are subtracted. With ``tax_included`` every price and charge contains its tax and the tax amounts
are informational; without it they are added.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import msgspec
from msgspec.structs import force_setattr

from domain.addressing.addresses import Address
from domain.records.record import (
    Record,
    check_amounts,
    check_code,
    check_keys,
    check_moment,
    check_quantity,
    check_sku,
)
from domain.values import Amount, Currency, Key, PositiveQuantity, Sku, Uom, UtcDatetime

ZERO, ONE = Decimal(0), Decimal(1)
CURRENCY = re.compile(r"[A-Z]{3}")
UOM = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,15}")


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


class Tax(Record, frozen=True, kw_only=True):
    """One tax on a line or a charge; ``rate`` is a fraction (0.07 is 7 %)."""

    tax_id: str
    name: str = ""
    amount: Amount
    rate: Decimal | None = None

    def __post_init__(self) -> None:
        check_amounts(self, self.amount)


class Discount(Record, frozen=True, kw_only=True):
    """A reduction; ``code`` is the coupon's code, absent for promotions and manual discounts."""

    discount_id: str
    name: str = ""
    amount: Amount
    code: str | None = None

    def __post_init__(self) -> None:
        check_amounts(self, self.amount)


class Charge(Record, frozen=True, kw_only=True):
    """A charge on the order or a line.

    ``amount`` is without tax unless the order is tax-included; ``tax`` is its tax either way.
    """

    charge_id: str
    kind: ChargeKind
    name: str = ""
    amount: Amount
    tax: Amount = ZERO
    group_id: str | None = None
    """The fulfilment group that the charge is for (several consignments each have their
    shipping)."""

    def __post_init__(self) -> None:
        check_amounts(self, self.amount, self.tax)
        if not self.tax:
            force_setattr(self, "tax", ZERO)  # a default is left out of the JSON by its identity


class OrderLine(Record, frozen=True, kw_only=True):
    """One ordered SKU; ``line_total`` is quantity times unit price as the store states it."""

    line_id: Key
    parent_line_id: Key | None = None
    sku: Sku
    variant_id: Key | None = None
    name: str = ""
    kind: LineKind = LineKind.PHYSICAL
    quantity: PositiveQuantity
    uom: Uom
    """The unit of ``quantity`` and ``unit_price``: the OMS's, once it is translated."""
    factor: Decimal = ONE
    """How many of it make one of the store's units, by the rule that translated the line."""
    unit_price: Amount
    line_total: Amount
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    charges: tuple[Charge, ...] = ()
    group_id: Key
    options: tuple[str, ...] = ()
    """Options that the shopper chose, as "name: value"."""
    texts: tuple[str, ...] = ()
    """What the shopper has entered for it, which no SKU says: an engraving, a date."""
    node: Key = ""
    """The OMS's location that it ships from, from the connection's mapping; the store's until then.
    Empty: the OMS decides. A node of the group, which an agent has chosen, comes before it."""
    gift_message: str = ""

    def __post_init__(self) -> None:
        check_sku(self, self.sku)
        parent, variant = self.parent_line_id or "", self.variant_id or ""
        check_keys(self, self.line_id, self.group_id, parent, variant, self.node)
        check_code(self, "uom", UOM)
        check_quantity(self, self.quantity, positive=True)
        check_amounts(self, self.unit_price, self.line_total)

    def total_discount(self) -> Decimal:
        """Return the sum of the line's discounts."""
        if not self.discounts:
            return ZERO
        return sum([discount.amount for discount in self.discounts], ZERO)

    def total_tax(self) -> Decimal:
        """Return the sum of the line's taxes."""
        return sum([tax.amount for tax in self.taxes], ZERO)


class FulfilmentGroup(Record, frozen=True, kw_only=True):
    """Lines that go the same way to the same place: a store's consignment."""

    group_id: Key
    method: DeliveryMethod
    shipping_method: str | None = None
    """The OMS's code, from the connection's mapping; absent for pick-up and e-mail."""
    source_shipping_method: str = ""
    address: Address | None = None
    location: str | None = None
    """The OMS's location of a pick-up, from the connection's mapping; the store's until then."""
    recipient_email: str = ""
    texts: tuple[str, ...] = ()
    """What the shopper has entered for the address beside it: delivery instructions."""
    node: Key = ""
    """The OMS's location that an agent has chosen to ship from; no store states one."""

    def __post_init__(self) -> None:
        check_keys(self, self.group_id)


class PaymentTransaction(Record, frozen=True, kw_only=True):
    """One event at the gateway; references only, never card numbers."""

    transaction_id: str
    kind: Literal["authorization", "settlement"]
    amount: Amount
    reference: str
    succeeded: bool
    at: UtcDatetime | None = None

    def __post_init__(self) -> None:
        check_amounts(self, self.amount)
        check_moment(self, "at")


class Payment(Record, frozen=True, kw_only=True):
    """A means of payment and its share of the total."""

    payment_id: str
    method: str
    """The OMS's payment type, from the connection's mapping; empty until then."""
    source_method: str
    amount: Amount
    gateway: str = ""
    transactions: tuple[PaymentTransaction, ...] = ()

    def __post_init__(self) -> None:
        check_amounts(self, self.amount)


class Customer(Record, frozen=True, kw_only=True):
    """Who ordered; a guest has no ``customer_id``."""

    customer_id: str | None
    email: str
    first_name: str
    last_name: str
    phone_e164: str | None = None


class Note(Record, frozen=True, kw_only=True):
    """Text from the shopper or the store's staff, or a field of the store's own form."""

    kind: Literal["customer", "staff", "form"]
    text: str


class Order(Record, frozen=True, kw_only=True):
    """An order as the OMS must have it, without the time of its last modification."""

    order_id: Key
    """The id at the OMS: the number shoppers see, with the connection's prefix."""
    source_id: Key
    number: Key
    purchase_order: str = ""
    """The buyer's own number of the order, which a business has entered."""
    business: str = ""
    """The store's key of the business, or of the unit of one, that the order is for."""
    subscription: str = ""
    """The store's id of what placed the order by itself, at intervals that the shopper chose."""
    quote: str = ""
    """The store's id of the quote whose prices the order has."""
    store: Key
    channel: Key
    canceled: bool = msgspec.field(default=False, name="cancelled")
    """Stored as ``cancelled``, the name it has in the views of history."""
    cancel_reason: str = ""
    hold: str | None = None
    """The OMS's hold type id, from the connection's mapping, of an order that must not be fulfilled
    yet."""
    agent_holds: tuple[str, ...] = ()
    """Hold type ids of agents' actions, which no store's order states."""
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

    def __post_init__(self) -> None:
        check_keys(self, self.order_id, self.source_id, self.number, self.store, self.channel)
        check_code(self, "currency", CURRENCY)
        check_moment(self, "ordered_at")
        check_amounts(self, self.total, self.total_tax)

    def computed_total(self) -> Decimal:
        """Return lines + charges - discounts + taxes: ``total`` if the order adds up."""
        return self.computed_sums()[0]

    def computed_tax(self) -> Decimal:
        """Return the taxes of all lines and charges: ``total_tax`` if the order adds up."""
        return self.computed_sums()[1]

    def computed_sums(self) -> tuple[Decimal, Decimal]:
        """Return the computed total and tax."""
        total = tax = ZERO
        charges = list(self.charges)
        for line in self.lines:
            total += line.line_total
            for discount in line.discounts:
                total -= discount.amount
            for line_tax in line.taxes:
                tax += line_tax.amount
            charges += line.charges
        for charge in charges:
            total += charge.amount
            tax += charge.tax
        for discount in self.discounts:
            total -= discount.amount
        return (total if self.tax_included else total + tax), tax
