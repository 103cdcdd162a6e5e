"""Units that carts have reserved before they are ordered (inventory mode ``ReserveOnCart``).

An entry's reservation is of orders and of such carts together. The OMS knows the orders only: what
is in carts is still available there, and must not be offered a second time in the store. Source:
raml/types/cart (``InventoryMode``, ``LineItem``). UNVERIFIED: that a line item whose reservation
has expired names none, and that the reservation of a cart that is ordered stays as the order's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from domain.parsing.payload import PayloadDecoder
from resources.platforms.commercetools.answers_payload import ANSWER_ADVICE
from resources.platforms.commercetools.client import document_of, one_of
from resources.platforms.commercetools.payload import Camel, Reference, Text, Variant, Whole

PATH, SCOPE = "/carts", "view_orders"
CART_PAGE = 100
"""Whole carts in an answer: each has its products with all of their attributes."""
OPEN = one_of("cartState", ("Active", "Frozen"))
"""Carts that may still be ordered."""
DEFAULT = "default"
"""Id and code of the location of entries without a supply channel."""
Level = tuple[str, str]
"""SKU and location id."""


class CartLine(Camel):
    """Units of a SKU in a cart, and the reservation that keeps them."""

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


def reserved_in(where: str, page: Iterable[msgspec.Raw], skus: Collection[str]) -> dict[Level, int]:
    """Return (SKU, location id) -> units that the carts of a page have reserved.

    Raises ``PermanentError`` for a page that can't be read.
    """
    found: dict[Level, int] = {}
    for raw in page:
        for line in document_of(where, raw, CARTS).line_items or ():
            sku = line.variant.sku if line is not None and line.variant is not None else None
            if line is None or sku not in skus or line.reservation is None:
                continue
            channel = line.supply_channel
            key = str(sku), (channel.id or "") if channel is not None else DEFAULT
            found[key] = found.get(key, 0) + (line.quantity or 0)
    return found


def added(found: dict[Level, int], more: dict[Level, int]) -> dict[Level, int]:
    """Return the sums of two pages."""
    return found | {key: found.get(key, 0) + units for key, units in more.items()}
