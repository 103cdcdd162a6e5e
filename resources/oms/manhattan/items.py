"""Items with what a store shows of them: the item master's texts, picture and marks.

``Description``, ``Style``, ``SmallImageURI`` and ``IsDiscontinued`` are documented (oms.md, section
1.11); all names are settings, so no struct can declare them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import msgspec

from domain.categories import split
from domain.exchange import Mapped, Skipped
from domain.records.listed_items import ListedItem
from domain.sources import EVERYTHING, Page, Scope, Shape
from domain.values import Window
from resources.http.client import ApiClient
from resources.oms.manhattan.catalog import CatalogSource
from resources.oms.manhattan.parsing import Findings, folded, unreadable
from resources.oms.manhattan.personal import FACTS
from resources.oms.manhattan.settings import ManhattanSettings

_ROW = msgspec.json.Decoder(dict[str, object], float_hook=Decimal)
YES, NO = ("true", "1", "y", "yes"), ("", "false", "0", "n", "no")


class ItemsSource:
    """The item master of one tenant, as a store shows it."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS
    items_a_read: ClassVar[int | None] = None

    def __init__(self, client: ApiClient, settings: ManhattanSettings) -> None:
        self._names, self._zone = settings.names, settings.zone
        names = self._names
        more = (
            names.item_text,
            names.item_warranty,
            names.item_image,
            names.item_weight,
            names.item_brand,
            names.item_categories,
            names.item_style,
            names.item_discontinued,
        )
        self._rows = CatalogSource(client, settings, tuple(filter(None, more)))
        named = {
            "name": names.item_description,
            "description": names.item_text,
            "warranty": names.item_warranty,
            "images": names.item_image,
            "weight": names.item_weight,
            "brand": names.item_brand,
            "categories": names.item_categories,
        }
        self.states = frozenset(field for field, attribute in named.items() if attribute)

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: the present items are read whenever they are asked for."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the SKUs in scope; without any, the whole item master page by page."""
        return self._rows.fetch(window, scope)

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Look up SKUs."""
        return self._rows.read(ids)

    def skus(self) -> list[str]:
        """Return the ids of all items."""
        now = datetime.now(self._zone)
        pages = self._rows.fetch(Window(now, now))
        return [record.source_id for page in pages for record in page.records]

    def to_canonical(self, payload: bytes) -> Mapped[ListedItem] | Skipped:
        """Map a row. Raises ``RecordRejected`` ``oms_payload_unreadable``."""
        row, names, problems = _decoded(payload), self._names, Findings(self._zone)
        image: str | None
        categories: str | None
        with problems.collecting():
            image = _text(row, names.item_image, problems)
            categories = _text(row, names.item_categories, problems)
            item = ListedItem(
                sku=_text(row, names.item_id, problems) or "",
                name=_text(row, names.item_description, problems),
                description=_text(row, names.item_text, problems),
                warranty=_text(row, names.item_warranty, problems),
                images=None if image is None else tuple(image.split()),
                weight=_number(row, names.item_weight, problems),
                brand=_text(row, names.item_brand, problems),
                categories=None if categories is None else split(categories),
                style=_text(row, names.item_style, problems) or "",
                is_discontinued=_flag(row, names.item_discontinued, problems),
            )
        return Mapped(item)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the tenant shows its items whenever it is asked."""


def _decoded(payload: bytes) -> Mapping[str, object]:
    try:
        return _ROW.decode(payload)
    except (ValueError, RecursionError, ArithmeticError):
        raise unreadable("", "The row is not an object.") from None


def _text(row: Mapping[str, object], name: str | None, problems: Findings) -> str | None:
    """Return a text, ``None`` if there is none; a number is one, as of a style."""
    value = row.get(name) if name else None
    if isinstance(value, dict) and len(value) == 1:  # ids are wrapped in objects of one key
        [value] = value.values()
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        return str(value).strip() or None
    if value is not None:
        problems.unreadable(name or "", "The value is not text.", str(value)[:40])
    return None


def _number(row: Mapping[str, object], name: str | None, problems: Findings) -> Decimal | None:
    text = _text(row, name, problems)
    try:
        number = None if text is None else Decimal(text)
    except ArithmeticError:
        problems.unreadable(name or "", "The value is not a number.", (text or "")[:40])
        return None
    if number is None or not number:  # 0 is how systems write that none is known
        return None
    return problems.number(number, name or "")


def _flag(row: Mapping[str, object], name: str | None, problems: Findings) -> bool:
    """Return a mark. One that can't be read is a problem: it may say that nothing is sold."""
    value = row.get(name) if name else None
    word = folded(value)
    if word not in (*YES, *NO):
        problems.unreadable(name or "", "The mark is neither true nor false.", str(value)[:40])
    return word in YES
