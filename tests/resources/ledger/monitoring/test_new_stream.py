"""A stream that a new system brings shows wherever the others do, and no SQL is written for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from resources.ledger.links import Link, Links
from resources.ledger.monitoring.status import stream_totals
from tests.assets.scene import NAME
from tests.resources.ledger.monitoring.book import Book

HOUR = 3_600


@pytest.fixture
def visited(book: Book) -> Book:
    """Return a ledger with a stream in each direction that is about visits, and one of numbers."""
    for stream, place, to_oms, is_snapshot in (
        ("visits", 4, True, False),
        ("answers", 5, False, False),
        ("counts", 6, False, True),
    ):
        book.db.execute(
            """INSERT INTO sync.stream (connection, stream, place, to_oms, is_snapshot, entity,
                                        source_system, target_system)
               VALUES (%s, %s, %s, %s, %s, 'visit', '', '')""",
            (NAME, stream, place, to_oms, is_snapshot),
        )
    Links(book.db, NAME, "visit").claim([Link("7", "V-7", "O-7", "O-7")], "test")
    return book


def events(book: Book, view: str, condition: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return stream, id and event of a timeline's rows, in time order."""
    return book.db.execute(
        f"SELECT stream, source_id, event FROM history.{view} WHERE {condition} "  # noqa: S608
        "ORDER BY at, stream, event",
        values,
    ).fetchall()


def test_its_events_are_in_the_timeline(visited: Book) -> None:
    """In both directions; those of an order with the same id, and of a snapshot, are not."""
    book = visited
    version = book.capture("visits", "7", HOUR)
    book.record("visits", "7", version, "delivered", validated_at=book.ago(HOUR - 1))
    book.delivery("visits", "7", "delivered", HOUR - 2)
    book.capture("answers", "O-7", HOUR - 3)
    for stream, at in (("visits", HOUR - 4), ("counts", HOUR - 4)):
        book.db.execute(
            """INSERT INTO sync.rejection (connection, stream, stage, source_id, source_day,
                   capture_id, code, field, message, advice, value, problems, correlation_id,
                   class, rule, opened_at, run_id)
               VALUES (%s, %s, 'validated', '7', %s, gen_random_uuid(), 'bad', '', 'm', '', '',
                       '[]', '', 'value', '', %s, '')""",
            (NAME, stream, book.today, book.ago(at)),
        )
    book.capture("counts", "7", HOUR)
    book.capture("orders", "7", HOUR)

    found = events(book, "timeline", "entity = 'visit' AND source_id = ANY(%s)", ["7", "O-7"])
    assert found == [
        ("visits", "7", "captured"),
        ("visits", "7", "accepted"),
        ("visits", "7", "create delivered"),
        ("answers", "O-7", "captured"),
        ("visits", "7", "rejection opened"),
    ]
    assert events(book, "order_timeline", "source_id = '7'") == [("orders", "7", "captured")]


def test_its_state_is_shown(visited: Book) -> None:
    """With its connection's owner and limits, in the place that the configuration gives it."""
    rows = visited.db.execute(
        """SELECT stream, state, owner, allowed IS NOT NULL FROM history.lag
           WHERE connection = %s AND stream IN ('visits', 'answers') ORDER BY 1""",
        (NAME,),
    ).fetchall()
    owner = visited.db.execute("SELECT owner FROM sync.connection").fetchone()
    assert owner is not None
    assert rows == [(stream, "paused", *owner, True) for stream in ("answers", "visits")]
    for stream in ("answers", "inventory", "visits", "orders"):
        visited.capture(stream, "1", 10)
    assert list(stream_totals(visited.db, NAME)) == ["orders", "inventory", "visits", "answers"]


def test_a_record_of_the_oms_waits_under_the_id_of_the_store(visited: Book) -> None:
    """By the link of its own entity, not by an order's with the same id."""
    Links(visited.db, NAME).claim([Link("8", "8", "O-7", "O-7")], "test")
    visited.capture("answers", "O-7", timedelta(days=1).total_seconds())
    assert ("captured_not_delivered", "unvalidated", "7") in visited.stuck()


def test_a_stream_that_is_no_longer_configured_is_shown_as_such(visited: Book) -> None:
    """What it has left behind stays in the timeline."""
    visited.capture("visits", "7", HOUR)
    visited.db.execute("UPDATE sync.stream SET configured = false WHERE stream = 'visits'")
    state = "SELECT state FROM history.lag WHERE stream = 'visits'"
    assert visited.db.execute(state).fetchall() == [("not_configured",)]
    assert events(visited, "timeline", "entity = 'visit'") == [("visits", "7", "captured")]
