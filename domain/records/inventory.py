"""Canonical stock: what the OMS says is available, and what the store should therefore show."""

from __future__ import annotations

from typing import Literal

from domain.values import Frozen, Key, Quantity, Sku, UtcDatetime


class StockLevel(Frozen):
    """The OMS's availability of one SKU at one node, or over a view of many; absent quantities were not given, which is not zero."""

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
    """When the OMS says that this was true; ``None`` where its row does not say, and the capture's own time counts."""


class StoreItem(Frozen):
    """How the store tracks one SKU: the address of its stock."""

    sku: Sku
    product_id: str
    variant_id: str | None
    tracking: Literal["none", "product", "variant"]


class StockTarget(Frozen):
    """The quantity that one location of the store should show for one SKU."""

    sku: Sku
    location: str
    """The store's location id."""
    quantity: int
    infinite: bool = False
    """Sell without limit: the store's tracking should be off rather than a number be shown."""
