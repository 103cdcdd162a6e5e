"""Stuck records: those past a limit of ``history.stuck``, as rows and as counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row

STAGES = (
    "captured_not_delivered",
    "delivered_not_acknowledged",
    "released_not_shipped",
    "shipped_not_at_store",
)


@dataclass(frozen=True, slots=True)
class Stuck:
    """One record that is stuck at a stage.

    ``source_id`` is the store's id of the order, or ``sku@node`` of a stock level.
    """

    connection: str
    stream: str
    stage: str
    state: str
    source_id: str
    since: datetime
    age: timedelta
    allowed: timedelta | None
    overdue: bool
    owner: str
    correlation_id: str
    detail: str


class StuckCount(NamedTuple):
    """How many records of a stream are past a stage's limit; ``live`` leaves out rejected ones."""

    stage: str
    number: int
    live: int


Chain = tuple[str, str]


def past_limit(
    db: psycopg.Connection[Any], connection: str | None = None, *, most: int = 20
) -> tuple[list[Stuck], dict[Chain, list[StuckCount]]]:
    """Return the records that are past their limit, oldest first, and counts of all of them.

    There are at most ``most`` records of each stream and stage.
    """
    with db.transaction(), db.cursor(row_factory=dict_row) as cursor:
        # Compiling the query costs more than running it.
        cursor.execute("SET LOCAL jit = off")
        rows = cursor.execute(
            """SELECT connection, stream, stage, state, source_id, since, age, allowed, overdue,
                      owner, correlation_id, detail, number, live
               FROM (SELECT s.*, row_number() OVER oldest_first AS place,
                            count(*) OVER stage AS number,
                            count(*) FILTER (WHERE state <> 'rejected') OVER stage AS live
                     FROM history.stuck s
                     WHERE overdue AND (%(connection)s::text IS NULL OR connection = %(connection)s)
                     WINDOW stage AS (PARTITION BY connection, stream, stage),
                            oldest_first AS (stage ORDER BY since, source_id)) s
               WHERE place <= %(most)s ORDER BY since, connection, source_id""",
            {"connection": connection, "most": most},
        ).fetchall()
    counts: dict[Chain, dict[str, StuckCount]] = {}
    found: list[Stuck] = []
    for row in rows:
        number, live = row.pop("number"), row.pop("live")
        found.append(Stuck(**row))
        counts.setdefault((row["connection"], row["stream"]), {})[row["stage"]] = StuckCount(
            row["stage"], number, live
        )
    return found, {
        chain: [by_stage[stage] for stage in STAGES if stage in by_stage]
        for chain, by_stage in counts.items()
    }
