"""The canonical listing: what a merchant wants a product of the store to show."""

from __future__ import annotations

from domain.records.catalog import Attribute
from domain.records.record import (
    InvalidRecord,
    Record,
    check_amounts,
    check_keys,
    check_quantity,
    check_sku,
)
from domain.values import Amount, Key, Quantity, Sku


class NewVariant(Record, frozen=True, kw_only=True):
    """A variant of a group product: of one to create, or one to add to a product of the store."""

    sku: Sku
    options: tuple[Attribute, ...] = ()
    """What distinguishes it from the others: ``Size: L``."""
    price: Amount | None = None
    """``None``: the product's."""
    weight: Quantity | None = None

    def __post_init__(self) -> None:
        check_sku(self, self.sku)
        _check_numbers(self, self.price, self.weight)


class Listing(Record, frozen=True, kw_only=True):
    """Texts and pictures that a product should have; what is ``None`` stays as it is."""

    product_id: Key
    """The store's id; of a product to create ``domain.listings.new_id``, of an item of the OMS
    ``domain.listings.item_id``."""
    sku: Sku
    """By which it was named: the product's own, or that of one of its variants."""
    name: str | None = None
    description: str | None = None
    """May be HTML."""
    warranty: str | None = None
    images: tuple[str, ...] | None = None
    """Addresses from which the store fetches the pictures, the first at the front."""
    brand: str | None = None
    """By its name."""
    categories: tuple[str, ...] | None = None
    """By their names: all that the product is in."""
    sold_as: Key = ""
    """Of an item of the OMS: the product that sells it; empty if one is to be created."""
    is_asked: bool = False
    """Of an item of the OMS: an operator has asked for it, so that edits in the store give way."""
    taken_in: tuple[Sku, ...] = ()
    """Other SKUs by which earlier requests, whose fields this one has, named the product."""
    left_out: tuple[Sku, ...] = ()
    """SKUs of variants that an earlier request wants, which waits, and this one does not."""
    price: Amount | None = None
    """Of a product to create, in the store's currency, as are those of its variants."""
    weight: Quantity | None = None
    """Of a product to create, in the store's unit."""
    variants: tuple[NewVariant, ...] | None = None
    """Of a group product to create, or those to add to one; a single product has none."""

    def __post_init__(self) -> None:
        for sku in (self.sku, *self.taken_in):
            check_sku(self, sku)
        check_keys(self, self.product_id, self.sold_as)
        _check_numbers(self, self.price, self.weight)

    @property
    def skus(self) -> tuple[str, ...]:
        """Return the SKUs that the product sells once the listing is applied."""
        variants = (variant.sku for variant in self.variants or ())
        return tuple(dict.fromkeys((self.sku, *variants, *self.taken_in)))

    @property
    def texts(self) -> dict[str, str]:
        """Return the texts that are wanted, by field."""
        named = {
            "name": self.name,
            "description": self.description,
            "warranty": self.warranty,
            "brand": self.brand,
        }
        return {field: text for field, text in named.items() if text is not None}


def _check_numbers(record: Record, price: Amount | None, weight: Quantity | None) -> None:
    if price is not None:
        check_amounts(record, price)
        if price <= 0:
            raise InvalidRecord("price", "must be above zero")
    if weight is not None:
        check_quantity(record, weight)
