"""All that happened to one record, such as an order, in time order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import psycopg
from psycopg.rows import class_row

from domain.identity import correlation_id
from domain.streams import streams_of

Database: TypeAlias = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a record."""

    at: datetime
    event: str
    stream: str
    detail: str
    correlation_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class LatestVersion:
    """The newest version of a record in one stream, and its outcome."""

    stream: str
    source_id: str
    source_updated_at: datetime
    state: str
    rule: str
    outcome: str | None


def events(
    db: Database,
    connection: str,
    entity: str,
    source_ids: Sequence[str],
    correlation_ids: Sequence[str],
) -> list[Event]:
    """Return the record's history and the requests that were sent for it.

    ``source_ids`` are its ids in both systems. An order's returns belong to its history.
    """
    returns = _returns_of(db, connection, source_ids) if entity == "order" else []
    with db.cursor(row_factory=class_row(Event)) as cursor:
        cursor.execute(
            """SELECT at, event, stream, coalesce(detail, '') AS detail, correlation_id, run_id
               FROM history.timeline
               WHERE connection = %(connection)s AND entity = %(entity)s
                 AND source_id = ANY(%(ids)s)
               UNION ALL
               SELECT at, event, stream, concat_ws(': ', source_id, detail), correlation_id, run_id
               FROM history.timeline
               WHERE connection = %(connection)s AND entity = 'return'
                 AND source_id = ANY(%(returns)s)
               UNION ALL
               SELECT at, 'request' AS event, stream,
                      concat_ws(' ', method, endpoint,
                                CASE status WHEN 0 THEN 'no answer' ELSE status::text END,
                                round(milliseconds)::text || ' ms',
                                CASE WHEN attempt > 1 THEN 'attempt ' || attempt END,
                                nullif('trace ' || trace_id, 'trace '),
                                nullif(error, '')) AS detail,
                      correlation_id, run_id
               FROM sync.message_log
               WHERE connection = %(connection)s AND correlation_id = ANY(%(correlations)s)
               ORDER BY at, stream, event""",
            {
                "connection": connection,
                "entity": entity,
                "ids": list(source_ids),
                "returns": returns,
                "correlations": [
                    *correlation_ids,
                    *(correlation_id(connection, "return", one) for one in returns),
                ],
            },
        )
        return cursor.fetchall()


def _returns_of(db: Database, connection: str, order_ids: Sequence[str]) -> list[str]:
    """Return the ids of the returns of an order of the store."""
    rows = db.execute(
        """SELECT DISTINCT return_id FROM sync.return_line
           WHERE connection = %s AND source_id = ANY(%s)""",
        (connection, list(order_ids)),
    )
    return [return_id for (return_id,) in rows]


def latest_versions(
    db: Database, connection: str, entity: str, source_ids: Sequence[str]
) -> list[LatestVersion]:
    """Return the newest version of the record in each stream."""
    with db.cursor(row_factory=class_row(LatestVersion)) as cursor:
        cursor.execute(
            """SELECT DISTINCT ON (stream) stream, source_id, source_updated_at, state, rule,
                      outcome
               FROM sync.record
               WHERE connection = %s AND stream = ANY(%s) AND source_id = ANY(%s)
               ORDER BY stream, source_updated_at DESC, (state <> 'superseded') DESC""",
            (connection, streams_of(entity), list(source_ids)),
        )
        return cursor.fetchall()


def target_id(db: Database, connection: str, entity: str, source_ids: Sequence[str]) -> str:
    """Return the OMS's id of the record, or an empty text if it is not known to hold it."""
    row = db.execute(
        """SELECT target_id FROM sync.target_state
           WHERE connection = %s AND stream = ANY(%s) AND target_key = ANY(%s)
           ORDER BY target_id DESC LIMIT 1""",
        (connection, streams_of(entity, to_oms=True), list(source_ids)),
    ).fetchone()
    return str(row[0]) if row else ""


def captured_ids(
    db: Database, connection: str, entity: str, source_ids: Sequence[str], *, to_oms: bool
) -> list[str]:
    """Return those of the ids that have a capture from the store (``to_oms``), or from the OMS."""
    rows = db.execute(
        """SELECT DISTINCT source_id FROM sync.capture
           WHERE connection = %s AND stream = ANY(%s) AND source_id = ANY(%s)""",
        (connection, streams_of(entity, to_oms=to_oms), list(source_ids)),
    )
    return [source_id for (source_id,) in rows]
