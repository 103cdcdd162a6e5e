"""Rows of real-world CSV files: plain or gzip, several encodings and delimiters, any case."""

from __future__ import annotations

import codecs
import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

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


class Row(NamedTuple):
    """One row: physical line, fields by lower-case header, and why it is unusable, if it is."""

    line: int
    fields: dict[str, str]
    problem: str = ""


def header(path: Path) -> list[str]:
    """Return the column names of a CSV file in lower case, empty for an empty file."""
    with _open(path, _encoding(path)) as source:
        return _names(source.readline(LONGEST_HEADER))


def rows(path: Path) -> Iterator[Row]:
    """Read a CSV file row by row; empty rows are left out.

    A quote that is never closed would swallow the rows up to the next quote. Lines that were parsed
    as part of a field although they are complete rows are therefore parsed again one by one, the
    one with the stray quote as plain text.
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
    """Return the next record; empty if the csv module can't parse it, None at the end."""
    try:
        return next(reader, None)
    except csv.Error:
        return []


def _split(line: str, delimiter: str, wanted: int = 0) -> list[str]:
    """Split one physical line; quotes are text if they don't fit or the field count is wrong."""
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
        problem = "" if len(record) > 1 or len(names) < 2 else "the row can't be split into fields"
        fields = dict(zip(names, record, strict=False))
        if len(record) < len(names):
            fields = dict.fromkeys(names, "") | fields
        yield Row(line, fields, problem)


def moment(raw: str) -> datetime | None:
    """Parse a UTC time in ISO 8601, month/day/year or else day/month/year; None if invalid."""
    raw = raw.strip()
    try:
        found = datetime.fromisoformat(raw)
    except ValueError:
        found = None  # not ISO: try the formats of spreadsheets
    for form in FORMATS if found is None and raw else ():
        try:
            found = datetime.strptime(raw, form)  # noqa: DTZ007 - the zone is set below
            break
        except ValueError:
            continue
    # No web shop is older, and nothing was ordered after tomorrow: other years are typing errors.
    if found is None or not 1995 <= found.year <= datetime.now(UTC).year + 1:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _open(path: Path, encoding: str, errors: str = "strict") -> IO[str]:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    return opener(path, "rt", encoding=encoding, errors=errors, newline="")


def _encoding(path: Path) -> str:
    """Return UTF-16 if marked, UTF-8 if the whole file is valid, else Latin-1.

    One bad byte late in a file must not abort a load halfway.
    """
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
    """Return whether a file with UTF-16's mark is valid to its end ("Unicode text" exports are)."""
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
