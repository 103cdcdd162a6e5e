"""What stands still: the clocks of ``history.stuck``, as rows and as counts."""

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
    """One record that stands still at a stage; ``source_id`` is the store's id of the order, or ``sku@node`` of a level."""

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
    """How many records of a stream are past a stage's limit; ``live`` leaves out those that wait in the queue of rejections."""

    stage: str
    number: int
    live: int


Chain = tuple[str, str]


def past_limit(
    db: psycopg.Connection[Any], connection: str | None = None, *, most: int = 20
) -> tuple[list[Stuck], dict[Chain, list[StuckCount]]]:
    """Return the records that are past their limit, oldest first, at most ``most`` of each stream and stage; and all of them counted."""
    with db.transaction(), db.cursor(row_factory=dict_row) as cursor:
        # Compiling the query costs more than running it.
        cursor.execute("SET LOCAL jit = off")
        rows = cursor.execute(
            """SELECT connection, stream, stage, state, source_id, since, age, allowed, overdue, owner, correlation_id, detail, number, live
               FROM (SELECT s.*, row_number() OVER (PARTITION BY connection, stream, stage ORDER BY since, source_id) AS place,
                            count(*) OVER (PARTITION BY connection, stream, stage) AS number,
                            count(*) FILTER (WHERE state <> 'rejected') OVER (PARTITION BY connection, stream, stage) AS live
                     FROM history.stuck s WHERE overdue AND (%(connection)s::text IS NULL OR connection = %(connection)s)) s
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
