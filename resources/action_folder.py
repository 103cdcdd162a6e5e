"""Files of agents' requests in a folder: for stores that have no place of their own for them.

A file is CSV with a header, or has a JSON object a line. Each row is captured as a request of its
own, also one that can't be read; afterwards the file moves to ``taken``. One that was changed just
now is left for a later run: its last row may be half written. A file that is too large
or no text is captured as one request that can't be read, so that it shows as a rejection.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from domain.builders.actions import FILE, FORM, encode
from domain.errors import PermanentError
from domain.exchange import Check, RawRecord
from domain.identity import content_digest, is_id

TAKEN = "taken"
MOST_BYTES, MOST_ROWS = 10_000_000, 20_000
AT_ONCE = 500
SUFFIXES = (".csv", ".jsonl")
ADDRESS = "address_"
"""Prefix of the columns of a CSV that hold parts of an address."""
OWN_ID = "file-"
NAME = "folder of agents' requests"
ADVICE = "give actions.folder the path of a folder that Lockstep may read and write"
QUIET_SECONDS = 30.0
"""How long a file has not changed before it is read: half a file may name half a request."""
CLOCK_SECONDS = 3600.0


class _State(NamedTuple):
    """By what a file is recognised that did not change."""

    size: int
    modified: int


class FolderRequests:
    """The requests in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, _State] = {}
        """Files that were read to their end, and as what."""

    def has_any(self) -> bool:
        """Return whether a file waits that is written to its end.

        Raises ``PermanentError`` for an unreadable folder.
        """
        return bool(self._files())

    def read(self) -> Iterator[list[RawRecord]]:
        """Yield the rows of all files, some at a time.

        Of rows with one id and different content the first one is the request; captured as versions
        of one record, the last one would replace it.
        """
        self._read.clear()
        known: dict[str, bytes] = {}
        for path in self._files():
            if (before := _state(path)) is None:
                continue
            rows = list(_rows(path, before))
            if _state(path) != before:
                continue  # it is written just now, and what was read may be a part of a row
            rows = [_once(path, number, row, known) for number, row in enumerate(rows, 1)]
            for start in range(0, len(rows), AT_ONCE):
                yield rows[start : start + AT_ONCE]
            self._read[path] = before

    def take(self) -> None:
        """Move the files that were read, all of whose rows are captured now.

        Raises ``PermanentError`` for a folder that can't be written.
        """
        for path, state in self._read.items():
            if _state(path) != state:
                continue  # someone is still writing it: what was read is known the next time
            try:
                self._move(path)
            except OSError as error:
                what = f"was read, but {path.name} can't be moved to {TAKEN}"
                raise _unusable(what, error) from error
        self._read.clear()

    def check(self) -> Check:
        """Return whether files can be read, and put away."""
        try:
            waiting = len(self._files())
        except PermanentError as error:
            return Check(NAME, ok=False, detail=str(error), advice=ADVICE)
        target = self._folder / TAKEN
        for place in (self._folder, *([target] if target.exists() else [])):
            if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
                detail = f"files can't be moved to taken: {place.name} can't be written"
                return Check(NAME, ok=False, detail=detail, advice=ADVICE)
        return Check(NAME, ok=True, detail=f"files that wait: {waiting}")

    def _move(self, path: Path) -> None:
        target = self._folder / TAKEN
        target.mkdir(exist_ok=True)
        place, number = target / path.name, 1
        while place.exists():
            number += 1
            place = target / f"{path.stem}-{number}{path.suffix}"
        path.rename(place)

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self._folder.iterdir() if _is_ready(path))
        except OSError as error:
            raise _unusable("can't be read", error) from error


def _unusable(what: str, error: OSError) -> PermanentError:
    return PermanentError(
        f"The folder of agents' requests (actions.folder) {what}: {error.strerror}. Let Lockstep "
        "read and write the folder."
    )


def _is_ready(path: Path) -> bool:
    """Return whether a path is that of a file to take."""
    is_named = path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    return is_named and path.is_file() and _is_quiet(path)


def _state(path: Path) -> _State | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return _State(stat.st_size, stat.st_mtime_ns)


def _is_quiet(path: Path) -> bool:
    """Return whether the file is written to its end, as far as its time shows.

    A time far in the future is that of another clock, and shows nothing: such a file would be left
    forever.
    """
    if (state := _state(path)) is None:
        return False
    age = time.time() - state.modified / 1e9
    return age >= QUIET_SECONDS or age < -CLOCK_SECONDS


def _rows(path: Path, state: _State) -> Iterator[RawRecord]:
    moment = datetime.fromtimestamp(state.modified / 1e9, UTC)
    if state.size > MOST_BYTES:
        yield _unreadable(path, moment, f"more than {MOST_BYTES} bytes")
        return
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        yield _unreadable(path, moment, "not UTF-8")
        return
    except OSError as error:
        yield _unreadable(path, moment, f"not to be opened ({error.strerror})")
        return
    is_csv = path.suffix.lower() == ".csv"
    try:
        payloads = list(_of_csv(text) if is_csv else _of_lines(text))
    except csv.Error:
        yield _unreadable(path, moment, "not CSV")
        return
    if len(payloads) > MOST_ROWS:
        yield _unreadable(path, moment, f"more than {MOST_ROWS} rows")
        return
    for number, payload in enumerate(payloads, 1):
        yield _record(path, number, payload, moment)


def _of_csv(text: str) -> Iterator[bytes]:
    # Not by splitlines, which also splits at characters that may be in a text, such as U+2028.
    for row in csv.DictReader(io.StringIO(text, newline=""), strict=True):
        cells = {str(name).strip(): str(value).strip() for name, value in row.items() if value}
        address = {
            name.removeprefix(ADDRESS): value
            for name, value in cells.items()
            if name.startswith(ADDRESS)
        }
        fields: dict[str, Any] = {
            name: value for name, value in cells.items() if not name.startswith(ADDRESS)
        }
        if fields or address:
            yield encode({**fields, "address": address})


def _of_lines(text: str) -> Iterator[bytes]:
    for written in io.StringIO(text, newline=None):
        if line := written.strip():
            try:
                row = msgspec.json.decode(line)
            except (ValueError, RecursionError):
                row = None
            yield encode(row if isinstance(row, dict) else {"line_of_file": line[:2_000]})


def _record(path: Path, number: int, payload: bytes, moment: datetime) -> RawRecord:
    """Return a row as a request: under its own id, or one of file and place if it has none."""
    fields = msgspec.json.decode(payload)
    given = fields.get("action_id")
    own = str(given).strip() if isinstance(given, str | int) else ""
    if not is_id(own):
        own = _id_of(path.name, number, content_digest(payload))
    for reserved in (FORM, FILE, "fault", "used_id"):
        fields.pop(reserved, None)
    fields |= {"action_id": own}
    fields.setdefault("requested_at", moment.isoformat())
    return RawRecord(own, moment, encode(fields))


def _once(path: Path, number: int, row: RawRecord, known: dict[str, bytes]) -> RawRecord:
    """Return a row, or in its place a rejected one where another row has its id."""
    asked = msgspec.json.decode(row.payload)
    asked.pop("requested_at", None)  # without one, it is the time of its file
    content = msgspec.json.encode(asked, order="sorted")
    if known.setdefault(row.source_id, content) == content:
        return row
    own = _id_of(path.name, number, row.digest)
    fields = {"action_id": own, FILE: path.name, "used_id": row.source_id}
    return RawRecord(own, row.updated_at, encode(fields))


def _unreadable(path: Path, moment: datetime, fault: str) -> RawRecord:
    name = os.fsencode(path.name) + str(moment).encode()
    own = OWN_ID + content_digest(name).hex()[:20]
    return RawRecord(own, moment, encode({"action_id": own, FILE: path.name, "fault": fault}))


def _id_of(name: str, number: int, digest: bytes) -> str:
    return OWN_ID + content_digest(f"{name}:{number}".encode() + digest).hex()[:20]
