"""Canonical products: what a store sells, and the SKUs by which stock and orders name it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from domain.records.inventory import StoreItem
from domain.records.record import Record, check_amounts, check_keys, check_quantity
from domain.values import Amount, Key, Quantity

ProductNeed: TypeAlias = Literal["sku", "tracking"]
"""What a product may have to have: a SKU of each of its variants, and stock that is counted."""


class Attribute(Record, frozen=True, kw_only=True):
    """A named value of a product, or the value of an option that distinguishes a variant."""

    name: str
    value: str


class Dimensions(Record, frozen=True, kw_only=True):
    """Sizes and weight in the store's own units, which the catalog does not state."""

    weight: Quantity | None = None
    width: Quantity | None = None
    height: Quantity | None = None
    depth: Quantity | None = None

    def __post_init__(self) -> None:
        for quantity in (self.weight, self.width, self.height, self.depth):
            if quantity is not None:
                check_quantity(self, quantity)


NO_DIMENSIONS = Dimensions()


class Variant(Record, frozen=True, kw_only=True):
    """What is bought of a product; of a single product there is one."""

    variant_id: str
    """The store's id; empty if the product itself is what is bought."""
    sku: str = ""
    """Without spaces around it; empty if it has none."""
    price: Amount | None = None
    """In the currency of the product; ``None``: the product's."""
    stock: int | None = None
    """As the catalog stated it when this version was read: a level alone makes no new version."""
    barcodes: tuple[Attribute, ...] = ()
    """By kind: ``upc``, ``gtin``, ``mpn``, …"""
    options: tuple[Attribute, ...] = ()
    image: str = ""
    dimensions: Dimensions = NO_DIMENSIONS

    def __post_init__(self) -> None:
        check_keys(self, self.variant_id, self.sku)
        if self.price is not None:
            check_amounts(self, self.price)


class Product(Record, frozen=True, kw_only=True):
    """A product, as much of it as was asked for: for stock the items, else all but these."""

    product_id: Key
    name: str = ""
    without_sku: tuple[str, ...] = ()
    """What of it has no SKU, by the store's ids: itself, or some of its variants."""
    is_digital: bool = False
    """Nothing of it is shipped."""
    items: tuple[StoreItem, ...] = ()
    """The SKUs whose stock the store counts, where it was read for stock."""
    priced_items: tuple[StoreItem, ...] = ()
    """Variants whose stock is counted with the product's: only their prices are their own."""
    is_gone: bool = False
    """The store has deleted the product, or doesn't sell it any more."""
    sku: str = ""
    """The product's own, beside those of its variants."""
    description: str = ""
    """As the store has it, which may be HTML."""
    warranty: str = ""
    brand: str = ""
    categories: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    inherited: tuple[str, ...] = ()
    """Texts that it lacks, so that the store shows those of the product it is a variation of."""
    images: tuple[str, ...] = ()
    """Addresses, the one that is shown first at the front."""
    currency: str = ""
    """Of the prices; empty: the store's default currency."""
    price: Amount | None = None
    sale_price: Amount | None = None
    dimensions: Dimensions = NO_DIMENSIONS
    variants: tuple[Variant, ...] = ()

    def __post_init__(self) -> None:
        check_keys(self, self.product_id, self.sku, self.currency)
        for amount in (self.price, self.sale_price):
            if amount is not None:
                check_amounts(self, amount)

    @property
    def is_group(self) -> bool:
        """Return whether shoppers choose among variants."""
        return len(self.variants) > 1


def deleted_product(product_id: str) -> Product:
    """Return the record of a product that the store no longer has."""
    return Product(product_id=product_id, is_gone=True)
