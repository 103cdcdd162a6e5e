"""The counts that a step shows of its partition are those of ``history``, and cheap at any time."""

from __future__ import annotations

from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from domain.values import Partition
from resources.ledger.records.partition_state import SUMMARY
from resources.ledger.session import Session
from tests.resources.ledger.rows import DAY, capture, record


def filled(session: Session) -> None:
    """Store captures with each outcome and one without, and a record whose capture is gone."""
    rows = [capture(str(number)) for number in range(7)]
    states = ("accepted", "accepted", "rejected", "skipped", "superseded", "accepted")
    with session.transaction():
        session.captures.add(rows, "run-1")
        found = [record(row, state) for row, state in zip(rows, states, strict=False)]
        session.records.put(DAY, found, [], "run-1")
        session.records.settle(DAY, [(rows[0].capture_id, "delivered")])
    session.db.execute("DELETE FROM sync.capture WHERE source_id = '5'")


def of_view(session: Session, view: str) -> dict[str, Any]:
    """Return the only row of a view, without what identifies it."""
    with session.db.cursor(row_factory=dict_row) as cursor:
        [row] = cursor.execute(sql.SQL("SELECT * FROM history.{}").format(sql.Identifier(view)))
    key = {"connection", "stream", "source_day", "source_hour"}
    return {name: value for name, value in row.items() if name not in key}


def test_a_partition_has_the_counts_of_the_views(session: Session) -> None:
    """Name by name; a record that outlived its capture is not counted."""
    filled(session)
    counts = session.partitions.summary(Partition.of_day(DAY))
    assert counts == of_view(session, "daily_summary")
    assert counts == of_view(session, "hourly_summary")
    assert list(counts) == list(of_view(session, "daily_summary"))
    assert (counts["captured"], counts["accepted"], counts["unvalidated"]) == (6, 2, 1)
    [(hour,)] = session.db.execute("SELECT DISTINCT source_hour FROM sync.capture")
    assert session.partitions.summary(Partition.at(DAY, hour, "hour")) == counts
    assert session.partitions.summary(Partition.at(DAY, hour + 1, "hour")) == {}


def test_no_capture_is_compared_with_each_record(session: Session) -> None:
    """Not even while Postgres knows nothing about the month's tables."""
    filled(session)
    keys = {"name": "acme", "stream": "orders", "day": DAY}
    plan = session.db.execute(f"EXPLAIN {SUMMARY.format(hour='')}".encode(), keys).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "Full Join" in text
    assert "Nested Loop" not in text
