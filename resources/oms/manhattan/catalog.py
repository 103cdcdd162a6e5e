"""The tenant's item master: which SKUs it has, and in which units they can be ordered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from domain.exchange import MasterItem
from domain.identity import is_id
from domain.text import clean_text
from resources.http.client import ApiClient
from resources.oms.manhattan.client import any_of, chunks, fetch_answer, rows_of
from resources.oms.manhattan.settings import ManhattanSettings

LONGEST_TEXT = 500
"""Of an item's description or unit, which are only shown and compared."""
# The attributes' names are settings of the tenant, so no struct can declare them.
_ROW = msgspec.json.Decoder(dict[str, object])


class ItemMaster:
    """The items of one tenant."""

    def __init__(self, client: ApiClient, settings: ManhattanSettings) -> None:
        self._client = client
        self._names = settings.names
        self._path = settings.paths.item_search
        self._page_size = settings.item_page_size
        names = (
            self._names.item_id,
            self._names.item_uom,
            self._names.item_uoms,
            self._names.item_description,
        )
        self._template = dict.fromkeys(filter(None, names))

    def find(self, skus: Collection[str]) -> dict[str, MasterItem]:
        """Return those of the SKUs that the item master has."""
        found: dict[str, MasterItem] = {}
        for chunk in chunks(list(dict.fromkeys(skus)), self._page_size):
            found |= self._all_of(chunk)
        return found

    def any_item(self) -> MasterItem | None:
        """Return one item, or ``None`` where the item master is empty."""
        return next(iter(self._items(self._rows(None, 0, 1)).values()), None)

    def _all_of(self, skus: Sequence[str]) -> dict[str, MasterItem]:
        """Return the items, page by page up to one with no new row, unless all were found."""
        query, seen, page = any_of(self._names.item_id, skus), set[bytes](), 0
        found: dict[str, MasterItem] = {}
        while True:
            rows = self._rows(query, page, len(skus))
            known = len(seen)
            seen |= {bytes(row) for row in rows}
            found |= self._items(rows)
            if len(seen) == known or len(found) >= len(skus):
                return found
            page += 1

    def _rows(self, query: str | None, page: int, size: int) -> list[msgspec.Raw]:
        body: dict[str, object] = {"Page": page, "Size": size, "Template": self._template}
        if query:
            body["Query"] = query
        return rows_of(fetch_answer(self._client, self._path, body))

    def _items(self, rows: Sequence[msgspec.Raw]) -> dict[str, MasterItem]:
        items = [self._item(row) for row in map(_decoded, rows) if row is not None]
        # A row without a usable id is no item: orders for its SKU are rejected as unknown.
        return {item.sku: item for item in items if is_id(item.sku)}

    def _item(self, row: Mapping[str, object]) -> MasterItem:
        names = self._names
        uom = clean_text(str(row.get(names.item_uom) or ""), LONGEST_TEXT)
        description = clean_text(str(row.get(names.item_description) or ""), LONGEST_TEXT)
        further = units_of(row.get(names.item_uoms)) if names.item_uoms else ()
        # An empty list may only mean that the search does not return the attribute.
        uoms = tuple(dict.fromkeys((uom, *further))) if further else ()
        return MasterItem(str(row.get(names.item_id) or ""), uom, description, uoms)


def units_of(value: object) -> tuple[str, ...]:
    """Return the units that an attribute lists.

    Its entries are texts, or objects whose first text in an attribute named after a unit counts.
    """
    found = []
    for entry in value if isinstance(value, list) else ():
        texts = (
            [part for name, part in entry.items() if "uom" in str(name).lower()]
            if isinstance(entry, dict)
            else [entry]
        )
        units = [text for text in texts if isinstance(text, str) and text]
        found += [clean_text(unit, LONGEST_TEXT) for unit in units[:1]]
    return tuple(found)


def _decoded(row: msgspec.Raw) -> dict[str, object] | None:
    """Return a row's content, or ``None`` where it can't be read."""
    try:
        return _ROW.decode(row)
    except (ValueError, RecursionError):
        return None
