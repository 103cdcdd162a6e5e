"""Reruns that somebody asked for: queued here, and turned into runs by a sensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row

Mode = Literal["as_captured", "re_read"]
"""``as_captured`` validates and delivers what was captured then; ``re_read`` reads the partition from its source again first."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """One partition of one stream to run again; ``source_ids`` narrows to records, ``None`` means all of it."""

    connection: str
    stream: str
    source_day: date
    source_ids: list[str] | None
    mode: Mode
    force: bool
    asked_by: str
    why: str
    rerun_id: int = 0


def ask(db: psycopg.Connection[Any], reruns: Sequence[Rerun]) -> list[int]:
    """Queue reruns within the caller's transaction; return their ids."""
    ids: list[int] = []
    for rerun in reruns:
        row = db.execute(
            """INSERT INTO sync.rerun (connection, stream, source_day, source_ids, mode, force, asked_by, why)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING rerun_id""",
            (rerun.connection, rerun.stream, rerun.source_day, rerun.source_ids, rerun.mode, rerun.force, rerun.asked_by, rerun.why),
        ).fetchone()
        ids += [int(row[0])] if row else []
    return ids


def waiting(db: psycopg.Connection[Any], connections: Sequence[str]) -> list[Rerun]:
    """Return the reruns of these connections that no run was asked for yet, the oldest first."""
    with db.cursor(row_factory=class_row(Rerun)) as cursor:
        cursor.execute(
            """SELECT connection, stream, source_day, source_ids, mode, force, asked_by, why, rerun_id FROM sync.rerun
               WHERE taken_at IS NULL AND connection = ANY(%s) ORDER BY rerun_id""",
            (list(connections),),
        )
        return cursor.fetchall()


def take(db: psycopg.Connection[Any], ids: Sequence[int], run_key: str) -> None:
    """Note that a run was asked for which covers these reruns."""
    db.execute("UPDATE sync.rerun SET taken_at = now(), run_key = %s WHERE rerun_id = ANY(%s)", (run_key, list(ids)))
