"""Reads a store's locations, and the levels that it holds there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from domain.errors import PermanentError
from domain.parsing.answers import CONTRACT
from domain.parsing.payload import Scalar
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.answers_payload import (
    INVENTORY_ITEMS,
    LOCATIONS,
    Location,
)
from resources.platforms.bigcommerce.client import entries_of, pages_of, scope_check
from resources.platforms.bigcommerce.settings import INVENTORY_PAGE, SKUS_A_CALL

READS_LOCATIONS = scope_check("store_locations_read_only")
READS_STOCK = scope_check("store_inventory_read_only")


class LevelReader:
    """Reads locations and inventory of one store."""

    def __init__(self, http: ApiClient) -> None:
        self._http = http

    def locations(self) -> dict[str, str]:
        """Return location code -> id, and the code ``default`` for the default location.

        A location without a code is left out: nothing can name it.
        """
        found = {
            str(location.code): str(location.id)
            for location in self._locations({})
            if location.code is not None
        }
        default = next(self._locations({"is_default": "true"}), None)
        return found if default is None else found | {"default": str(default.id)}

    def _locations(self, params: Mapping[str, str]) -> Iterator[Location]:
        path = "/v3/inventory/locations"
        bounds: dict[str, str | int] = {**params, "limit": INVENTORY_PAGE}
        for page in pages_of(self._http, path, bounds, READS_LOCATIONS):
            for location in entries_of(f"BigCommerce: GET {path}", page, LOCATIONS):
                if location.id is None:
                    raise PermanentError(
                        f"BigCommerce: GET {path} gave a location without an id: {CONTRACT}"
                    )
                yield location

    def stock(self, skus: Collection[str]) -> dict[tuple[str, str], int]:
        """Return (SKU, location id) -> quantity on hand; without SKUs that hold a comma."""
        levels: dict[tuple[str, str], int] = {}
        wanted = [sku for sku in skus if "," not in sku]
        for start in range(0, len(wanted), SKUS_A_CALL):
            chunk = wanted[start : start + SKUS_A_CALL]
            params: dict[str, str | int] = {"sku:in": ",".join(chunk), "limit": INVENTORY_PAGE}
            found: dict[tuple[str, str], int] = {}
            for page in pages_of(self._http, "/v3/inventory/items", params, READS_STOCK):
                found.update(_levels_of(page))
                if len({sku for sku, _ in found}) >= len(set(chunk)):
                    break  # each SKU is on the list once, so nothing can follow
            levels.update(found)
        return levels


def _levels_of(page: Sequence[msgspec.Raw]) -> dict[tuple[str, str], int]:
    where = "BigCommerce: GET /v3/inventory/items"
    levels = {}
    for item in entries_of(where, page, INVENTORY_ITEMS):
        sku = item.identity.sku if item.identity is not None else None
        for level in item.locations or ():
            on_hand = to_quantity(level.total_inventory_onhand) if level is not None else None
            if sku is None or level is None or level.location_id is None or on_hand is None:
                raise PermanentError(f"{where} gave a level that can't be read: {CONTRACT}")
            levels[str(sku), str(level.location_id)] = on_hand
        if item.locations is None:
            raise PermanentError(f"{where} gave an item without locations: {CONTRACT}")
    return levels


def to_quantity(value: Scalar) -> int | None:
    """Return a quantity, ``None`` if it is not a number."""
    try:
        return int(value) if value is not None else None
    except (ValueError, OverflowError):
        return None
