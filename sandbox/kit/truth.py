"""What a simulated system really holds, in one form for all of them: control call ``GET truth``.

Verification compares two systems by it, and knows no vendor's documents.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class TrueLine(TypedDict):
    """Units of one order line: ordered, or within a parcel."""

    line: NotRequired[str]
    """Of a parcel's content absent where the system names SKUs only."""
    sku: str
    quantity: str | int | float
    emailed: NotRequired[str]
    """At a store, of a line that is not shipped: what it costs, with taxes and after discounts."""
    canceled: NotRequired[int | float]
    """At an OMS, of an ordered line: how many of its units it has canceled."""


class TrueParcel(TypedDict):
    """One parcel that has left."""

    key: str
    tracking: str
    carrier: str
    lines: list[TrueLine]


class TrueOrder(TypedDict):
    """One order; ``lines`` are as ordered, what was canceled since included."""

    id: str
    number: str
    """At a store: what its order is called at the OMS."""
    canceled: bool
    awaits_fulfilment: NotRequired[bool]
    """At a store: the merchant waits for it to be fulfilled."""
    places: NotRequired[int]
    """At a store: to how many addresses it is shipped; none if it is picked up or e-mailed."""
    creates: NotRequired[int]
    """At an OMS: how often it was created; more than once is a duplicate."""
    lines: list[TrueLine]
    parcels: list[TrueParcel]
    total: str


class TrueLevel(TypedDict):
    """Units of a SKU that can be sold, at a location or, with an empty one, wherever they lie."""

    sku: str
    location: str
    available: int | float
    on_hand: NotRequired[int | float]
    reserved: NotRequired[int | float]


class TrueCustomer(TypedDict):
    """One registered customer, with id and city of each address."""

    id: str
    active: bool
    email: str
    first_name: str
    last_name: str
    addresses: list[list[str]]


class TrueReturn(TypedDict):
    """Units of an order that come back; ``line`` is the order's own line."""

    id: str
    order: str
    lines: list[TrueLine]
    confirmed: list[TrueLine]


class TrueRefund(TypedDict):
    """Money that was given back for units of an order, as text."""

    id: str
    order: str
    amount: str
    lines: list[TrueLine]
    state: NotRequired[str]
    """Where the system has more than paid ones."""


class TruePrice(TypedDict):
    """What one unit of a SKU costs in a price list, as text; an empty list is the system's own."""

    sku: str
    price_list: str
    currency: str
    regular: str
    sale: str
    """Empty if there is none."""


class TrueProduct(TypedDict):
    """What a store sells under a SKU."""

    sku: str
    name: str
    pictures: NotRequired[int]
    """Of the whole product, in a store that has pictures."""


class Truth(TypedDict):
    """All that a system holds."""

    orders: list[TrueOrder]
    levels: list[TrueLevel]
    customers: NotRequired[list[TrueCustomer]]
    returns: NotRequired[list[TrueReturn]]
    refunds: NotRequired[list[TrueRefund]]
    prices: NotRequired[list[TruePrice]]
    products: NotRequired[list[TrueProduct]]
    """Of a store."""
    pending: NotRequired[int]
    """Writes that were accepted and do not show yet."""
