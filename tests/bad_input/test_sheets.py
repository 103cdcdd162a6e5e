"""Sheets of products as programs and people spoil them: each row is used or named, never half."""

from __future__ import annotations

import csv
import zipfile
from collections import Counter
from datetime import UTC, date, datetime, time
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from openpyxl import Workbook

from assets.streams.listings.group import Wanted
from assets.streams.listings.sheet import resolve
from domain.errors import PermanentError
from domain.skus import sku_key
from resources.ledger.records.products import Products
from resources.sheets.reader import COLUMNS, NEW_COLUMNS, Row, read
from tests.bad_input.counts import SHEET_FILES, SHEET_ROWS
from tests.bad_input.test_files import CELLS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:File contains an invalid specification"),
]

ROWS_A_FILE = 500
SHEET = (*COLUMNS, *NEW_COLUMNS)
KNOWN = {f"SKU-{n}": [str(n)] for n in range(200)} | {"TWICE": ["1", "2"]}
GOOD: dict[str, tuple[str, ...]] = {
    "sku": tuple(KNOWN),
    "title": ("Mug", "Stoneware mug", "カップ"),
    "description": ("<p>A\nmug</p>", "x" * 1_000),
    "warranty": ("2 years",),
    "brand": ("", "Kiln"),
    "categories": ("", "Kitchen > Mugs; Sale", "Sale\nJars"),
    "group": ("", "", "Tee"),
    "options": ("", "Size: S", "Size: L; Colour: Red"),
    "price": ("", "12.50", "0"),
    "weight": ("", "1"),
    "images": (
        "https://img.example.com/1.jpg",
        "https://img.example.com/1.jpg https://a.example/2",
    ),
}
MOMENT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC).replace(tzinfo=None)
TYPED: tuple[Any, ...] = (
    120,
    1.5e15,
    -1,
    True,
    date(2026, 1, 2),
    MOMENT,
    time(1, 2),
    "=A1",
    "#N/A",
    "http://img.example.com/1.jpg",
    "https://user:secret@img.example.com/1.jpg",
    "SKU-1 ",
    "sku-1",
)

SEPARATORS = ("A\u2028mug", "A\u2029mug", "A\x85mug", "A\x0bmug", "A\x1emug")
"""Texts with what some programs take for the end of a line."""


class _Known:
    """Stands for the ledger's products."""

    def products_of(self, skus: list[str]) -> dict[str, list[str]]:
        """Return the known ones."""
        return {sku: KNOWN[sku] for sku in skus if sku in KNOWN}

    def spellings(self, skus: list[str]) -> dict[str, str]:
        """Return the known ones that are spelled differently."""
        keys = {sku_key(sku): sku for sku in KNOWN}
        return {sku: keys[sku_key(sku)] for sku in skus if sku_key(sku) in keys}

    def read_at(self) -> datetime:
        """Return when the catalog was read."""
        return datetime.now(UTC)


def resolved(rows: list[Row]) -> list[Wanted]:
    """Return what each row asks for, or what is wrong with it."""
    wanted = [Wanted(row.number, row.cells, row.problems) for row in rows]
    resolve(cast("Products", _Known()), wanted, creates=True, needs=("name", "price", "weight"))
    return wanted


def row_of(random: Random, spoilt: tuple[Any, ...]) -> list[Any]:
    """Return a good row, of which one or two cells are spoilt in half of the cases."""
    row: list[Any] = [random.choice(GOOD[name]) for name in SHEET]
    if random.random() < 0.3:
        row[0] = f"NEW-{random.randrange(1_000_000)}"
    for _ in range(random.choice((0, 0, 1, 2))):
        row[random.randrange(len(row))] = random.choice(spoilt)
    return row


def check(wanted: list[Wanted], outcomes: Counter[str]) -> None:
    """Check that each row is either used or named, and no product is used twice."""
    used = [row for row in wanted if row.listing is not None]
    by_product: dict[str, set[object]] = {}
    for row in used:
        assert row.listing is not None
        unit = row.cells.get("group", row.number)
        by_product.setdefault(row.listing.product_id, set()).add(unit)
    assert all(len(units) == 1 for units in by_product.values())
    for row in wanted:
        assert (row.listing is None) == bool(row.problems)
        assert all(problem.strip() for problem in row.problems)
    outcomes["used"] += len(used)
    outcomes["named"] += len(wanted) - len(used)


def test_every_row_of_a_spoilt_sheet_is_used_or_named(tmp_path: Path) -> None:
    """As CSV with texts, and as a workbook with the types that programs give them."""
    outcomes: Counter[str] = Counter()
    for number in range(SHEET_ROWS // ROWS_A_FILE):
        random = Random(number)
        is_csv = number % 5 != 0
        spoilt = (*CELLS, *SEPARATORS) if is_csv else TYPED
        rows = [row_of(random, spoilt) for _ in range(ROWS_A_FILE)]
        file = tmp_path / ("products.csv" if is_csv else "products.xlsx")
        if is_csv:
            rows = [[cell.replace("\x00", "\x01") for cell in row] for row in rows]
            with file.open("w", newline="", encoding="utf-8", errors="replace") as out:
                csv.writer(out).writerows([SHEET, *rows])
        else:
            book = Workbook(write_only=True)
            sheet = book.create_sheet()
            for row in [list(SHEET), *rows]:
                sheet.append(row)
            book.save(file)
        found = read(file)
        assert len(found) == ROWS_A_FILE
        check(resolved(found), outcomes)
    assert outcomes.total() == SHEET_ROWS
    assert min(outcomes.values()) > SHEET_ROWS // 10


def test_every_damaged_file_is_read_or_refused(tmp_path: Path) -> None:
    """Flipped bytes, cut ends and parts of others: a refusal is one sentence with the file."""
    good = tmp_path / "good.xlsx"
    book = Workbook()
    for row in [list(SHEET), *(row_of(Random(n), TYPED) for n in range(6))]:
        book.active.append(row)
    book.save(good)
    outcomes: Counter[str] = Counter()
    refusals: list[str] = []
    for number in range(SHEET_FILES):
        random = Random(10_000 + number)
        file = damaged(good, tmp_path / "products.xlsx", random)
        try:
            check(resolved(read(file)), outcomes)
            outcomes["read"] += 1
        except PermanentError as error:
            refusals.append(str(error))
    outcomes["refused"] = len(refusals)
    start = "products.xlsx can't be used, and nothing was changed"
    assert all(text.startswith(start) and text.isprintable() for text in refusals)
    assert outcomes["read"] + outcomes["refused"] == SHEET_FILES
    assert min(outcomes["read"], outcomes["refused"]) > SHEET_FILES // 20


def damaged(good: Path, file: Path, random: Random) -> Path:
    """Write a damaged copy: of the archive's bytes, or of one of its parts."""
    content = bytearray(good.read_bytes())
    if random.random() < 0.3:
        for _ in range(random.randint(1, 8)):
            content[random.randrange(len(content))] = random.randrange(256)
        file.write_bytes(content[: random.choice((len(content), len(content) // 2))])
        return file
    with zipfile.ZipFile(good) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    name = random.choice(sorted(parts))
    part = bytearray(parts[name])
    for _ in range(random.randint(1, 5)):
        place = random.randrange(len(part))
        part[place : place + random.choice((0, 1, 40))] = random.choice(
            (b"", b"<", b"&#0;", b"&x;", b"\xff", b'r="9999999"', b"</row>", b"1e999", b"\x00")
        )
    parts[name] = bytes(part)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for one, data in parts.items():
            new.writestr(one, data)
    return file
