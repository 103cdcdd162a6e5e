"""Sheets, read row by row: Excel workbooks (.xlsx) and CSV in UTF-8.

Only texts are taken, but where a form says otherwise. What a spreadsheet program has turned into a
number, a date or a formula is not what was typed (a SKU 00120 becomes 120), so its row is refused,
with the cell's name.

openpyxl is imported where a workbook is read: it takes a fifth of a second, and each run's process
imports this module.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from resources.sheets.archive import check_size, examine, refused

MOST_ROWS = 10_000
MOST_COLUMNS = 50
LONGEST_CELL = 65_536
COLUMNS = ("sku", "title", "description", "warranty", "images", "brand", "categories")
NEW_COLUMNS = ("group", "options", "price", "weight")
"""Of products that the store does not have yet."""
AMOUNTS = ("price", "weight")
RESULT = "result"
"""The column of an earlier import's outcome, which is left out when its sheet is read again."""
LARGEST = 1e15
"""Up to which a spreadsheet program keeps each digit of a number."""
_SHORTENED = re.compile(r"\s*[+-]?[0-9](?:[.,][0-9]+)?E\+[0-9]{2,3}\s*")
_CELL = re.compile(r"([A-Z]+)([0-9]+)")


class Row(NamedTuple):
    """A row of a sheet: its texts by column, or what is wrong with it."""

    number: int
    """As the spreadsheet program counts, the header being 1."""
    cells: dict[str, str]
    """Without the empty ones."""
    problems: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()
    """Columns whose cell has something that can't be used."""


class Form(NamedTuple):
    """What a sheet should look like."""

    required: Collection[str]
    """Columns that it must have."""
    known: Collection[str] | None = None
    """Columns that it may have; ``None``: any."""
    numbers: Collection[str] = ()
    """Columns in which a number is as good as its text."""
    moments: Collection[str] = ()
    """Columns in which a date with a time is as good as its text; it is taken as UTC."""
    advice: str = ""
    """How one gets a sheet with the required columns."""
    most_rows: int = MOST_ROWS


PRODUCTS = Form(
    ("sku",),
    (*COLUMNS, *NEW_COLUMNS, RESULT),
    numbers=AMOUNTS,
    advice="use lockstep catalog template",
)


def read(file: Path) -> list[Row]:
    """Return all rows of a sheet of products but empty ones.

    Raises ``PermanentError`` if the file can't be used. The whole sheet is read before any of
    it is used.
    """
    return list(rows_of(file, PRODUCTS))


def rows_of(file: Path, form: Form) -> Iterator[Row]:
    """Yield the rows of a sheet but empty ones.

    Raises ``PermanentError`` if the file can't be used, which may show at its end only.
    """
    if file.suffix.lower() == ".csv":
        rows = _csv(file, form.most_rows)
    elif file.suffix.lower() == ".xlsx":
        rows = _workbook(file, form.most_rows)
    else:
        raise refused(file, "only .xlsx and .csv are read; save it as one of them")
    header: list[str] | None = None
    count = 0
    for number, cells in rows:
        if header is None:
            header = _header(file, cells, form)
            continue
        row = _row(number, header, cells, form)
        if row.cells or row.problems:
            count += 1
            if count > form.most_rows:
                raise refused(file, f"it has more than {form.most_rows:,} rows; split it")
            yield row
    if header is None:
        raise refused(file, "it is empty")


def _header(file: Path, cells: Sequence[Any], form: Form) -> list[str]:
    names = [str(cell).strip().casefold() if isinstance(cell, str) else "" for cell in cells]
    while names and not names[-1]:
        names.pop()
    for name in names:
        if name and names.count(name) > 1:
            raise refused(file, f"it has two columns {name[:40]!r}")
        if name and form.known is not None and name not in form.known:
            known = ", ".join(each for each in form.known if each != RESULT)
            raise refused(file, f"its first row has an unknown column {name[:40]!r}; {known} exist")
    for name in form.required:
        if name not in names:
            advice = f"; {form.advice}" if form.advice else ""
            raise refused(file, f"its first row has no column {name}{advice}")
    return names


def _row(number: int, header: Sequence[str], cells: Sequence[Any], form: Form) -> Row:
    texts: dict[str, str] = {}
    problems: list[str] = []
    unread: set[str] = set()
    for place, given in enumerate(cells):
        name = header[place] if place < len(header) else ""
        cell = _accepted(given, name, form)
        if cell is None or cell == "" or (name == RESULT and form is PRODUCTS):
            continue
        where = f"{_letter(place)}{number}"
        if not name:
            problems.append(f"{where} is in a column without a name")
        elif (wrong := _fault(cell) or _shortened(cell, name, form)) is not None:
            problems.append(f"{where} ({name}) {wrong}")
            unread.add(name)
        elif text := str(cell).strip():
            texts[name] = text
    if texts and form is PRODUCTS and "sku" not in texts and not problems:
        problems.append(f"row {number} has no SKU")
    return Row(number, texts, tuple(problems), frozenset(unread))


def _accepted(cell: Any, name: str, form: Form) -> Any:
    """Return the text of a cell whose column may hold more than texts; else the cell itself."""
    if name in form.numbers and isinstance(cell, int | float) and not isinstance(cell, bool):
        # A number that a spreadsheet program rounds shows as such, and is refused as no quantity.
        return str(int(cell)) if cell == cell // 1 and abs(cell) < LARGEST else repr(cell)
    if name in form.moments and isinstance(cell, datetime):
        return f"{cell.isoformat()}Z"
    return cell


def _shortened(cell: Any, name: str, form: Form) -> str | None:
    """Return why a text can't be used that is a number of which digits were lost.

    A spreadsheet program shows long numbers so, and saves them to CSV as it shows them.
    """
    if name in form.numbers or not _SHORTENED.fullmatch(cell):
        return None
    return (
        "is a long number that a spreadsheet program has shortened; format the column as text and "
        "type it again"
    )


def _fault(cell: Any) -> str | None:
    """Return why a cell can't be used, ``None`` if it can."""
    if isinstance(cell, _Formula):
        return "is a formula; paste its value as text"
    if isinstance(cell, _Merged):
        return "belongs to merged cells; unmerge them"
    if isinstance(cell, bool):
        return "is true or false; format the column as text and type it again"
    if isinstance(cell, int | float):
        return (
            "is a number, which may have lost zeros or digits; format the column as text and type "
            "it again"
        )
    if isinstance(cell, date | datetime | time):
        return "is a date; format the column as text and type it again"
    if not isinstance(cell, str):
        return "is not text; format the column as text and type it again"
    if len(cell) > LONGEST_CELL:
        return f"has more than {LONGEST_CELL:,} characters"
    if any(ord(ch) < 32 and ch not in "\t\r\n" for ch in cell) or "\ufffd" in cell:
        return "has characters that can't be shown; check the file's encoding"
    if cell in ERRORS:
        return "is an error of the spreadsheet program"
    return None


ERRORS = ("#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!")


class _Formula:
    """Stands for a cell with a formula."""


class _Merged:
    """Stands for a cell of a merged area."""


def _workbook(file: Path, most_rows: int) -> Iterator[tuple[int, list[Any]]]:
    """Yield number and cells of the first sheet's rows."""
    from openpyxl import load_workbook  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    merged = {
        (match[1], int(match[2])) for cell in examine(file) if (match := _CELL.fullmatch(cell))
    }
    try:
        book = load_workbook(file, read_only=True, keep_links=False)
    except (InvalidFileException, KeyError, ValueError, TypeError, OSError, SyntaxError):
        raise refused(file, "it is not a readable workbook; save it as .xlsx again") from None
    try:
        sheets = book.worksheets
        if not sheets:
            raise refused(file, "it has no sheet")
        sheet = sheets[0]
        sheet.reset_dimensions()  # what a sheet says about its size can be a lie
        for number, cells in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS + 1), 1):
            if number > most_rows * 10:
                raise refused(file, f"its rows go beyond {most_rows * 10:,}; delete empty rows")
            yield number, [_cell(cell, number, place, merged) for place, cell in enumerate(cells)]
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, SyntaxError):
        raise refused(file, "one of its cells can't be read; save it as .xlsx again") from None
    finally:
        book.close()


@cache
def _letter(place: int) -> str:
    """Return a column's name, the first having the place 0."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    name: str = get_column_letter(place + 1)
    return name


def _cell(cell: Any, number: int, place: int, merged: set[tuple[str, int]]) -> Any:
    if (_letter(place), number) in merged:
        return _Merged()
    return _Formula() if cell.data_type == "f" else cell.value


def _csv(file: Path, most_rows: int) -> Iterator[tuple[int, list[Any]]]:
    """Yield number and cells of a CSV file's rows; in CSV every cell is a text."""
    check_size(file)
    try:
        content = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        raise refused(file, f"line {line} is not in UTF-8; save it as CSV UTF-8") from None
    if "\x00" in content:
        raise refused(file, "it has zero bytes: it is not a CSV in UTF-8")
    first = re.split(r"[\r\n]", content, maxsplit=1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    # Not by splitlines, which also splits at characters that may be in a text, such as U+2028.
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            if number > most_rows * 10:
                raise refused(file, f"its rows go beyond {most_rows * 10:,}; delete empty rows")
            if len(cells) > MOST_COLUMNS:
                raise refused(file, f"row {number} has more than {MOST_COLUMNS} columns")
            yield number, [_csv_cell(cell) for cell in cells]
    except csv.Error as error:
        raise refused(file, f"row {reader.line_num} can't be read: {error}") from None


def _csv_cell(cell: str) -> Any:
    return _Formula() if cell.startswith("=") else cell
