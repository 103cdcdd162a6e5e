"""Prices of a store as plain data: where one belongs, and what the store shows there."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import orjson

from domain.errors import Problem, RecordRejected
from domain.records.inventory import StoreItem

OWN_PRICES = "catalog"
"""The store's own prices, which apply where none of its price lists does."""


class PricePlace(NamedTuple):
    """Where a price belongs: an item, a price list of the store, and a currency."""

    item: StoreItem
    price_list: str
    """As the store's connector names it; ``catalog``: the store's own prices."""
    currency: str

    @property
    def key(self) -> str:
        """Return the key of its target state: of an item that is made again, another one."""
        address = f"{self.item.parent_id}.{self.item.item_id or ''}"
        return f"{self.price_list}/{self.currency}/{self.item.sku}@{address}"


@dataclass(frozen=True, slots=True)
class PriceTag:
    """What one unit costs, in a currency that its place states."""

    regular: Decimal
    sale: Decimal | None = None

    @property
    def selling(self) -> Decimal:
        """Return what a shopper pays for one unit."""
        return self.regular if self.sale is None else self.sale

    def text(self, currency: str) -> str:
        """Return the price in words."""
        sale = "" if self.sale is None else f", sale {plain(self.sale)}"
        return f"{currency} {plain(self.regular)}{sale}"


@dataclass(frozen=True, slots=True)
class StorePrice:
    """What a store shows at one place, and how it is written there."""

    operation: str
    """The target's operation that writes it."""
    tag: PriceTag | None = None
    """``None``: the store has no price there."""
    address: str = ""
    """What the target needs to write it, in its own form."""
    group: str = ""
    """Prices of one group go together in a call."""
    problem: Problem | None = None
    """Why no price can be written there."""


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A price to set in a store."""

    place: PricePlace
    tag: PriceTag
    held: StorePrice


def plain(amount: Decimal) -> str:
    """Return an amount without an exponent or trailing zeros."""
    return f"{amount.normalize():f}"


def tag_content(tag: PriceTag | None) -> bytes:
    """Return a price as target state: equal prices give equal bytes."""
    if tag is None:
        return orjson.dumps({"regular": None})
    sale = None if tag.sale is None else plain(tag.sale)
    return orjson.dumps({"regular": plain(tag.regular), "sale": sale})


def exact_number(amount: Decimal) -> float:
    """Return an amount as the number that JSON writes exactly so. Raises ``RecordRejected``."""
    number = float(amount)
    if Decimal(repr(number)) != amount:
        raise RecordRejected(
            Problem(
                "price_not_exact",
                "regular",
                "the price has more digits than the store's interface carries exactly",
                "correct the price where it comes from",
            )
        )
    return number
