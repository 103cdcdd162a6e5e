"""The streams that Lockstep has, by name."""

from __future__ import annotations

from typing import Any

from assets.inventory import Inventory
from assets.orders import Orders
from assets.shipments import Shipments
from assets.spec import Stream

STREAMS: dict[str, Stream[Any]] = {stream.name: stream for stream in (Orders(), Inventory(), Shipments())}
