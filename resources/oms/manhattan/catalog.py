"""The tenant's item master: which SKUs it has, and in which units they can be ordered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from domain.errors import PermanentError
from domain.exchange import Mapped, MasterItem, RawRecord, Skipped
from domain.identity import fallback_id
from domain.parsing.text import clean_text, has_controls
from domain.records.record import LONGEST_KEY
from domain.sources import COMPLETE, EVERYTHING, Page, Scope, Shape
from domain.values import Window
from resources.http.client import ApiClient
from resources.oms.manhattan.client import any_of, chunks, fetch_answer, rows_of
from resources.oms.manhattan.parsing import unreadable
from resources.oms.manhattan.personal import FACTS
from resources.oms.manhattan.settings import ManhattanSettings

LONGEST_TEXT = 500
"""Of an item's description or unit, which are only shown and compared."""
# The attributes' names are settings of the tenant, so no struct can declare them.
_ROW = msgspec.json.Decoder(dict[str, object])


class CatalogSource:
    """The item master of one tenant."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS
    lists_all: ClassVar[bool] = True

    def __init__(
        self, client: ApiClient, settings: ManhattanSettings, more: Sequence[str] = ()
    ) -> None:
        """``more`` are further attributes that rows have."""
        self._client = client
        self._names = settings.names
        self._path = settings.paths.item_search
        self._page_size = settings.item_page_size
        names = (
            self._names.item_id,
            self._names.item_uom,
            self._names.item_uoms,
            self._names.item_description,
            *more,
        )
        self._template = dict.fromkeys(filter(None, names))

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: items are read when they are needed."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Look up the SKUs in scope; without any, list the item master page by page.

        UNVERIFIED: a search without a query returns every item once. It ends with an empty page, or
        one of rows that were seen: a tenant that ignores the page would never end.
        """
        del window
        if scope.ids is not None:
            yield from self.read(scope.ids)
            yield COMPLETE
            return
        page, before = 0, b""
        while rows := [bytes(row) for row in self._rows(None, page, self._page_size)]:
            if rows[0] == before:
                raise PermanentError(
                    f"manhattan: the item search gave page {page - 1} twice: it ignores the page, "
                    "trying again won't help"
                )
            now = datetime.now(UTC)
            yield Page([RawRecord(self._id_of(row) or fallback_id(row), now, row) for row in rows])
            page, before = page + 1, rows[0]
        yield COMPLETE

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Look up SKUs, page by page up to one with no new row, unless all were found."""
        for chunk in chunks(list(dict.fromkeys(ids)), self._page_size):
            query, wanted, page = any_of(self._names.item_id, chunk), set(chunk), 0
            seen: set[bytes] = set()
            while True:
                now = datetime.now(UTC)
                rows = {bytes(row): None for row in self._rows(query, page, len(chunk))}
                records = [
                    RawRecord(self._id_of(row) or fallback_id(row), now, row)
                    for row in rows
                    if row not in seen
                ]
                if records:
                    yield Page(records)
                wanted -= {record.source_id for record in records}
                if not records or not wanted:
                    break
                seen |= rows.keys()
                page += 1

    def to_canonical(self, payload: bytes) -> Mapped[MasterItem] | Skipped:
        """Map a row. Raises ``RecordRejected`` if it names no item."""
        row = _decoded(payload)
        if row is None or not self._id_of(payload):
            raise unreadable(self._names.item_id, "The row has no id of an item.")
        return Mapped(self._item(row))

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the tenant shows its items whenever it is asked."""

    def any_item(self) -> MasterItem | None:
        """Return one item, or ``None`` if the item master is empty."""
        rows = [bytes(row) for row in self._rows(None, 0, 1)]
        found = [row for payload in rows if (row := _decoded(payload)) and self._id_of(payload)]
        return self._item(found[0]) if found else None

    def _rows(self, query: str | None, page: int, size: int) -> list[msgspec.Raw]:
        body: dict[str, object] = {"Page": page, "Size": size, "Template": self._template}
        if query:
            body["Query"] = query
        return rows_of(fetch_answer(self._client, self._path, body))

    def _id_of(self, payload: bytes) -> str | None:
        """Return the SKU of a row, ``None`` if it has none that can be used."""
        row = _decoded(payload)
        sku = str(row.get(self._names.item_id) or "") if row is not None else ""
        is_sku = len(sku) <= LONGEST_KEY and not has_controls(sku) and sku.strip()
        return sku if is_sku else None

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


def _decoded(row: bytes) -> dict[str, object] | None:
    """Return a row's content, or ``None`` if it can't be read."""
    try:
        return _ROW.decode(row)
    except (ValueError, RecursionError):
        return None
