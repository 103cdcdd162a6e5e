"""Searches Dagster, the ledger and files for planted secrets and personal data."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import dagster as dg
import psycopg
import pyarrow.parquet as pq
import zstandard
from psycopg import sql

from resources.ledger.database.compression import decompress

PERSONAL_COLUMNS = frozenset(
    {
        "sync.capture.payload",
        "sync.record.canonical",
        "sync.target_state.content",
        "sync.edit.changes",
        "sync.rejection_action.diff",
    }
)
"""The only columns that may hold personal data; all others are read more widely, kept longer."""


@dataclass(frozen=True)
class Needles:
    """The planted values, searched for in each form in which programs write them, in any case."""

    secrets: Sequence[str]
    personal: Sequence[str]
    pattern: re.Pattern[str] = field(init=False)
    forms: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        forms = {
            form.casefold(): f"secret {place}"
            for place, secret in enumerate(self.secrets)
            for form in _forms(secret)
        }
        forms |= {
            form.casefold(): f"personal {place}"
            for place, value in enumerate(self.personal)
            for form in _forms(value)
        }
        object.__setattr__(self, "forms", forms)
        object.__setattr__(
            self,
            "pattern",
            re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))),
        )

    def found(self, text: str) -> set[str]:
        """Return the labels of the needles in a text: a report must not be a leak itself."""
        return {self.forms[match] for match in self.pattern.findall(text.casefold())}


def leaks(
    instance: dg.DagsterInstance | None,
    database_url: str,
    folders: Iterable[Path],
    needles: Needles,
) -> list[str]:
    """Return where secrets are found, and personal data outside of ``PERSONAL_COLUMNS``.

    Searches every table of the database (also Dagster's, if they are there; compressed columns are
    decompressed), the instance's runs, events and ticks, and every file below the folders (Parquet
    files by their values).
    """
    found: dict[str, int] = {}
    for place, text in (
        *_database(database_url),
        *(_dagster(instance) if instance else ()),
        *_files(folders),
    ):
        for label in needles.found(text):
            if not (label.startswith("personal") and place in PERSONAL_COLUMNS):
                found[f"{label} in {place}"] = found.get(f"{label} in {place}", 0) + 1
    return [f"{what} ({times} times)" for what, times in sorted(found.items())]


def _forms(value: str) -> set[str]:
    raw = value.encode()
    escaped = value.encode("ascii", "backslashreplace").decode()
    return {
        value,
        escaped,
        quote(value, safe=""),
        quote_plus(value),
        base64.b64encode(raw).decode().rstrip("="),
    }


def _database(url: str) -> Iterator[tuple[str, str]]:
    with psycopg.connect(url) as db:
        tables = db.execute(
            """SELECT schemaname, tablename FROM pg_tables
               WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
                 AND NOT EXISTS (
                   SELECT FROM pg_inherits
                   WHERE inhrelid = format('%I.%I', schemaname, tablename)::regclass)"""
        ).fetchall()
        for schema, table in tables:
            with db.cursor("leaks") as cursor:
                cursor.itersize = 1_000
                cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table)))
                names: list[str] = []
                for row in cursor:
                    names = names or [column.name for column in cursor.description or ()]
                    yield from (
                        (f"{schema}.{table}.{name}", _text(value))
                        for name, value in zip(names, row, strict=True)
                    )


def _text(value: Any) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return decompress(value).decode("utf-8", "replace")
    except zstandard.ZstdError:
        return value.decode("utf-8", "replace")


def _dagster(instance: dg.DagsterInstance) -> Iterator[tuple[str, str]]:
    for run in instance.get_runs():
        yield "run config", str(run.run_config)
        yield "run tags", str(run.tags)
        for entry in instance.all_logs(run.run_id):
            yield (
                f"event {entry.dagster_event.event_type_value if entry.dagster_event else 'log'}",
                str(entry),
            )
    for state in instance.all_instigator_state() if instance.schedule_storage else ():
        yield "instigator state", str(state)
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id):
            yield "tick", str(tick)


def _files(folders: Iterable[Path]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for file in (
            [folder]
            if folder.is_file()
            else sorted(path for path in folder.rglob("*") if path.is_file())
        ):
            if file.suffix == ".parquet":
                yield (
                    f"file {file.name} in {file.parent}",
                    str(pq.read_table(file, partitioning=None).to_pylist()),
                )
                continue
            with file.open("rb") as content:
                tail = b""
                while block := content.read(
                    1 << 20
                ):  # blocks overlap, so that nothing hides on a seam
                    yield f"file {file.name}", (tail + block).decode("utf-8", "replace")
                    tail = block[-1_000:]
