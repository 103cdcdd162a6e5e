"""What commercetools' documents are made of: texts, money, taxes, prices, addresses.

Source: openapi.yaml, raml/types/{common,cart,order}.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from domain.parsing.payload import Document, Scalar

Text = str | None
Whole = Annotated[int, Meta(ge=-(2**53), le=2**53, description="a whole number")] | None
Names = dict[str, object] | None
"""A text by language, or custom fields by name."""


class Camel(Document, rename="camel"):
    """Base of the documents: ``total_price`` is ``totalPrice`` there, and in problems' paths."""


class Money(Camel):
    """An amount in whole minor units; ``precise_amount`` if it has more digits than these."""

    type: Text = None
    currency_code: Text = None
    cent_amount: Whole = None
    precise_amount: Whole = None
    fraction_digits: Whole = None


class Reference(Camel):
    """A reference to another resource, by id or key."""

    id: Text = None
    key: Text = None


class Channel(Camel):
    """A channel, if it was expanded."""

    key: Text = None


class ChannelReference(Camel):
    """A reference to a channel."""

    id: Text = None
    obj: Channel | None = None


class State(Camel):
    """A state of a workflow, if it was expanded."""

    key: Text = None
    name: Names = None


class StateReference(Camel):
    """A reference to a state of a workflow."""

    id: Text = None
    obj: State | None = None


class ItemState(Camel):
    """Units of an item in a state."""

    quantity: Whole = None
    state: StateReference | None = None


class CustomFields(Camel):
    """A merchant's own fields."""

    fields: Names = None


class TaxRate(Camel):
    """The rate of an item."""

    amount: Scalar = None
    included_in_price: bool | None = None


class TaxedPrice(Camel):
    """Net, gross and tax of an item or of the order."""

    total_net: Money | None = None
    total_gross: Money | None = None
    total_tax: Money | None = None


class MethodTaxRate(Camel):
    """The rate of the units that go by one of several shipping methods."""

    tax_rate: TaxRate | None = None


class MethodTaxedPrice(Camel):
    """Net, gross and tax of the units that go by one of several shipping methods."""

    shipping_method_key: Text = None
    taxed_price: TaxedPrice | None = None


class DiscountPortion(Camel):
    """The part of one discount in a price."""

    discount: Reference | None = None
    discounted_amount: Money | None = None


class DiscountedPrice(Camel):
    """A price after discounts, of one unit or of shipping."""

    value: Money | None = None
    included_discounts: list[DiscountPortion | None] | None = None


class DiscountedQuantity(Camel):
    """The price after discounts of some units of a line."""

    quantity: Whole = None
    discounted_price: DiscountedPrice | None = None


class SalePrice(Camel):
    """A price that a product discount has lowered."""

    value: Money | None = None


class Tier(Camel):
    """The price of one unit from some quantity on."""

    minimum_quantity: Whole = None
    value: Money | None = None


class Price(Camel):
    """The price of one unit."""

    value: Money | None = None
    discounted: SalePrice | None = None
    tiers: list[Tier | None] | None = None


class Address(Camel):
    """An address."""

    key: Text = None
    first_name: Text = None
    last_name: Text = None
    company: Text = None
    department: Text = None
    street_name: Text = None
    street_number: Text = None
    additional_street_info: Text = None
    additional_address_info: Text = None
    building: Text = None
    apartment: Text = None
    p_o_box: Text = None
    city: Text = None
    region: Text = None
    state: Text = None
    postal_code: Text = None
    country: Text = None
    phone: Text = None
    mobile: Text = None
    email: Text = None
