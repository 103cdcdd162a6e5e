"""What processes share through the ledger: a quota, and the writer's lock of a stream."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from resources.ledger.deliveries.quota import PostgresQuota
from resources.ledger.ledger import Ledger

TAKER = """
import sys
from resources.ledger.deliveries.quota import PostgresQuota
quota = PostgresQuota(sys.argv[1])
sys.stdin.readline()
print(sum(quota.take("store", 3, quota=100, window_seconds=60)[0] for _ in range(60)))
"""
HOLDER = """
import sys, time
from resources.ledger.ledger import Ledger
with Ledger(sys.argv[1]).session("acme", "orders") as session, session.writer_lock():
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def _process(program: str, url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        if process.poll() is None:
            process.kill()


def test_processes_together_never_take_more_than_the_quota(database: str) -> None:
    """Two processes want 360 permits of 100 at the same time: they get exactly 100."""
    with _process(TAKER, database) as one, _process(TAKER, database) as other:
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        taken = [int(process.communicate()[0]) for process in (one, other)]
    assert sum(taken) == 100


def test_a_used_up_quota_names_the_wait_and_opens_again(database: str) -> None:
    """No permit is left until the window ends; then they come evenly, never more than the quota."""
    quota = PostgresQuota(database)
    assert quota.take("store", 5, quota=5, window_seconds=300) == (5, 0.0)
    granted, seconds = quota.take("store", 1, quota=5, window_seconds=300)
    assert granted == 0
    assert 0 < seconds <= 300
    _let_pass(database, seconds)
    taken = [quota.take("store", 9, quota=5, window_seconds=300)[0]]
    for _ in range(25):
        _let_pass(database, 10)
        taken.append(quota.take("store", 9, quota=5, window_seconds=300)[0])
    assert taken[0] == 1
    assert 3 <= sum(taken) <= 5
    assert max(taken) == 1
    quota.close()


def _let_pass(database: str, seconds: float) -> None:
    """Move the quotas' times into the past, as if seconds had passed."""
    with psycopg.connect(database, autocommit=True) as db:
        db.execute(
            "UPDATE sync.quota SET resets_at = resets_at - make_interval(secs => %(by)s), "
            "refilled_at = refilled_at - make_interval(secs => %(by)s)",
            {"by": seconds},
        )


def test_the_apis_own_count_lowers_what_is_left(database: str) -> None:
    """Other apps use the same quota: the API's headers may lower what is left, never raise it."""
    quota = PostgresQuota(database)
    quota.take("store", 10, quota=100, window_seconds=30)
    quota.observe("store", quota=100, left=4, reset_seconds=20, window_seconds=30)
    assert quota.take("store", 50, quota=100, window_seconds=30)[0] == 4
    quota.observe("store", quota=100, left=80, reset_seconds=20, window_seconds=30)
    assert quota.take("store", 50, quota=100, window_seconds=30)[0] == 0
    quota.close()


def test_a_stream_has_one_writer_and_a_killed_one_frees_its_lock(
    ledger: Ledger, database: str
) -> None:
    """While one process holds the lock no other gets it; kill -9 frees it without a time-out."""
    with _process(HOLDER, database) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            ledger.session("acme", "orders") as session,
            ledger.session("acme", "shipments") as other,
        ):
            with other.writer_lock():
                pass  # another stream has another lock
            session.db.execute("SET lock_timeout = '300ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable), session.writer_lock():
                pytest.fail("two writers at once")
            session.db.execute("SET lock_timeout = '60s'")
            holder.kill()
            with session.writer_lock():
                pass


def test_the_lock_is_released_when_the_work_fails(ledger: Ledger) -> None:
    """An error within the lock leaves it free for the next session."""
    with (
        ledger.session("acme", "orders") as session,
        pytest.raises(RuntimeError),
        session.writer_lock(),
    ):
        raise RuntimeError
    with ledger.session("acme", "orders") as session:
        session.db.execute("SET lock_timeout = '60s'")
        with session.writer_lock():
            pass
