"""Canonical stock: what is available at the OMS, and what the store should therefore show."""

from __future__ import annotations

from typing import Literal, TypeAlias

from domain.records.record import Record, check_keys, check_moment, check_quantity, check_sku
from domain.values import Key, Quantity, Sku, UtcDatetime

Tracking: TypeAlias = Literal["none", "product", "variant"]
"""At which level a store counts an item's stock; ``none``: it sells without limit."""


class StockLevel(Record, frozen=True, kw_only=True):
    """The OMS's availability of one SKU at one node, or over a view of many nodes.

    A quantity of ``None`` was not given, which is not zero.
    """

    sku: Sku
    node: Key
    """The OMS's location id, or the name of the network view."""
    available: Quantity
    """Available to promise, as the OMS computes it."""
    on_hand: Quantity | None = None
    reserved: Quantity | None = None
    expected: Quantity | None = None
    expected_at: UtcDatetime | None = None
    infinite: bool = False
    status: Literal["in_stock", "limited", "out_of_stock", "unknown"] = "unknown"
    observed_at: UtcDatetime | None = None
    """The OMS's time of this state; ``None`` if its row has none, and the capture's counts."""

    def __post_init__(self) -> None:
        check_sku(self, self.sku)
        check_keys(self, self.node)
        for quantity in (self.available, self.on_hand, self.reserved, self.expected):
            if quantity is not None:
                check_quantity(self, quantity)
        check_moment(self, "expected_at")
        check_moment(self, "observed_at")


class StoreItem(Record, frozen=True, kw_only=True):
    """How the store tracks one SKU: the address of its stock."""

    sku: Sku
    parent_id: str
    """The store's id of the product that it belongs to, whose tracking it has."""
    item_id: str | None
    """The store's id of the item; ``None``: the product itself is the item."""
    tracking: Tracking
    is_shared: bool = False
    """Other SKUs depend on the same tracking: it can't be switched off for this one alone."""
    has_stock: bool = True
    """False of a variant whose stock is counted with its product's: only its price is its own."""
    level: int | None = None
    """What the catalog states of its stock in the default location; ``None``: nothing."""

    def __post_init__(self) -> None:
        check_sku(self, self.sku)


class StockTarget(Record, frozen=True, kw_only=True):
    """The quantity that one location of the store should show for one SKU."""

    sku: Sku
    location: str
    """The store's location id."""
    quantity: int
    infinite: bool = False
    """Sell without limit: tracking should be off in the store, and no number shown."""
    track: Tracking = "none"
    """The tracking to switch on before the quantity is set; ``none``: it is on."""

    def __post_init__(self) -> None:
        check_sku(self, self.sku)
