"""Real errors of Postgres beside the system's sessions: deadlocks, serialization, terminations."""

from __future__ import annotations

import time
from contextlib import suppress

import psycopg

TRIES_SECONDS = 12.0
WAITING = """SELECT count(*) FROM pg_stat_activity a
             WHERE a.application_name = 'lockstep' AND a.wait_event_type = 'Lock'
      AND cardinality(pg_blocking_pids(a.pid)) > 0
               AND %s = ANY(pg_blocking_pids(a.pid))"""


def provoke_deadlock(url: str) -> bool:
    """Lock in the wrong order until Postgres finds a deadlock; return whether it did."""
    with (
        suppress(psycopg.OperationalError),
        psycopg.connect(url, autocommit=True) as watch,
        psycopg.connect(url) as db,
    ):
        before = _deadlocks(watch)
        db.execute("LOCK TABLE sync.message_log IN SHARE MODE")
        if not _is_waited_for(watch, db.info.backend_pid):
            db.rollback()
            return False
        with suppress(psycopg.errors.DeadlockDetected):
            db.execute("SET LOCAL lock_timeout = '5s'; LOCK TABLE sync.delivery IN SHARE MODE")
        db.rollback()
        time.sleep(0.3)  # counters are published after a transaction
        return _deadlocks(watch) > before
    return False


def provoke_serialization_failure(url: str) -> bool:
    """Let new sessions run at repeatable read, and change a row under one: SQLSTATE 40001."""
    with (
        suppress(psycopg.OperationalError),
        psycopg.connect(url, autocommit=True) as watch,
        psycopg.connect(url) as db,
    ):
        name = watch.info.dbname
        watch.execute(
            f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"
        )
        try:
            db.execute("UPDATE sync.watermark SET probed_at = probed_at")
            waited = _is_waited_for(watch, db.info.backend_pid)
            db.commit()
        finally:
            watch.execute(f"ALTER DATABASE {name} RESET default_transaction_isolation")
        # Sessions that were opened meanwhile keep the level for as long as they are pooled.
        time.sleep(1)
        return waited
    return False


def end_backends(url: str) -> int:
    """End every session of Lockstep, as a failover of Postgres does; return their number."""
    with suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as db:
        row = db.execute(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE application_name = 'lockstep'"
        ).fetchone()
        return int(row[0]) if row else 0
    return 0


def _is_waited_for(watch: psycopg.Connection[tuple[int]], blocker: int) -> bool:
    deadline = time.monotonic() + TRIES_SECONDS
    while time.monotonic() < deadline:
        row = watch.execute(WAITING, (blocker,)).fetchone()
        if row and row[0]:
            return True
        time.sleep(0.02)
    return False


def _deadlocks(watch: psycopg.Connection[tuple[int]]) -> int:
    row = watch.execute(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone()
    return int(row[0]) if row else 0
