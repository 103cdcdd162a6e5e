"""Rows of a sheet that are about one product: a single one, or the variants of a group. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.categories import split
from domain.listings import new_id
from domain.records.catalog import Attribute
from domain.records.listings import Listing, NewVariant
from domain.records.record import InvalidRecord
from resources.sheets.reader import COLUMNS, NEW_COLUMNS, Row

_AMOUNT = re.compile(r"[0-9]{1,14}(\.[0-9]{1,4})?", re.ASCII)
OF_ONE = COLUMNS[1:]
"""What a product has once, whichever of its rows states it."""


@dataclass(slots=True)
class Wanted:
    """A row that asks for something, or says why it can't."""

    number: int
    """Of the row; the command line's own request has 0."""
    cells: Mapping[str, str]
    problems: tuple[str, ...] = ()
    listing: Listing | None = None
    """The same for all rows of one product."""
    note: str = ""
    """What of the row was not used, where the rest of it was."""
    result: str = ""
    is_done: bool = False
    unread: Collection[str] = ()
    """Columns whose cell can't be used."""

    @classmethod
    def of(cls, row: Row) -> Wanted:
        """Return what a row of a sheet asks for."""
        return cls(row.number, row.cells, row.problems, unread=row.unread)

    @property
    def sku(self) -> str:
        """Return the SKU; empty if the row has none."""
        return self.cells.get("sku", "")


def units_of(rows: Sequence[Wanted]) -> list[list[Wanted]]:
    """Return the rows without faults by product, those of a group together.

    A group with a faulty row is not used: a product without one of its variants is another one.
    Where a row does not show which group it belongs to, no group is.
    """
    astray = next((row for row in rows if _is_astray(row)), None)
    units: dict[object, list[Wanted]] = {}
    for row in rows:
        group = row.cells.get("group")
        key = row.number if group is None else " ".join(group.split()).casefold()
        units.setdefault(key, []).append(row)
    good = []
    for unit in units.values():
        faulty = next((row for row in unit if row.problems), None)
        reason = "" if faulty is None else f"row {faulty.number} of the same group can't be used"
        if astray is not None and "group" in unit[0].cells and not reason:
            reason = f"row {astray.number} has options and no group, and may belong to this one"
            if "group" in astray.unread:
                reason = f"the group of row {astray.number} can't be read, and may be this one"
        if not reason:
            good.append(unit)
        for row in unit:
            if reason and not row.problems:
                row.problems = (reason,)
    return good


def _is_astray(row: Wanted) -> bool:
    """Return whether a row is of a group, but not of which one."""
    has_options = "options" in row.cells or "options" in row.unread
    return "group" in row.unread or (has_options and "group" not in row.cells)


def listing_of(
    unit: Sequence[Wanted], product_id: str | None, lacks: Collection[str] = ()
) -> Listing:
    """Return what the rows of one product ask for; without an id it is to be created.

    ``lacks`` are the SKUs that a product of the store does not sell yet: they are variants to add.
    Raises ``InvalidRecord`` for what no listing can hold.
    """
    first, cells = next(row for row in unit if row.sku not in lacks), _common(unit)
    images = cells["images"].split() if "images" in cells else None
    listing = Listing(
        product_id=new_id(first.sku) if product_id is None else product_id,
        sku=first.sku,
        name=cells.get("title"),
        description=cells.get("description"),
        warranty=cells.get("warranty"),
        images=None if images is None else tuple(images),
        brand=cells.get("brand"),
        categories=split(cells["categories"]) if "categories" in cells else None,
        price=_amount(first, "price") if product_id is None else None,
        weight=_amount(first, "weight") if product_id is None else None,
        variants=_variants(unit) if product_id is None else _added(unit, lacks),
    )
    if product_id is not None:
        for row in unit:
            if row.sku in lacks:
                continue
            unused = [name for name in NEW_COLUMNS if name in row.cells and name != "group"]
            if unused:
                row.note = f"{', '.join(unused)}: used for new products only"
    return listing


def _common(unit: Sequence[Wanted]) -> dict[str, str]:
    """Return what the product has once. Raises ``InvalidRecord`` if two rows differ."""
    found: dict[str, str] = {}
    for row in unit:
        for name in OF_ONE:
            text = row.cells.get(name)
            if text is not None and found.setdefault(name, text) != text:
                raise InvalidRecord(name, f"differs in row {row.number}; a group has one")
    return found


def _variants(unit: Sequence[Wanted]) -> tuple[NewVariant, ...] | None:
    first = unit[0]
    if "group" not in first.cells:
        if "options" in first.cells:
            raise InvalidRecord("options", "belong to a group, but the row names none")
        return None
    names: dict[str, int] = {}
    return tuple(
        NewVariant(
            sku=row.sku,
            options=tuple(_options(row, names)),
            price=_of_its_own(row, first, "price"),
            weight=_of_its_own(row, first, "weight"),
        )
        for row in unit
    )


def _added(unit: Sequence[Wanted], lacks: Collection[str]) -> tuple[NewVariant, ...] | None:
    """Return the variants that a product lacks; their amounts are the first row's by default."""
    names: dict[str, int] = {}
    first = unit[0]
    return (
        tuple(
            NewVariant(
                sku=row.sku,
                options=tuple(_options(row, names)),
                price=_amount(row if "price" in row.cells else first, "price"),
                weight=_amount(row if "weight" in row.cells else first, "weight"),
            )
            for row in unit
            if row.sku in lacks
        )
        or None
    )


def _options(row: Wanted, names: dict[str, int]) -> list[Attribute]:
    """Return the options in the order in which the group's first row has them."""
    options = list(_pairs(row.cells.get("options", "")))
    for option in options:
        names.setdefault(option.name.casefold(), len(names))
    return sorted(options, key=lambda option: names[option.name.casefold()])


def _pairs(text: str) -> Iterator[Attribute]:
    """Yield the options of a text such as ``Colour: Red; Size: L``."""
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, colon, value = part.partition(":")
        if not colon or not name.strip() or not value.strip():
            raise InvalidRecord("options", "are not of the form Colour: Red; Size: L")
        yield Attribute(name=name.strip(), value=value.strip())


def _of_its_own(row: Wanted, first: Wanted, name: str) -> Decimal | None:
    """Return a variant's amount if it is another one than the product's."""
    own = _amount(row, name)
    return None if own == _amount(first, name) else own


def _amount(row: Wanted, name: str) -> Decimal | None:
    text = row.cells.get(name)
    if text is None:
        return None
    if _AMOUNT.fullmatch(text) is None:
        raise InvalidRecord(name, "is not a number such as 12.50")
    return Decimal(text)
