"""Canonical products: the SKUs of one product of a store."""

from __future__ import annotations

from domain.records.inventory import StoreItem
from domain.records.record import Record, check_keys


class Product(Record, frozen=True, kw_only=True):
    """A product as far as stock needs it; one without a SKU has no items."""

    product_id: str
    items: tuple[StoreItem, ...] = ()

    def __post_init__(self) -> None:
        check_keys(self, self.product_id)
