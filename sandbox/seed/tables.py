"""Rows of CSV files as they come from the wild: plain or gzip, UTF-8 or Latin-1, comma, semicolon or tab, headers in any case."""

from __future__ import annotations

import codecs
import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

FORMATS = (
    "%m/%d/%Y %H:%M",
    "%m/%d/%y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y %H:%M",
)


LONGEST_HEADER = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its physical line, its fields by lower-case header (missing ones empty), and why it is unusable, if it is."""

    line: int
    fields: dict[str, str]
    problem: str = ""


def header(path: Path) -> list[str]:
    """Return the column names of a CSV file in lower case, empty for an empty file."""
    with _open(path, _encoding(path)) as source:
        return _names(source.readline(LONGEST_HEADER))


def rows(path: Path) -> Iterator[Row]:
    """Read a CSV file row by row; empty rows are left out.

    A quote that is never closed would swallow the rows behind it up to the next quote. Lines that were taken for parts of a field though
    they are whole rows are therefore read again one by one, the one with the stray quote as plain text.
    """
    with _open(path, _encoding(path)) as source:
        first = source.readline()
        delimiter = _delimiter(first)
        names = _names(first)
        taken: list[str] = []
        reader = csv.reader(_remembered(source, taken), delimiter=delimiter)
        line = 2
        while (record := _next(reader)) is not None:
            if len(taken) > 1 and (
                not record or any(len(_split(text, delimiter)) == len(names) for text in taken[1:])
            ):
                for offset, text in enumerate(taken):
                    yield from _row(line + offset, _split(text, delimiter, len(names)), names)
            else:
                yield from _row(line, record, names)
            line += len(taken)
            taken.clear()


def _remembered(source: IO[str], taken: list[str]) -> Iterator[str]:
    for line in source:
        taken.append(line.replace("\0", ""))
        yield taken[-1]


def _next(reader: Iterator[list[str]]) -> list[str] | None:
    """The next record; empty where there is one that the csv module cannot hold, None at the end."""
    try:
        return next(reader, None)
    except csv.Error:
        return []


def _split(line: str, delimiter: str, wanted: int = 0) -> list[str]:
    """Split one physical line by itself; with another number of fields than wanted, or a stray quote, quotes count as text."""
    quoted = _next(csv.reader([line], delimiter=delimiter)) or line.rstrip("\r\n").split(delimiter)
    if not wanted or (len(quoted) == wanted and line.count('"') % 2 == 0):
        return quoted
    return line.rstrip("\r\n").split(delimiter)


def _names(line: str) -> list[str]:
    return (
        [
            name.strip().strip('"').strip().lower()
            for name in _split(line.replace("\0", ""), _delimiter(line))
        ]
        if line.strip()
        else []
    )


def _row(line: int, record: list[str], names: list[str]) -> Iterator[Row]:
    if any(record):
        problem = "" if len(record) > 1 or len(names) < 2 else "the row cannot be split into fields"
        yield Row(line, dict.fromkeys(names, "") | dict(zip(names, record, strict=False)), problem)


def moment(raw: str) -> datetime | None:
    """Read a time as UTC: ISO 8601, or month/day/year (day/month where that is no date) with optional time; None where it is none."""
    raw = raw.strip()
    try:
        found = datetime.fromisoformat(raw)
    except ValueError:
        found = None  # not ISO: the list of spreadsheets' forms decides
    for form in FORMATS if found is None and raw else ():
        try:
            found = datetime.strptime(raw, form)  # noqa: DTZ007 - the zone is set below
            break
        except ValueError:
            continue
    # No web shop is older, and nothing was ordered after tomorrow: a year beyond is a slip of the pen.
    if found is None or not 1995 <= found.year <= datetime.now(UTC).year + 1:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _open(path: Path, encoding: str, errors: str = "strict") -> IO[str]:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    return opener(path, "rt", encoding=encoding, errors=errors, newline="")


def _encoding(path: Path) -> str:
    """UTF-8 if the whole file is, else Latin-1: one odd byte late in a file must not end a load halfway; UTF-16 where its mark says so."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    decoder = codecs.getincrementaldecoder("utf-8")()
    with opener(path, "rb") as source:
        if source.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) and _is_utf16(path):
            return "utf-16"
        source.seek(0)
        try:
            while chunk := source.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8-sig"


def _is_utf16(path: Path) -> bool:
    """Tell whether a file with UTF-16's mark is that to its end; spreadsheets save "Unicode text" so."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    decoder = codecs.getincrementaldecoder("utf-16")()
    with opener(path, "rb") as source:
        try:
            while chunk := source.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)
