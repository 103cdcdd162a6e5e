"""Sheets of products: good and faulty rows, the same sheet twice, and pictures."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl

from assets.streams.listings.group import Wanted
from resources.sheets.reader import COLUMNS, Row, read
from sandbox.platforms.bigcommerce import dates
from sandbox.platforms.commercetools.products import Products
from tests.model.life import Life, NotPossibleError
from tests.model.operations.products import KNOWN, TITLE, allow, ask, number_of, waits
from tests.model.operations.registry import Act, Draw, Register, among, at, between, operation
from tests.model.world import AT_STORE

Json = dict[str, Any]
WRONG = "Wrong"
"""The title that faulty rows ask for: no product may ever have it."""
FAULTS: dict[str, Json] = {
    "formula": {"title": f'="{WRONG}"'},
    "number": {"sku": 120, "title": WRONG},
    "date": {"description": "=NOW()", "title": WRONG},
    "long": {"title": WRONG * 60},
    "spelled": {"sku": "mug ", "title": WRONG},
    "picture": {"title": WRONG, "images": "http://img.example.com/1.jpg"},
}
FAULT = among(*sorted(FAULTS), "twice")
PICTURES = "https://img.example.com/{sku}/{number}.jpg"


def among_stores(*stores: str) -> Register:
    """Return what registers operations of some stores."""

    def register(actor: str, weight: float = 1.0, /, **draws: Draw) -> Any:
        def each(act: Act) -> Act:
            for store in stores:
                at(store)(actor, weight, **draws)(act)
            return act

        return each

    return register


with_pictures = among_stores("bigcommerce", "commercetools")


@operation("operator", 3, sku=KNOWN, title=TITLE, other=KNOWN, fault=FAULT)
def import_sheet(life: Life, sku: str, title: str, other: str, fault: str) -> None:
    """Import a sheet with a good row, and a faulty one that asks for a wrong title."""
    allow(life)
    faulty = {"sku": sku if fault == "twice" else other, "title": WRONG} | FAULTS.get(fault, {})
    if fault != "twice" and other == sku:
        raise NotPossibleError
    _import(life, _sheet(({"sku": sku, "title": title}, faulty)))


@operation("operator", 2)
def import_again(life: Life) -> None:
    """Import the last sheet again: what it asks for counts again, and no faulty row does."""
    if not life.facts.sheets:
        raise NotPossibleError
    allow(life)
    _import(life, life.facts.sheets[-1])


@with_pictures("operator", 3, sku=KNOWN, number=between(1, 3))
def list_pictures(life: Life, sku: str, number: int) -> None:
    """Ask for some pictures of a product, in place of those that it has."""
    allow(life)
    addresses = "\n".join(PICTURES.format(sku=sku, number=each) for each in range(number))
    ask(life, [Wanted(2, {"sku": sku, "images": addresses})])


@with_pictures("merchant", 2, sku=KNOWN)
def drop_pictures(life: Life, sku: str) -> None:
    """Remove all pictures of a product by hand."""
    allow(life)
    store, number = life.world.store, number_of(life, sku)
    if life.world.pair.store == "bigcommerce":
        modified = dates.to_iso(store.now())
        store.catalog.products[number] |= {"images": [], "date_modified": modified}
    else:
        [shown] = [product for product in store.products if product["id"] == number]
        product = store.catalogue.need(number)
        actions = [
            {"action": "removeImage", "variantId": 1, "imageUrl": image["url"], "staged": False}
            for image in shown["masterVariant"].get("images") or ()
        ]
        Products(store)._update(product, {"version": product["version"], "actions": actions})
    before = life.facts.pictures.get(sku, set()) if waits(life, sku) else set()
    life.facts.pictures[sku] = {0} | before


@with_pictures("world", 1, times=between(1, 2))
def lose_pictures(life: Life, times: int) -> None:
    """Lose the answer to changes of products after their effect."""
    for method in ("PUT", "POST"):
        path = "catalog/products|/products"
        life.world.fault(AT_STORE, path=path, method=method, kind="drop_after", times=times)


def _import(life: Life, rows: tuple[Row, ...]) -> None:
    life.facts.sheets.append(rows)
    wanted = [Wanted.of(row) for row in rows]
    ask(life, wanted)
    for row in wanted:
        if row.listing is not None and row.cells.get("title", "").startswith(WRONG):
            life.facts.broken.append(f"faulty_row_used: {dict(row.cells)}")
        elif row.listing is None and not row.problems:
            life.facts.broken.append(f"row_unexplained: {dict(row.cells)}")


def _sheet(rows: tuple[Json, ...]) -> tuple[Row, ...]:
    return _read(tuple(tuple(row.get(name) for name in COLUMNS) for row in rows))


@cache
def _read(rows: tuple[tuple[Any, ...], ...]) -> tuple[Row, ...]:
    """Return the rows of a workbook, as the reader takes them from its file."""
    book = openpyxl.Workbook()
    for row in (COLUMNS, *rows):
        book.active.append(row)
    content = BytesIO()
    book.save(content)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "products.xlsx"
        file.write_bytes(content.getvalue())
        return tuple(read(file))
