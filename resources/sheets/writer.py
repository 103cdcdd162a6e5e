"""Workbooks that are written row by row, in bounded memory; every cell is a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from domain.errors import PermanentError

LONGEST = 32_767
"""Characters of a cell; Excel shows no more."""
AS_TEXT = "@"
"""The number format by which a spreadsheet program keeps what is typed."""
WIDTHS = (24, 40, 60, 30, 60, 60)


def refuse_to_replace(file: Path) -> None:
    """Raise ``PermanentError`` where a file is there."""
    if file.exists():
        raise PermanentError(f"{file} exists; give another name, or remove it first.")


def write(file: Path, title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write a workbook with one sheet; return the number of rows below the header.

    A text never becomes a formula. One that is too long for a cell is cut, and ends with an
    ellipsis.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    for place, _ in enumerate(header):
        dimension = sheet.column_dimensions[get_column_letter(place + 1)]
        dimension.width = WIDTHS[min(place, len(WIDTHS) - 1)]
        dimension.number_format = AS_TEXT
    sheet.append([_cell(sheet, name, bold=True) for name in header])
    count = 0
    for row in rows:
        sheet.append([_cell(sheet, text) for text in row])
        count += 1
    book.save(file)
    return count


def _cell(sheet: WriteOnlyWorksheet, text: str, *, bold: bool = False) -> WriteOnlyCell:
    shown = "".join(ch for ch in text if ch in "\t\n\r" or ord(ch) >= 32)
    if len(shown) > LONGEST:
        shown = f"{shown[: LONGEST - 1]}\u2026"
    cell = WriteOnlyCell(sheet, shown)
    cell.data_type = "s"  # or a text that starts with = would be a formula
    cell.number_format = AS_TEXT
    if bold:
        cell.font = Font(bold=True)
    return cell
