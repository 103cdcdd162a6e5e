"""Units that carts have reserved before they are ordered (inventory mode ``ReserveOnCart``).

An entry's reservation is of orders and of such carts together. The OMS knows the orders only: what
is in carts is still available there, and must not be offered a second time in the store. Source:
raml/types/cart (``InventoryMode``, ``LineItem``). UNVERIFIED: that a line item whose reservation
has expired names none, and that the reservation of a cart that is ordered stays as the order's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

import msgspec

from domain.parsing.answers import document_of
from domain.parsing.payload import PayloadDecoder
from resources.platforms.commercetools.answers_payload import ANSWER_ADVICE
from resources.platforms.commercetools.base_payload import Camel, Reference, Text, Whole
from resources.platforms.commercetools.client import one_of
from resources.platforms.commercetools.payload import Variant

PATH, SCOPE = "/carts", "view_orders"
CART_PAGE = 100
"""Whole carts in an answer: each has its products with all of their attributes."""
OPEN = one_of("cartState", ("Active", "Frozen"))
"""Carts that may still be ordered."""
DEFAULT = "default"
"""Id and code of the location of entries without a supply channel."""
Level = tuple[str, str]
"""SKU and location id."""
Reserved: TypeAlias = dict[tuple[str, str], tuple[Level, int]]
"""Cart and line -> the level that its units are of, and their number."""


class CartLine(Camel):
    """Units of a SKU in a cart, and the reservation that keeps them."""

    id: Text = None
    quantity: Whole = None
    variant: Variant | None = None
    supply_channel: Reference | None = None
    reservation: Reference | None = None


class Cart(Camel):
    """A cart."""

    id: Text = None
    line_items: list[CartLine | None] | None = None


CARTS = PayloadDecoder(Cart, "a cart", ANSWER_ADVICE)


def with_any_of(skus: Sequence[str]) -> str:
    """Return the predicate of open carts with any of some SKUs."""
    return f"{OPEN} and lineItems(variant({one_of('sku', skus)}))"


def reserved_in(where: str, page: Iterable[msgspec.Raw], skus: Collection[str]) -> Reserved:
    """Return the units that the carts of a page have reserved.

    Raises ``PermanentError`` for a page that can't be read.
    """
    found: Reserved = {}
    for raw in page:
        cart = document_of(where, raw, CARTS)
        for place, line in enumerate(cart.line_items or ()):
            sku = line.variant.sku if line is not None and line.variant is not None else None
            if line is None or sku not in skus or line.reservation is None:
                continue
            channel = line.supply_channel
            level = str(sku), (channel.id or "") if channel is not None else DEFAULT
            found[cart.id or "", line.id or str(place)] = level, line.quantity or 0
    return found


def in_any(reads: Sequence[Reserved]) -> dict[Level, int]:
    """Return (SKU, location id) -> units that carts have, or had at one of several reads.

    Entries are to be read between two reads of the carts. A cart that reserves in between is in
    the later one only, and one that is ordered or expires is in the earlier one only; left out,
    its units would count as an order's, which the OMS has taken off, and would be offered again.
    """
    most: Reserved = {}
    for read in reads:
        for line, (level, units) in read.items():
            if line not in most or units > most[line][1]:
                most[line] = level, units
    found: dict[Level, int] = {}
    for level, units in most.values():
        found[level] = found.get(level, 0) + units
    return found
