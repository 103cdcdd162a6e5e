"""The streams that Lockstep has, by name."""

from __future__ import annotations

from typing import Any

from assets.chain.stream import Stream
from assets.streams.actions.stream import Actions
from assets.streams.catalog.stream import Catalog
from assets.streams.customers.stream import Customers
from assets.streams.inventory.stream import Inventory
from assets.streams.listings.stream import Listings
from assets.streams.orders.stream import Orders
from assets.streams.prices.stream import Prices
from assets.streams.returns.refund import HELD as HELD_REFUNDS
from assets.streams.returns.stream import Returns
from assets.streams.shipments.stream import Shipments
from domain.rules.pricing import HELD as HELD_PRICES

STREAMS: dict[str, Stream[Any]] = {
    stream.name: stream
    for stream in (
        Orders(),
        Inventory(),
        Shipments(),
        Customers(),
        Returns(),
        Catalog(),
        Listings(),
        Prices(),
        Actions(),
    )
}

HELD = (*HELD_REFUNDS, *HELD_PRICES)
"""Codes of rejections that an operator approves by a retry with a reason, in any stream."""
