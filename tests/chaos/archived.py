"""The archive under a full disk, and held against the ledger once there is room again."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
from psycopg import sql

from orchestration.settings import project_root
from tests.chaos.archiver import FULL
from tests.chaos.compare import LOST, WRONG, Difference

ROOM = 2_000
"""Bytes: less than the file of any day that has rows."""


def today() -> date:
    """Return the day whose history is archived: the one that the storm writes."""
    return datetime.now(UTC).date()


def fill_disk(url: str, folder: Path, day: date) -> bool:
    """Archive if there is no room; return whether it was refused as it must be."""
    return _archive(url, folder, day, ROOM) == FULL


def archive_differences(url: str, folder: Path, day: date) -> list[Difference]:
    """Archive with room; return views whose files lack rows of the ledger, and partial files."""
    before = _counts(url, day)
    if (code := _archive(url, folder, day, 0)) != 0:
        return [
            Difference(
                LOST, f"archive of {day}", f"was not written though there was room (exit {code})"
            )
        ]
    found = [
        Difference(WRONG, f"archive of {day}", f"{file} was left half-written")
        for file in folder.rglob("*.tmp")
    ]
    after = _counts(url, day)  # stock is captured meanwhile
    # Its schedule may have written the day before in the middle of the storm.
    for file in sorted(folder.rglob(f"day={day}/*.parquet")):
        view = file.parent.parent.name.removeprefix("view=")
        rows = pq.read_metadata(file).num_rows
        if not before.get(view, 0) <= rows <= after.get(view, 0):
            text = f"{view}: {before.get(view)} rows in the ledger, {rows} in the file"
            found.append(Difference(LOST, f"archive of {day}", text))
    return found


def _counts(url: str, day: date) -> dict[str, int]:
    """Return the rows of each view of the history that has days."""
    with psycopg.connect(url) as db:
        views = db.execute(_VIEWS).fetchall()
        found = {}
        for (view,) in views:
            query = sql.SQL("SELECT count(*) FROM {} WHERE source_day = %s").format(
                sql.Identifier("history", view)
            )
            row = db.execute(query, (day,)).fetchone()
            found[view] = int(row[0]) if row else 0
    return found


_VIEWS = """SELECT table_name FROM information_schema.columns
    WHERE table_schema = 'history' AND column_name = 'source_day' AND data_type = 'date'"""


def _archive(url: str, folder: Path, day: date, limit: int) -> int:
    command = [
        sys.executable,
        "-m",
        "tests.chaos.archiver",
        url,
        str(folder),
        day.isoformat(),
        str(limit),
    ]
    return subprocess.run(
        command, cwd=project_root(), check=False, timeout=120, capture_output=True
    ).returncode
