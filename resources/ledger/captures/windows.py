"""What runs have captured and delivered: the sensors' questions to ``sync.batch``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import psycopg

from domain.values import Partition, Window


def captured_live(
    db: psycopg.Connection[Any], connection: str, stream: str, days: Collection[date]
) -> dict[date, list[Window]]:
    """Return the windows that live runs have captured of days, in order.

    A live window ends at the source's own present; those of other runs may end at ours.
    """
    rows = db.execute(
        """SELECT source_day, since, until FROM sync.batch
           WHERE connection = %s AND stream = %s AND source_day = ANY(%s)
             AND step = 'captured' AND trigger = 'live' AND since < until
           ORDER BY source_day, since, until""",
        (connection, stream, list(days)),
    )
    found: dict[date, list[Window]] = {}
    for day, since, until in rows:
        found.setdefault(day, []).append(Window(since, until))
    return found


def got_through(
    db: psycopg.Connection[Any], run_ids: Sequence[str]
) -> set[tuple[str, str, str, Partition]]:
    """Return which (run, connection, stream, partition) were delivered without a failure.

    A run that serves several chains ends as failed when one of them did.
    """
    rows = db.execute(
        """SELECT run_id, connection, stream, source_day, source_hour FROM sync.batch
           WHERE run_id = ANY(%s) AND step = 'delivered'
             AND coalesce((counts ->> 'failed')::int, 0) = 0""",
        (list(run_ids),),
    )
    return {
        (run_id, connection, stream, Partition.of_row(day, hour))
        for run_id, connection, stream, day, hour in rows
    }
