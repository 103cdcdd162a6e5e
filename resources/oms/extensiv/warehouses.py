"""The warehouses in a row of stock: a connection names each by its id or by its name. Pure.

A warehouse that a row does not have is gone there, and the store shows 0. So one that can't be
read must not look like one that is absent.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from domain.errors import RecordRejected
from domain.parsing.vendor_documents import text_of
from resources.oms.extensiv.payload import decode_level, decode_stock, unreadable

_PLACES = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw])


def place_in(row: bytes, node: str) -> bytes | None:
    """Return a row's stock at a warehouse, ``None`` if the row does not have it.

    Raises ``RecordRejected`` if its warehouses can't be read, or if none has the name and
    one can't be read: it may be that one.
    """
    places = _places_of(row)
    if node in places:
        return places[node]
    failed: RecordRejected | None = None
    for place in places.values():
        try:
            level = decode_level(place)
        except RecordRejected as rejected:
            failed = rejected
            continue
        name = text_of(level.document.warehouse)
        if name.casefold() == node.casefold():
            return place
        if not name and level.problems:
            failed = RecordRejected(*level.problems)
    if failed is not None:
        raise failed
    return None


def _places_of(row: bytes) -> Mapping[str, bytes]:
    """Return a row's warehouses by id; an empty object is written as an empty list."""
    try:
        places = _PLACES.decode(bytes(decode_stock(row).document.warehouses))
    except (ValueError, RecursionError) as error:
        raise unreadable("warehouses", "The row's warehouses are not an object.") from error
    if isinstance(places, dict):
        return {name: bytes(place) for name, place in places.items()}
    if places:
        raise unreadable("warehouses", "The row's warehouses are a list, not an object by id.")
    return {}
