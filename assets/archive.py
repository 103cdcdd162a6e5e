"""The archive: each closed day of the history as Parquet files, for DuckDB, Spark or Trino.

It also keeps what retention removes from the ledger. Without ``from __future__ import
annotations``: Dagster reads the resource's type from the function's annotations.
"""

import errno
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from assets.chain import metadata
from assets.chain.factory import RETRIES
from assets.error_redaction import classified
from domain.connections import Installation
from domain.errors import PermanentError, TransientError
from domain.parsing.text import plural
from domain.values import Partition
from resources.ledger import history
from resources.ledger.database.embedded import home
from resources.lockstep import Lockstep

KEY = dg.AssetKey(["history", "archive"])
BATCH = 20_000
"""Rows of one row group: what is in memory at once."""
DAYS_PER_RUN = 31
FILE = "part.parquet"
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
UNBOUND = (38, 9)
"""Precision and scale of a numeric column that states none, such as a sum."""
ARROW_TYPES = {
    "bool": pa.bool_(), "int2": pa.int16(), "int4": pa.int32(), "int8": pa.int64(),
    "float4": pa.float32(), "float8": pa.float64(), "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"), "interval": pa.duration("us"),
    "bytea": pa.binary(), "_text": pa.list_(pa.string()),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Archived:
    """One file: how many rows of a view it holds."""

    view: str
    rows: int
    size: int
    """In bytes."""
    is_kept: bool = False
    """It was written before retention removed rows of the day, and stays as it is."""


TEXT = """\
The day's history as Parquet files, one per view: orders, lines, stock, shipments, deliveries and
so on. They hold no personal data. A day that changes later is written again in the night after.
A file stays as it is once retention has removed rows of it from the ledger, which it does only
after they were archived.

**Red?** The folder can't be written or the disk is full: the error says which."""


def folder_of(installation: Installation) -> Path:
    """Return the archive's folder: the configured one, else ``archive`` in Lockstep's home."""
    return installation.archive or home() / "archive"


def lost_days(db: psycopg.Connection[Any], folder: Path) -> list[date]:
    """Return the days that were archived, and of which the folder has no file any more.

    Such as after ``archive`` names another folder. Without a folder none: this machine may not have
    the archive.
    """
    if not folder.is_dir():
        return []
    there = {file.parent.name for file in folder.glob(f"view=*/day=*/{FILE}")}
    return [day for day in history.archived_days(db) if f"day={day}" not in there]


def note_lost_days(db: psycopg.Connection[Any], installation: Installation) -> None:
    """Note the days that the folder has lost: they are archived again, and retention waits."""
    history.note_lost(db, lost_days(db, folder_of(installation)))


def archive_day(db: psycopg.Connection[Any], folder: Path, day: date) -> list[Archived]:
    """Write the day's rows of every dated view to ``view=NAME/day=DAY/part.parquet``.

    A file gets its name only once it is complete and on disk, so a reader never meets half of one,
    and a repetition replaces it, unless retention has removed something of the day from the view
    since. Raises ``TransientError`` if the disk is full, ``PermanentError`` where the folder can't
    be written.
    """
    with db.transaction():
        # Two runs of one day would write the same files. While the lock is held, no other run uses
        # the temporary files that a dead one left behind.
        history.lock_archive(db, str(folder), day)
        reduced = history.reduced_views(db, day)
        found: list[Archived] = []
        for view in history.views_by_day(db):
            place = folder / f"view={view}" / f"day={day}"
            kept = _kept(view, place / FILE) if view in reduced else None
            found.append(kept or _write(db, view, place, day))
        history.note_archived(db, day)
        return found


def _kept(view: str, file: Path) -> Archived | None:
    """Return the file of an earlier run, which has more than the ledger; ``None`` without one."""
    with _disk_errors(file.parent):
        if not file.exists():
            return None
        return Archived(view, pq.read_metadata(file).num_rows, file.stat().st_size, is_kept=True)


def _write(db: psycopg.Connection[Any], view: str, folder: Path, day: date) -> Archived:
    temporary = folder / f".{FILE}.{os.getpid()}.tmp"
    with _disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for remains in folder.glob(f".{FILE}.*.tmp"):
            remains.unlink()
        try:
            rows = _fill(temporary, db, view, day)
            _flush(temporary)
            temporary.replace(folder / FILE)
            _flush(folder)
        finally:
            temporary.unlink(missing_ok=True)
        return Archived(view, rows, (folder / FILE).stat().st_size)


def _fill(file: Path, db: psycopg.Connection[Any], view: str, day: date) -> int:
    columns = history.view_columns(db, view)
    names = [column.name for column in columns]
    schema = pa.schema([arrow_field(*column) for column in columns])
    total = 0
    with (
        pa.OSFile(str(file), "wb") as sink,
        pq.ParquetWriter(sink, schema, compression="zstd") as writer,
    ):
        for batch in history.rows_of_day(db, view, names, day, BATCH):
            arrays = [
                to_arrow(values, field.type)
                for values, field in zip(zip(*batch, strict=True), schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            total += len(batch)
    return total


def _flush(path: Path) -> None:
    """Flush a file's content, or a folder's names, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        where = f"The archive could not write to {folder} ({reason})"
        if error.errno in DISK_FULL:
            raise TransientError(
                f"{where}; no partial files were left. Try again once there is room"
            ) from None
        raise PermanentError(
            f"{where}; trying again won't help. Let the daemon's user write there, or set "
            "archive: to another folder"
        ) from None


def build_archive(
    partitions: dg.PartitionsDefinition[str], upstream: Sequence[dg.AssetKey]
) -> dg.AssetsDefinition:
    """Build the asset ``history/archive``; ``upstream`` are the last steps of all streams."""

    @dg.asset(
        key=KEY,
        group_name="history",
        deps=upstream,
        kinds={"parquet"},
        partitions_def=partitions,
        retry_policy=RETRIES,
        backfill_policy=dg.BackfillPolicy.multi_run(DAYS_PER_RUN),
        description=TEXT,
    )
    def archive(
        context: dg.AssetExecutionContext, lockstep: dg.ResourceParam[Lockstep]
    ) -> dg.MaterializeResult:
        folder = folder_of(lockstep.installation)
        for key in context.partition_keys:
            with classified(KEY.to_user_string()), lockstep.ledger.connect() as db:
                written = archive_day(db, folder, Partition.parse(key).day)
            rows = {f"rows: {one.view}": one.rows for one in written}
            total = {
                "dagster/row_count": sum(rows.values()),
                "bytes": sum(one.size for one in written),
            }
            text = f"{total['dagster/row_count']} rows of {len(written)} views in {folder}"
            if kept := sum(one.is_kept for one in written):
                text += f"; {plural(kept, 'file')} from before retention kept"
            context.add_asset_metadata(
                metadata.counts(rows | total) | metadata.summary(text), partition_key=key
            )
        with lockstep.ledger.connect() as db:
            note_lost_days(db, lockstep.installation)
        return dg.MaterializeResult()

    return archive


def arrow_field(name: str, kind: str, precision: int | None, scale: int | None) -> pa.Field:
    """Return a column's Arrow field; ``kind`` is its Postgres type in ``information_schema``."""
    if kind == "numeric":
        digits, places = (
            (precision, scale) if precision is not None and scale is not None else UNBOUND
        )
        return pa.field(name, pa.decimal128(min(digits, 38), places))
    return pa.field(name, ARROW_TYPES.get(kind, pa.string()))


def to_arrow(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return a column's values as an Arrow array: as text or JSON where Arrow has no such type."""
    return pa.array(
        [_text(value) for value in values] if pa.types.is_string(kind) else values, kind
    )


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return (
        json.dumps(value, default=str, ensure_ascii=False, sort_keys=True)
        if isinstance(value, dict | list)
        else str(value)
    )
