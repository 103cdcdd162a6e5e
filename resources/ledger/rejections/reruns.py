"""Requested reruns: queued here, turned into runs by a sensor, followed until their run has ended.

None is lost. A rerun first gets a run key, which is stored, and is taken only once a run with that
key exists. A process that dies in between leaves a key that the next tick requests again, and
Dagster makes one run of one key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from domain.values import Partition
from resources.ledger.rejections.under_way import give_up_retries

Mode = Literal["as_captured", "re_read"]
"""``as_captured`` validates and delivers the stored captures; ``re_read`` first captures again."""
RECORDS_AT_ONCE = 2_000
"""Records of one run at most: their ids are in its configuration."""
Outcome = Literal["done", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class Rerun:
    """One partition of one stream to run again, or only the records in ``source_ids``."""

    connection: str
    stream: str
    partition: Partition
    """By the grain that the connection had then."""
    source_ids: list[str] | None
    mode: Mode
    force: bool
    asked_by: str
    why: str
    rerun_id: int = 0
    run_key: str = ""
    """Of the requested run; empty before there is one."""
    run_id: str = ""
    """Of the run that covers it, once it exists."""


def ask(db: psycopg.Connection[Any], reruns: Sequence[Rerun]) -> list[int]:
    """Queue reruns within the caller's transaction; return their ids."""
    ids: list[int] = []
    for rerun in reruns:
        row = db.execute(
            """INSERT INTO sync.rerun (connection, stream, source_day, source_hour, source_ids,
                                       mode, force, asked_by, why)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING rerun_id""",
            (
                rerun.connection,
                rerun.stream,
                rerun.partition.day,
                rerun.partition.hour,
                rerun.source_ids,
                rerun.mode,
                rerun.force,
                rerun.asked_by,
                rerun.why,
            ),
        ).fetchone()
        ids += [int(row[0])] if row else []
    return ids


def unfinished(db: psycopg.Connection[Any], limit: int = 10_000) -> list[Rerun]:
    """Return the reruns that have no run yet or whose run has not ended, oldest first."""
    rows = db.execute(
        """SELECT connection, stream, source_day, source_hour, source_ids, mode, force, asked_by,
                  why, rerun_id, run_key, run_id
           FROM sync.rerun WHERE outcome = '' ORDER BY rerun_id LIMIT %s""",
        (limit,),
    )
    return [
        Rerun(connection, stream, Partition.of_row(day, hour), *rest)
        for connection, stream, day, hour, *rest in rows
    ]


def assign(db: psycopg.Connection[Any], ids: Sequence[int], run_key: str) -> bool:
    """Give reruns the key of the run that will cover them.

    Return whether none of them had one: another sensor may have been first.
    """
    with db.transaction():
        rows = db.execute(
            "SELECT run_key FROM sync.rerun WHERE rerun_id = ANY(%s) FOR UPDATE", (list(ids),)
        ).fetchall()
        is_free = all(key == "" for (key,) in rows)
        if is_free:
            db.execute(
                "UPDATE sync.rerun SET run_key = %s WHERE rerun_id = ANY(%s)", (run_key, list(ids))
            )
        return is_free


def take(db: psycopg.Connection[Any], run_key: str, run_id: str) -> None:
    """Record that the run exists which covers the reruns with this key."""
    db.execute(
        """UPDATE sync.rerun SET taken_at = coalesce(taken_at, now()), run_id = %s
           WHERE run_key = %s""",
        (run_id, run_key),
    )


def end(db: psycopg.Connection[Any], ids: Sequence[int], outcome: Outcome, note: str = "") -> None:
    """Record how reruns ended.

    A rejection that they did not decide is open again: no retry of it is under way.
    """
    with db.transaction():
        db.execute(
            """UPDATE sync.rerun SET outcome = %s, note = %s, ended_at = now(),
                      taken_at = coalesce(taken_at, now())
               WHERE rerun_id = ANY(%s)""",
            (outcome, note, list(ids)),
        )
        rows = db.execute(
            """UPDATE sync.rejection r SET state = 'open' WHERE r.state = 'retried'
               AND EXISTS (SELECT FROM sync.rejection_action a
                           WHERE a.rejection_id = r.rejection_id AND a.rerun_id = ANY(%(ids)s))
               AND NOT EXISTS (SELECT FROM sync.rejection_action a
                               JOIN sync.rerun q USING (rerun_id)
                               WHERE a.rejection_id = r.rejection_id AND q.outcome = '')
               RETURNING r.rejection_id, r.stage""",
            {"ids": list(ids)},
        )
        give_up_retries(db, rows.fetchall())
