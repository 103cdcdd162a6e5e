"""The canonical listing: what a merchant wants a product of the store to show."""

from __future__ import annotations

from domain.records.record import Record, check_keys, check_sku
from domain.values import Key, Sku


class Listing(Record, frozen=True, kw_only=True):
    """Texts and pictures that a product should have; what is ``None`` stays as it is."""

    product_id: Key
    """The store's id."""
    sku: Sku
    """By which it was named: the product's own, or that of one of its variants."""
    name: str | None = None
    description: str | None = None
    """May be HTML."""
    warranty: str | None = None
    images: tuple[str, ...] | None = None
    """Addresses from which the store fetches the pictures, the first at the front."""
    taken_in: tuple[Sku, ...] = ()
    """Other SKUs by which earlier requests, whose fields this one has, named the product."""

    def __post_init__(self) -> None:
        for sku in self.skus:
            check_sku(self, sku)
        check_keys(self, self.product_id)

    @property
    def skus(self) -> tuple[str, ...]:
        """Return the SKUs that the product must sell, or it is not the one that was meant."""
        return (self.sku, *self.taken_in)

    @property
    def texts(self) -> dict[str, str]:
        """Return the texts that are wanted, by field."""
        named = {
            "name": self.name, "description": self.description, "warranty": self.warranty
        }  # fmt: skip
        return {field: text for field, text in named.items() if text is not None}
