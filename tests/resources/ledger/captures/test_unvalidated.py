"""Which captures have no outcome yet is known without comparing all of the ledger."""

from __future__ import annotations

from importlib.resources import files

import psycopg
import pytest

from domain.values import Partition
from resources.ledger.records import owed
from resources.ledger.rows import CaptureRow
from resources.ledger.session import Session
from tests.resources.ledger.rows import DAY, capture, record

CAPTURES = [capture("1"), capture("2"), capture("3")]


def waiting(session: Session, *only: str) -> list[str]:
    """Return the records that a live run would validate."""
    rows = session.captures.to_validate(
        Partition.of_day(DAY), everything=False, after=None, limit=2, only=only or None
    )
    return sorted(row.source_id for row in rows)


def put(session: Session, *rows: CaptureRow, state: str = "accepted") -> None:
    """Store outcomes."""
    with session.transaction():
        session.records.put(DAY, [record(row, state) for row in rows], [], "run-1")


@pytest.fixture
def captured(session: Session) -> Session:
    """Return a session in whose ledger three captures have no outcome."""
    with session.transaction():
        session.captures.add(CAPTURES, "run-1")
    return session


def test_a_capture_waits_until_it_has_an_outcome(captured: Session) -> None:
    """Whatever the outcome is; the day is unfinished until then."""
    put(captured, CAPTURES[0])
    put(captured, CAPTURES[1], state="skipped")
    assert waiting(captured) == ["3"]
    put(captured, CAPTURES[2], state="superseded")
    assert waiting(captured) == []
    assert not captured.captures.any_unvalidated("orders", DAY)
    assert captured.partitions.pending("day") == [
        Partition.of_day(DAY)
    ]  # the accepted one is to be delivered


def test_narrowed_records_are_found_behind_a_page_of_others(captured: Session) -> None:
    """A page in which nothing fits is not the end."""
    for row in CAPTURES:
        assert waiting(captured, row.source_id) == [row.source_id]


def test_an_outcome_that_is_taken_back_makes_its_capture_wait_again(captured: Session) -> None:
    """Unless the capture is gone: there is nothing to validate."""
    put(captured, *CAPTURES, state="superseded")
    captured.db.execute("DELETE FROM sync.capture WHERE source_id = '2'")
    assert owed.reopen(captured.db, captured.connection, captured.stream, ["1", "2"], []) == {DAY}
    assert waiting(captured) == ["1"]


def test_a_capture_that_comes_again_after_its_retention_does_not_wait_for_ever(
    captured: Session,
) -> None:
    """Its record was kept, and is replaced."""
    put(captured, *CAPTURES)
    captured.db.execute("DELETE FROM sync.capture")
    with captured.transaction():
        captured.captures.add(CAPTURES[:1], "run-2")
    assert waiting(captured) == ["1"]
    put(captured, CAPTURES[0])
    assert waiting(captured) == []


def test_captures_that_waited_before_the_upgrade_still_wait(session: Session) -> None:
    """The migration lists those without an outcome, of all streams."""
    with session.transaction():
        session.captures.add(CAPTURES, "run-1")
    put(session, CAPTURES[0])
    before = [tuple(row) for row in session.db.execute("SELECT * FROM sync.unvalidated ORDER BY 4")]
    session.db.execute("TRUNCATE sync.unvalidated")
    fill = _fill(session.db)
    assert [tuple(row) for row in fill] == before


def _fill(db: psycopg.Connection[tuple[object, ...]]) -> list[tuple[object, ...]]:
    script = files("resources.ledger").joinpath("migrations/0023_unvalidated.sql").read_text()
    db.execute(script[script.rindex("INSERT INTO sync.unvalidated") :].encode())
    return db.execute("SELECT * FROM sync.unvalidated ORDER BY 4").fetchall()
