"""Queries are planned well from a month's first large run on, before autovacuum has come by."""

from __future__ import annotations

import psycopg

from resources.ledger.session import Session
from tests.resources.ledger.rows import DAY, capture, record

NUMBER = 1_000
OF_ORDERS = "connection = 'acme' AND stream = 'orders'"
OF_MONTH = "SELECT reltuples FROM pg_class WHERE oid = 'sync.capture_2026_03'::regclass"


def filled(session: Session) -> None:
    """Store captures and their records."""
    rows = [capture(str(number)) for number in range(NUMBER)]
    with session.transaction():
        session.captures.add(rows, "run-1")
        session.records.put(DAY, [record(row) for row in rows], [], "run-1")


def test_counts_are_not_made_by_comparing_each_row_with_each(session: Session) -> None:
    """Not even without statistics, for one connection or for a few days."""
    filled(session)
    for view in ("hourly_summary", "daily_summary"):
        for more in ("", "AND source_day >= '2026-03-01'"):
            query = f"EXPLAIN SELECT * FROM history.{view} WHERE {OF_ORDERS} {more}"  # noqa: S608
            plan = "\n".join(line for (line,) in session.db.execute(query.encode()))
            assert "Nested Loop" not in plan
            assert "2026_03" in plan


def test_tables_that_have_grown_are_analyzed_once(session: Session) -> None:
    """Small ones are not, nor are those that Postgres knows already."""
    assert session.analyze_new() == 0
    filled(session)
    assert session.db.execute(OF_MONTH).fetchone() == (-1,)
    assert session.analyze_new() > 1
    assert session.db.execute(OF_MONTH).fetchone() == (NUMBER,)
    assert session.analyze_new() == 0


def test_the_writer_may_do_it_and_does_not_wait(session: Session, database: str) -> None:
    """A table that another session works on is left for the next time."""
    filled(session)
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE sync.capture_2026_03 IN SHARE UPDATE EXCLUSIVE MODE")
        session.db.execute("SET ROLE lockstep_writer")
        assert session.analyze_new() > 0
        session.db.execute("RESET ROLE")
        assert session.db.execute(OF_MONTH).fetchone() == (-1,)
    assert session.analyze_new() == 1
