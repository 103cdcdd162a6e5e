"""Sheets as merchants and their programs leave them: each faulty row is named, and nothing else."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from domain.errors import PermanentError
from resources.sheets import archive, reader
from resources.sheets.reader import COLUMNS, Row, read
from resources.sheets.writer import LONGEST, write

GOOD = (
    "CUP-1",
    "Cup",
    "A cup",
    "2 years",
    "https://img.example.com/1.jpg",
    "Clayworks",
    "Kitchen > Mugs",
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the sheet lies."""
    return tmp_path / "products.xlsx"


def saved(file: Path, *rows: tuple[Any, ...], merge: str = "") -> Path:
    """Save a workbook as a spreadsheet program would, with whatever types the cells have."""
    book = Workbook()
    sheet = book.active
    sheet.append(COLUMNS)
    for row in rows:
        sheet.append(row)
    if merge:
        sheet.merge_cells(merge)
    book.save(file)
    return file


def repacked(file: Path, name: str, content: bytes) -> Path:
    """Replace a part of a workbook, or add one."""
    with zipfile.ZipFile(file) as old:
        parts = {one: old.read(one) for one in old.namelist()} | {name: content}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for one, data in parts.items():
            new.writestr(one, data)
    return file


def refusal(file: Path) -> str:
    """Return why a file can't be used."""
    with pytest.raises(PermanentError) as caught:
        read(file)
    assert file.name in str(caught.value)
    assert "nothing was changed" in str(caught.value)
    return str(caught.value)


def test_a_sheet_that_was_written_is_read_again(file: Path) -> None:
    """Texts that look like formulas, numbers and dates stay texts; empty rows and cells count not.

    The result of an earlier import is left out.
    """
    empty = [""] * len(COLUMNS)
    rows = [GOOD, ("=1+1", "007", "", "2026-01-01", *empty[4:]), empty]
    assert write(file, "products", (*COLUMNS, "result"), [(*row, "done") for row in rows]) == 3
    assert read(file)[:2] == [
        Row(2, dict(zip(COLUMNS, GOOD, strict=True))),
        Row(3, {"sku": "=1+1", "title": "007", "warranty": "2026-01-01"}),
    ]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (120, "is a number"),
        (1.5e15, "is a number"),
        (datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None), "is a date"),
        (True, "is true or false"),
        ("=A1", "is a formula"),
        ("#N/A", "is an error"),
        ("x" * 40_000, ""),
    ],
)
def test_what_a_program_made_of_a_text_is_refused_with_its_cell(
    file: Path, cell: Any, why: str
) -> None:
    """The other rows are read."""
    found = read(saved(file, GOOD, (cell, "Title"), GOOD))
    assert [row.number for row in found] == [2, 3, 4]
    assert not found[0].problems
    assert not found[2].problems
    assert [why in one and "A3 (sku)" in one for one in found[1].problems] == ([True] * bool(why))


def test_merged_cells_are_named_and_only_their_row_is_refused(file: Path) -> None:
    """What they hide can't be known."""
    found = read(saved(file, GOOD, GOOD, merge="B2:C2"))
    assert [bool(row.problems) for row in found] == [True, False]
    assert "B2 (title) belongs to merged cells" in found[0].problems[0]


def test_a_row_without_a_sku_or_with_a_cell_beyond_the_header_is_named(file: Path) -> None:
    """It says nothing about a product."""
    found = read(saved(file, ("", "Title"), (*GOOD, "", "extra")))
    assert found[0].problems == ("row 2 has no SKU",)
    assert found[1].problems == ("I3 is in a column without a name",)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (("title",), "no column sku"),
        (("sku", "SKU"), "two columns"),
        (("sku", "cost"), "unknown column 'cost'"),
        ((), "empty"),
        ((1, 2), "no column sku"),
    ],
)
def test_a_wrong_first_row_refuses_the_file(file: Path, header: tuple[Any, ...], why: str) -> None:
    """Columns are never guessed."""
    book = Workbook()
    if header:
        book.active.append(header)
    book.save(file)
    assert why in refusal(file)


def test_too_many_rows_refuse_the_file_whatever_its_size_says(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filled ones, and empty ones that go on."""
    monkeypatch.setattr(reader, "PRODUCTS", reader.PRODUCTS._replace(most_rows=20))
    assert "more than 20 rows" in refusal(saved(file, *[GOOD] * 21))
    body = b"<row/>" * 300
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b'<dimension ref="A1:A1"/><sheetData><row r="1"><c t="inlineStr"><is><t>sku</t></is></c>'
        b"</row>" + body + b"</sheetData></worksheet>"
    )
    repacked(saved(file), "xl/worksheets/sheet1.xml", sheet)
    assert "beyond 200" in refusal(file)


def test_a_row_number_of_a_million_is_refused_at_once(file: Path) -> None:
    """The reader would fill the gap with empty rows."""
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>sku</t></is></c></row>'
        b'<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>X</t></is></c></row>'
        b"</sheetData></worksheet>"
    )
    assert "delete empty rows" in refusal(repacked(saved(file), "xl/worksheets/sheet1.xml", sheet))


def test_bombs_are_refused_before_they_are_parsed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what is unpacked, and not by what the archive says about it."""
    monkeypatch.setattr(archive, "LARGEST_CONTENT", 1_000_000)
    assert "unpacks to more" in refusal(
        repacked(saved(file, GOOD), "xl/media/image1.png", b"\0" * 2_000_000)
    )
    saved(file, GOOD)
    with zipfile.ZipFile(file, "a") as book:
        for number in range(archive.MOST_FILES):
            book.writestr(f"xl/media/{number}", b"")
    assert "parts" in refusal(file)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'<!DOCTYPE lolz [<!ENTITY lol "lol">]><a/>', "entities"),
        (b"<a>" + b" " * (1 << 20) + b"<!ENTITY x 'y'></a>", "entities"),
        ("<a/>".encode("utf-16"), "not in UTF-8"),
    ],
)
def test_entities_and_other_encodings_are_refused(file: Path, content: bytes, why: str) -> None:
    """Also where a piece of the file ends within one."""
    assert why in refusal(repacked(saved(file, GOOD), "xl/styles.xml", content))


def test_macros_damage_and_other_files_are_refused(file: Path, tmp_path: Path) -> None:
    """With what to do."""
    saved(file, GOOD)
    good = file.read_bytes()
    assert "macros" in refusal(repacked(file, "xl/vbaProject.bin", b"x"))
    for bad in (b"", b"PK\x03\x04", good[: len(good) // 2], b"\xd0\xcf\x11\xe0" + b"\0" * 512):
        file.write_bytes(bad)
        assert "save it as .xlsx again" in refusal(file)
    with zipfile.ZipFile(file, "w") as book:
        book.writestr("a.txt", "no workbook")
    assert "not a readable workbook" in refusal(file)
    assert "no such file" in refusal(tmp_path / "absent.xlsx")
    other = tmp_path / "products.xls"
    other.write_bytes(good)
    assert "only .xlsx and .csv" in refusal(other)


def test_a_file_that_is_too_large_is_not_opened(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its size is enough."""
    monkeypatch.setattr(archive, "LARGEST_FILE", 100)
    assert "bytes" in refusal(saved(file, GOOD))


def csv_of(tmp_path: Path, content: bytes) -> Path:
    """Write a CSV file."""
    path = tmp_path / "products.csv"
    path.write_bytes(content)
    return path


def test_csv_is_read_in_utf_8_with_either_separator(tmp_path: Path) -> None:
    """A mark of the byte order is not a part of a name; digits are texts there."""
    for text in ("\ufeffsku,title\n007,Tässchen\n", "sku;title\r\n007;Tässchen\r\n"):
        assert read(csv_of(tmp_path, text.encode())) == [
            Row(2, {"sku": "007", "title": "Tässchen"})
        ]
    [row] = read(csv_of(tmp_path, b"sku,title\nA,=cmd\n"))
    assert "B2 (title) is a formula" in row.problems[0]


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_of_csv_ends_at_line_ends_only(tmp_path: Path, mark: str, end: str) -> None:
    """Text from a web page may hold other separators of lines: no half of its row is used."""
    rows = ["sku,title,warranty", f"A,Stoneware{mark}mug,2 years", f'B,Jar,"1{end}year"', "C,x,y"]
    assert read(csv_of(tmp_path, end.join(rows).encode())) == [
        Row(2, {"sku": "A", "title": f"Stoneware{mark}mug", "warranty": "2 years"}),
        Row(3, {"sku": "B", "title": "Jar", "warranty": f"1{end}year"}),
        Row(4, {"sku": "C", "title": "x", "warranty": "y"}),
    ]


def test_a_control_that_other_programs_split_at_refuses_its_row_only(tmp_path: Path) -> None:
    """It is named by its cell; no rest of the row is read as another one."""
    found = read(csv_of(tmp_path, b"sku,title\nA,one\x0btwo\nB,\x1c\nC,c\n"))
    assert [(row.number, bool(row.problems)) for row in found] == [(2, True), (3, True), (4, False)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("sku,title\nA,ok\nB,Tässchen\n".encode("latin-1"), "line 3 is not in UTF-8"),
        ("sku,title\nA,B\n".encode("utf-16"), "not in UTF-8"),
        (b"sku,title\nA,\x00\n", "zero bytes"),
        (b'sku,title\nA,"open\n', "can't be read"),
        (b"sku,title\nA" + b",x" * 60, "more than 50 columns"),
        (b"", "empty"),
    ],
)
def test_csv_that_can_not_be_read_is_refused_with_its_line(
    tmp_path: Path, content: bytes, why: str
) -> None:
    """Nothing of it is used."""
    assert why in refusal(csv_of(tmp_path, content))


def test_a_text_that_no_cell_can_hold_is_cut_and_controls_are_left_out(file: Path) -> None:
    """A workbook that a spreadsheet program opens is written in any case."""
    write(file, "a" * 40, ("sku",), [("x" * (LONGEST + 5),), ("a\x00b\x1fc",)])
    sheet = load_workbook(file).worksheets[0]
    assert len(sheet["A2"].value) == LONGEST
    assert sheet["A3"].value == "abc"


def test_an_archive_with_a_damaged_directory_is_refused(tmp_path: Path) -> None:
    """Whatever its reader makes of names, places and methods that can't be."""
    file = tmp_path / "book.xlsx"
    with zipfile.ZipFile(file, "w") as book:
        for name in ("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            book.writestr(zipfile.ZipInfo(name), "<a>1</a>" * 10)
    whole = file.read_bytes()
    parts = [at for at in range(len(whole)) if whole[at : at + 3] == b"PK\x01"]
    damage = Random(7)
    for _ in range(1_500):
        content = bytearray(whole)
        for _ in range(damage.randint(1, 4)):
            content[damage.randrange(parts[0], len(whole))] = damage.choice((8, 14, 255))
        file.write_bytes(content)
        with suppress(PermanentError):
            assert archive.examine(file) == []


@pytest.mark.parametrize("sku", ["4.00687E+12", "4,00687E+12", "1E+15"])
def test_a_number_that_was_shortened_before_it_became_a_text_is_refused(
    tmp_path: Path, sku: str
) -> None:
    """In CSV it is a text like any other, and a product would be created for it."""
    one, other = read(csv_of(tmp_path, f'sku,title\n"{sku}",Mug\nE+12,1E5\n'.encode()))
    [problem] = one.problems
    assert problem.startswith("A2 (sku) is a long number that a spreadsheet program has shortened")
    assert "sku" not in one.cells
    assert (other.problems, other.cells) == ((), {"sku": "E+12", "title": "1E5"})
