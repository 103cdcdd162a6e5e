"""Sessions that outlive a restart of Postgres, and transactions that Postgres gives up."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from domain.errors import TransientError
from domain.values import Window
from resources.ledger import ledger as ledgers
from resources.ledger.ledger import Ledger
from resources.ledger.session import TRANSACTION_TRIES, Session

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def cut(database: str) -> None:
    """End every other connection to the database, as a restart does; return once all have ended."""
    ending = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    with psycopg.connect(database, autocommit=True) as db:
        while db.execute(ending).fetchone() != (0,):
            time.sleep(0.005)


@pytest.mark.parametrize("seconds", [0.0, 3600.0], ids=["asked", "seen at its socket"])
def test_a_connection_that_died_while_idle_fails_no_step(
    ledger: Ledger, database: str, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Several are kept. After a restart none of them answers, and a new one is opened."""
    monkeypatch.setattr(ledgers, "ASK_AFTER_SECONDS", seconds)
    with ledger.session("acme", "orders"), ledger.session("acme", "shipments"):
        pass
    cut(database)
    with ledger.session("acme", "orders") as session:
        assert session.watermark() is None
    with ledger.session("acme", "shipments") as session:
        assert session.watermark() is None


def test_the_quota_goes_on_after_a_restart(ledger: Ledger, database: str) -> None:
    """Clients take permits all the time: a restart of Postgres must not fail the next call."""
    assert ledger.quota.take("b", 5, quota=10, window_seconds=60.0)[0] == 5
    cut(database)
    assert ledger.quota.take("b", 9, quota=10, window_seconds=60.0)[0] == 5
    cut(database)
    ledger.quota.observe("b", quota=10, left=0, reset_seconds=30.0, window_seconds=60.0)
    granted, seconds = ledger.quota.take("b", 1, quota=10, window_seconds=60.0)
    assert granted == 0
    assert 0 < seconds <= 30


def test_a_database_that_is_gone_is_another_try_not_a_fault(ledger: Ledger) -> None:
    """The quota's error is of the kind that clients and steps know."""
    gone = Ledger("postgresql://absent@/none?host=/nonexistent")
    with pytest.raises(TransientError, match="Postgres"):
        gone.quota.take("b", 1, quota=1, window_seconds=1.0)
    with pytest.raises(TransientError, match="Postgres"), gone.session("acme", "orders"):
        pass


def test_a_transaction_that_lost_a_deadlock_is_run_once_more(ledger: Ledger) -> None:
    """Two writers lock two rows in opposite order: Postgres ends one, and both are stored."""
    with ledger.session("acme", "orders") as first, ledger.session("acme", "orders") as second:
        for name in ("a", "b"):
            first.db.execute("INSERT INTO sync.quota VALUES (%s, 0, now())", (name,))
        ready = threading.Barrier(2)
        tries: list[str] = []

        def work(session: Session, one: str, other: str) -> None:
            tries.append(one)
            session.db.execute(
                "UPDATE sync.quota SET permits = permits + 1 WHERE bucket = %s", (one,)
            )
            if len(tries) <= 2:
                ready.wait(timeout=10)
            session.db.execute(
                "UPDATE sync.quota SET permits = permits + 1 WHERE bucket = %s", (other,)
            )

        thread = threading.Thread(target=lambda: second.repeatable(lambda: work(second, "b", "a")))
        thread.start()
        first.repeatable(lambda: work(first, "a", "b"))
        thread.join(timeout=30)
        assert len(tries) == 3
        assert first.db.execute("SELECT bucket, permits FROM sync.quota ORDER BY 1").fetchall() == [
            ("a", 2),
            ("b", 2),
        ]


def test_a_serialization_error_is_retried_until_the_tries_are_used_up(session: Session) -> None:
    """Nothing of a failed try stays; the last one raises an error that allows another run."""
    tries = 0

    def work(fail: int) -> str:
        nonlocal tries
        tries += 1
        session.db.execute(
            "INSERT INTO sync.quota VALUES (%s, 0, now())", (f"{fail}: try {tries}",)
        )
        if tries <= fail:
            session.db.execute("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")
        return "done"

    assert session.repeatable(lambda: work(2)) == "done"
    assert session.db.execute("SELECT bucket FROM sync.quota").fetchall() == [("2: try 3",)]
    tries = 0
    with pytest.raises(TransientError, match="40001"):
        session.repeatable(lambda: work(99))
    assert tries == TRANSACTION_TRIES
    with pytest.raises(errors.DivisionByZero):
        session.repeatable(lambda: session.db.execute("SELECT 1 / 0"))


def test_a_watermark_in_the_sources_future_is_pulled_back_and_never_forward(
    session: Session,
) -> None:
    """Pulling back is for a clock that was set; it must not skip what lies between."""
    hour = timedelta(hours=1)
    session.move_watermark(Window(NOON, NOON + hour), may_start=True)
    session.pull_back(NOON + 2 * hour)
    assert session.watermark() == NOON + hour
    session.pull_back(NOON)
    assert session.watermark() == NOON


def test_probes_that_fail_are_counted_until_one_works(session: Session) -> None:
    """The heartbeat shows how many failed in a row, and the last error."""
    row = "SELECT probe_failures, probe_error, probed_at IS NOT NULL FROM sync.watermark"
    session.note_failed_probe("503")
    session.note_failed_probe("timed out")
    assert session.db.execute(row).fetchone() == (2, "timed out", False)
    session.note("probed_at")
    assert session.db.execute(row).fetchone() == (0, "timed out", True)
