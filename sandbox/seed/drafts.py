"""The parts of an order before its document is built: lines, addresses, charges, discounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.seed.amounts import ZERO, Amount, Rate


@dataclass(slots=True)
class Line:
    """One order product; ``price`` is per unit, undiscounted, with tax if pricing is inclusive."""

    sku: str
    name: str
    price: Amount
    quantity: int
    product_id: int = 0
    variant_id: int = 0
    kind: str = "physical"
    address: int | None = 0
    pickup: int | None = None
    options: list[tuple[str, str]] = field(default_factory=list)
    rates: tuple[Rate, ...] = ()
    wrapping: Decimal = ZERO
    wrapping_message: str = ""
    brand: str = ""
    weight: str = "0.0000"


@dataclass(slots=True)
class Address:
    """One shipping address and its charges; ``fields`` holds name, street, city, zip and so on."""

    fields: dict[str, Any]
    method: str
    shipping: Amount = ZERO
    handling: Decimal = ZERO
    rates: tuple[Rate, ...] = ()


@dataclass(slots=True)
class Discount:
    """A discount over the order or one line; a coupon if it has a ``code``.

    ``kind`` is BigCommerce's coupon type number.
    """

    amount: Decimal
    name: str
    code: str | None = None
    line: int | None = None
    kind: int = 2


@dataclass(slots=True)
class Draft:
    """A complete order; ``created`` is a text where the source has no valid date.

    ``extra`` overrides or adds order fields last; ``numbered``: assign ids to its parts, too.
    """

    status: int
    created: datetime | str | None
    modified: datetime
    currency: str
    billing: dict[str, Any]
    lines: list[Line]
    addresses: list[Address] = field(default_factory=list)
    id: int | None = None
    numbered: bool = True
    inclusive: bool = False
    customer_id: int = 0
    discounts: list[Discount] = field(default_factory=list)
    fees: list[tuple[str, Decimal, tuple[Rate, ...]]] = field(default_factory=list)
    pickups: list[dict[str, Any]] = field(default_factory=list)
    transactions: list[dict[str, Any]] = field(default_factory=list)
    payment_method: str = ""
    payment_status: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
