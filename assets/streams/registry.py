"""The streams that Lockstep has, by name."""

from __future__ import annotations

from typing import Any

from assets.chain.stream import Stream
from assets.streams.actions import Actions
from assets.streams.catalog_products import Catalog
from assets.streams.customers import Customers
from assets.streams.inventory import Inventory
from assets.streams.listings import Listings
from assets.streams.orders import Orders
from assets.streams.prices import Prices
from assets.streams.returns import Returns
from assets.streams.shipments import Shipments

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
