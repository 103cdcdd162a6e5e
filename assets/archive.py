"""The archive: each closed day of the history as Parquet files, for DuckDB, Spark or Trino, and for what the ledger no longer keeps.

Without ``from __future__ import annotations``: Dagster reads the resource's type from the function's annotations.
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
from assets.chain.partitions import day_of
from assets.error_redaction import safe_text, unexpected
from domain.errors import PermanentError, TransientError
from resources.ledger import history
from resources.ledger.database.embedded import home
from resources.lockstep import Lockstep

KEY = dg.AssetKey(["history", "archive"])
BATCH = 20_000
"""Rows of one row group: what is in memory at once."""
FILE = "part.parquet"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


@dataclass(frozen=True, slots=True)
class Archived:
    """One file: how many rows of a view it holds."""

    view: str
    rows: int
    size: int
    """In bytes."""


def folder_of(lockstep: Lockstep) -> Path:
    """Return the archive's folder: the configured one, else ``archive`` in Lockstep's own folder."""
    return lockstep.installation.archive or home() / "archive"


def archive_day(db: psycopg.Connection[Any], folder: Path, day: date) -> list[Archived]:
    """Write the day's rows of every view of ``history`` that tells a row's day to ``view=NAME/day=DAY/part.parquet``, each as a whole.

    A file takes its name only once it is complete and on disk, so a reader never meets half of one, and a repetition replaces it. Raises
    ``TransientError`` where the disk is full, ``PermanentError`` where the folder can't be written.
    """
    with db.transaction():
        # Two runs of one day would write the same files; and what a dead one left behind is nobody's while the lock is held.
        history.lock_archive(db, str(folder), day)
        return [
            _write(db, view, folder / f"view={view}" / f"day={day}", day)
            for view in history.views_by_day(db)
        ]


def _write(db: psycopg.Connection[Any], view: str, folder: Path, day: date) -> Archived:
    temporary = folder / f".{FILE}.{os.getpid()}.tmp"
    with _classified(folder):
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
    """Have a file's content, or a folder's names, on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _classified(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        where = f"The archive could not write to {folder} ({reason})"
        if error.errno in _FULL:
            raise TransientError(
                f"{where}; nothing half-written was left. Another try helps once there is room"
            ) from None
        raise PermanentError(
            f"{where}; another try won't help. Let the daemon's user write there, or set archive: elsewhere"
        ) from None


def build_archive(
    partitions: dg.PartitionsDefinition[str], upstream: Sequence[dg.AssetKey]
) -> dg.AssetsDefinition:
    """Build the asset ``history/archive``, one for the installation; ``upstream`` are the streams' last steps."""

    @dg.asset(
        key=KEY,
        group_name="history",
        deps=upstream,
        kinds={"parquet"},
        partitions_def=partitions,
        retry_policy=RETRIES,
        backfill_policy=dg.BackfillPolicy.multi_run(31),
        description="The day's history as Parquet files, one for each view: orders, lines, stock, shipments, deliveries and so on. Names, "
        "addresses and the like are not in them. Materialize a day again to write what has changed since.\n\n"
        "**Red?** The folder can't be written or the disk is full: the error says which.",
    )
    def archive(
        context: dg.AssetExecutionContext, lockstep: dg.ResourceParam[Lockstep]
    ) -> dg.MaterializeResult:
        folder = folder_of(lockstep)
        for key in context.partition_keys:
            try:
                with lockstep.ledger.connect() as db:
                    written = archive_day(db, folder, day_of(key))
            except PermanentError as error:
                raise dg.Failure(str(error), allow_retries=False) from None
            except (TransientError, psycopg.OperationalError) as error:
                raise TransientError(safe_text(error)) from None
            except Exception as error:  # noqa: BLE001 - the failure says what it was, and is red
                raise unexpected(error, "history/archive") from None
            rows = {f"rows: {one.view}": one.rows for one in written}
            total = {
                "dagster/row_count": sum(rows.values()),
                "bytes": sum(one.size for one in written),
            }
            text = f"{total['dagster/row_count']} rows of {len(written)} views in {folder}"
            context.add_asset_metadata(
                metadata.counts(rows | total) | metadata.line(text), partition_key=key
            )
        return dg.MaterializeResult()

    return archive


UNBOUND = (38, 9)
"""Precision and scale of a numeric column that states none, such as a sum."""
_TYPES = {
    "bool": pa.bool_(), "int2": pa.int16(), "int4": pa.int32(), "int8": pa.int64(),
    "float4": pa.float32(), "float8": pa.float64(), "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"), "interval": pa.duration("us"),
    "bytea": pa.binary(), "_text": pa.list_(pa.string()),
}  # fmt: skip


def arrow_field(name: str, kind: str, precision: int | None, scale: int | None) -> pa.Field:
    """Return the Arrow field of a column of the Postgres type ``kind``, as ``information_schema`` names it."""
    if kind == "numeric":
        digits, places = (
            (precision, scale) if precision is not None and scale is not None else UNBOUND
        )
        return pa.field(name, pa.decimal128(min(digits, 38), places))
    return pa.field(name, _TYPES.get(kind, pa.string()))


def to_arrow(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return a column's values as an Arrow array; what has no type of its own there is text, JSON where it is structured."""
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
