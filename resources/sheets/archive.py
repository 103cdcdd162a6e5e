"""A workbook's archive, examined before it is parsed: no bombs, no macros' formats, no entities.

A workbook is a ZIP of XML files. What a header says of a file's size can be a lie, so each is
unpacked once, piece by piece, up to the limit of all of them together.
"""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from pathlib import Path

from domain.errors import PermanentError

LARGEST_FILE = 20_000_000
"""Bytes of a sheet as it lies on the disk."""
LARGEST_CONTENT = 200_000_000
"""Bytes of a workbook's unpacked files together: 10,000 rows of long texts need less."""
MOST_FILES = 1_000
PIECE = 1 << 20
MARKUP = (".xml", ".rels", ".vml")
_ENTITIES = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_MERGED = re.compile(rb'<mergeCell[^>]{0,200}?ref="([A-Z]{1,3}[0-9]{1,7}):', re.IGNORECASE)
UNUSABLE = "can't be used, and nothing was changed: "
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
)
"""What ``zipfile`` raises for damaged archives; ``ValueError`` is of names and places in them."""
_OVERLAP = 256
"""Bytes that two pieces share, so that no pattern is cut."""


def examine(file: Path) -> list[str]:
    """Return the first cells of merged areas of a workbook that is safe to parse.

    Raises ``PermanentError`` if it is not, or no workbook.
    """
    check_size(file)
    merged: list[str] = []
    left = LARGEST_CONTENT
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_FILES:
                raise refused(file, f"it has {len(entries)} parts, and {MOST_FILES} are allowed")
            for entry in entries:
                left = _examine(file, archive, entry, left, merged)
    except DAMAGE:
        raise refused(
            file,
            "it is damaged, has a password or isn't a workbook (.xlsx); save it as .xlsx again",
        ) from None
    return merged


def check_size(file: Path) -> None:
    """Raise ``PermanentError`` if there is no such file, or it is too large."""
    if not file.is_file():
        raise refused(file, "there is no such file")
    if (size := file.stat().st_size) > LARGEST_FILE:
        raise refused(file, f"it has {size:,} bytes, and {LARGEST_FILE:,} are allowed; split it")


def refused(file: Path, why: str) -> PermanentError:
    """Return the error of a sheet of which nothing is used."""
    return PermanentError(f"{file.name} {UNUSABLE}{why}.")


def reason_of(error: PermanentError) -> str:
    """Return why a sheet can't be used, without its name."""
    return str(error).partition(UNUSABLE)[2] or str(error)


def _examine(
    file: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, merged: list[str]
) -> int:
    """Unpack one part; return how many bytes the others may have."""
    if entry.filename.lower().endswith("vbaproject.bin"):
        raise refused(file, "it has macros; save it as .xlsx without them")
    before = b""
    with archive.open(entry) as content:
        while piece := content.read(PIECE):
            left -= len(piece)
            if left < 0:
                limit = f"{LARGEST_CONTENT:,}"
                raise refused(file, f"it unpacks to more than {limit} bytes; split it")
            joined = before + piece
            if not before and entry.filename.endswith(MARKUP) and b"\x00" in piece:
                raise refused(file, "its XML is not in UTF-8, as that of every spreadsheet program")
            if _ENTITIES.search(joined):
                raise refused(file, "it declares XML entities, which no spreadsheet program writes")
            if entry.filename.startswith("xl/worksheets/"):
                merged += [m.group(1).decode() for m in _MERGED.finditer(joined)]
            before = joined[-_OVERLAP:]
    return left
