"""Reads a project's supply channels, and the levels that it holds: its inventory entries."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from domain.errors import PermanentError
from domain.parsing.answers import CONTRACT, document_of
from domain.targets import NO_LEVEL
from resources.http.client import ApiClient
from resources.platforms.commercetools import carts
from resources.platforms.commercetools.answers_payload import CHANNELS, ENTRIES, Entry
from resources.platforms.commercetools.carts import CART_PAGE, DEFAULT, Level, Reserved
from resources.platforms.commercetools.client import one_of, query_by_id
from resources.platforms.commercetools.settings import (
    CHANNEL_PAGE,
    IDS_A_CALL,
    INVENTORY_PAGE,
    CommercetoolsSettings,
)

PATH, SCOPE = "/inventory", "view_products"
SUPPLY_ROLE = "InventorySupply"


class LevelReader:
    """Reads supply channels and inventory of one project."""

    def __init__(self, http: ApiClient, settings: CommercetoolsSettings) -> None:
        self._http, self._settings = http, settings
        self._places: frozenset[str] = frozenset()

    def locations(self) -> dict[str, str]:
        """Return channel key -> id, and ``default`` for entries without a channel."""
        found = {DEFAULT: DEFAULT}
        for page in query_by_id(self._http, "/channels", (), CHANNEL_PAGE, "view_products"):
            for raw in page:
                channel = document_of("commercetools: GET /channels", raw, CHANNELS)
                if channel.id and channel.key and SUPPLY_ROLE in (channel.roles or ()):
                    found[channel.key] = channel.id
        self._places = frozenset(found.values())
        return found

    def stock(self, skus: Collection[str]) -> dict[Level, int]:
        """Return (SKU, location id) -> quantity that is available, or in carts.

        ``NO_LEVEL`` where the project has no entry, at the locations that were read last.
        """
        wanted = sorted(set(skus))
        places = self._places or frozenset(self.locations().values())
        levels = {(sku, place): NO_LEVEL for sku in wanted for place in places}
        for start in range(0, len(wanted), IDS_A_CALL):
            chunk = wanted[start : start + IDS_A_CALL]
            before, entries = self._in_carts(chunk), list(self._entries(chunk))
            in_carts = carts.in_any([before, self._in_carts(chunk)])
            for entry in entries:
                key = level_of(entry)
                levels[key] = free(entry, in_carts.get(key, 0))
        return levels

    def _entries(self, skus: Sequence[str]) -> Iterator[Entry]:
        for page in query_by_id(self._http, PATH, [one_of("sku", skus)], INVENTORY_PAGE, SCOPE):
            for raw in page:
                yield document_of(f"commercetools: GET {PATH}", raw, ENTRIES)

    def _in_carts(self, skus: Sequence[str]) -> Reserved:
        found: Reserved = {}
        if not self._settings.cart_reservations:
            return found
        where = [carts.with_any_of(skus)]
        for page in query_by_id(self._http, carts.PATH, where, CART_PAGE, carts.SCOPE):
            found |= carts.reserved_in("commercetools: GET /carts", page, skus)
        return found


def level_of(entry: Entry) -> Level:
    """Return what an entry is the level of."""
    channel = entry.supply_channel
    return entry.sku or "", (channel.id or "") if channel is not None else DEFAULT


def quantities(entry: Entry) -> tuple[int, int]:
    """Return the quantity on stock and what of it is available."""
    on_stock, available = entry.quantity_on_stock, entry.available_quantity
    if not entry.id or not entry.sku or on_stock is None or available is None:
        raise PermanentError(
            f"commercetools: GET {PATH} gave an entry without id, SKU or quantities: {CONTRACT}"
        )
    return on_stock, available


def free(entry: Entry, in_carts: int) -> int:
    """Return what no order has of an entry: the carts' units are a part of its reservation."""
    on_stock, available = quantities(entry)
    return available + max(0, min(in_carts, on_stock - available))
