"""Canonical products: the SKUs of one product of a store."""

from __future__ import annotations

from typing import Literal, TypeAlias

from domain.records.inventory import StoreItem
from domain.records.record import Record, check_keys

ProductNeed: TypeAlias = Literal["sku", "tracking"]
"""What a product may have to have: a SKU of each of its variants, and stock that is counted."""


class Product(Record, frozen=True, kw_only=True):
    """A product as far as stock needs it; one without a SKU has no items."""

    product_id: str
    name: str = ""
    without_sku: tuple[str, ...] = ()
    """What of it has no SKU, by the store's ids: itself, or some of its variants."""
    is_digital: bool = False
    """Nothing of it is shipped."""
    items: tuple[StoreItem, ...] = ()

    def __post_init__(self) -> None:
        check_keys(self, self.product_id)
