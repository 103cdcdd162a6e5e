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
    """Archive where there is no room; return whether it was refused as it must be."""
    return _archive(url, folder, day, ROOM) == FULL


def archive_differences(url: str, folder: Path, day: date) -> list[Difference]:
    """Archive with room; return views whose files lack rows of the ledger, and partial files."""
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
    with psycopg.connect(url) as db:
        for file in sorted(folder.rglob("*.parquet")):
            view = file.parent.parent.name.removeprefix("view=")
            query = sql.SQL("SELECT count(*) FROM {} WHERE source_day = %s").format(
                sql.Identifier("history", view)
            )
            row = db.execute(query, (day,)).fetchone()
            rows = pq.read_metadata(file).num_rows
            if row is None or row[0] != rows:
                found.append(
                    Difference(
                        LOST,
                        f"archive of {day}",
                        f"{view}: {row and row[0]} rows in the ledger, {rows} in the file",
                    )
                )
    return found


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
