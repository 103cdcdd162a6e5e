"""Items of an OMS with what a store shows of them."""

from __future__ import annotations

from domain.records.record import Record, check_amounts, check_keys, check_quantity, check_sku
from domain.values import Amount, Quantity, Sku


class ListedItem(Record, frozen=True, kw_only=True):
    """An item of the item master; what is ``None`` the OMS does not state."""

    sku: Sku
    name: str | None = None
    description: str | None = None
    """May be HTML."""
    warranty: str | None = None
    images: tuple[str, ...] | None = None
    """Addresses, the main picture first."""
    brand: str | None = None
    categories: tuple[str, ...] | None = None
    """By their names in the store."""
    weight: Quantity | None = None
    """Of one unit of the OMS, in the OMS's own unit of weight."""
    price: Amount | None = None
    """Where the item itself states one, in the connection's currency."""
    style: str = ""
    """The item is one of several that differ in colour or size: what they have in common."""
    is_discontinued: bool = False

    def __post_init__(self) -> None:
        check_sku(self, self.sku)
        check_keys(self, self.style)
        if self.weight is not None:
            check_quantity(self, self.weight)
        if self.price is not None:
            check_amounts(self, self.price)
