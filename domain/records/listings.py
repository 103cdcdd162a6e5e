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

    def __post_init__(self) -> None:
        check_sku(self, self.sku)
        check_keys(self, self.product_id)

    @property
    def texts(self) -> dict[str, str]:
        """Return the texts that are wanted, by field."""
        named = {
            "name": self.name, "description": self.description, "warranty": self.warranty
        }  # fmt: skip
        return {field: text for field, text in named.items() if text is not None}
