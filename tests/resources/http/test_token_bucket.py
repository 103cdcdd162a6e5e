"""The refill of a token bucket, alone and in step with its twin in Postgres."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from resources.http.token_bucket import TokenBucket, full

QUOTA, WINDOW = 60, 30.0


def used(bucket: TokenBucket, moments: list[float], wanted: int = 1) -> list[int]:
    """Take at each moment; return the permits granted."""
    found = []
    for now in moments:
        bucket, granted, _ = bucket.take(wanted, now, quota=QUOTA, window_seconds=WINDOW)
        found.append(granted)
    return found


def test_what_was_saved_is_there_at_once() -> None:
    """A quiet system lets a burst of a whole window through."""
    assert used(full(0, quota=QUOTA, window_seconds=WINDOW), [0.0], 100) == [QUOTA]


def test_after_a_burst_permits_come_evenly_and_not_in_another_burst() -> None:
    """From the second window on there is one every half second: no run finds a window emptied."""
    moments = [0.0, *[30.0 + tenth / 10 for tenth in range(300)]]
    granted = used(full(0, quota=QUOTA, window_seconds=WINDOW), moments, 100)
    assert granted[0] == QUOTA
    assert max(granted[1:]) == 1
    assert sum(granted[1:]) in (QUOTA - 1, QUOTA)


@pytest.mark.parametrize("step", [0.05, 0.7, 11.0])
def test_no_window_gets_more_than_its_quota(step: float) -> None:
    """However the calls are spread: in each window since the first, at most the quota."""
    moments = [number * step for number in range(int(120 / step))]
    granted = used(full(0, quota=QUOTA, window_seconds=WINDOW), moments, 7)
    by_window: dict[int, int] = {}
    for moment, number in zip(moments, granted, strict=True):
        by_window[int(moment // WINDOW)] = by_window.get(int(moment // WINDOW), 0) + number
    assert max(by_window.values()) <= QUOTA


def test_a_quota_of_one_is_one_a_window() -> None:
    """Not one in two windows."""
    bucket = full(0, quota=1, window_seconds=WINDOW)
    bucket, first, _ = bucket.take(1, 0.0, quota=1, window_seconds=WINDOW)
    bucket, none, wait = bucket.take(1, 10.0, quota=1, window_seconds=WINDOW)
    _, second, _ = bucket.take(1, 10.0 + wait, quota=1, window_seconds=WINDOW)
    assert (first, none, second, wait) == (1, 0, 1, 20.0)


def test_idle_time_is_saved_up_to_a_burst() -> None:
    """Ten seconds of quiet after a used-up window are ten seconds' permits; an hour is a burst."""
    empty = TokenBucket(0, 0, 30, 30)
    assert used(empty, [40.0], 100) == [20]
    assert used(empty, [3630.0], 100) == [QUOTA]


def test_the_apis_count_is_spread_over_the_rest_of_its_window() -> None:
    """The API has ten left for ten seconds: those that we hold are used, the others come evenly."""
    bucket = TokenBucket(4, 2.0, 30, 20).observe(10, 10.0, 20, quota=QUOTA)
    granted = used(bucket, [20 + tenth / 10 for tenth in range(100)], 100)
    assert granted[0] == 4
    assert sum(granted) in (9, 10)
    assert max(granted[1:]) == 1


def test_a_later_count_of_the_same_window_raises_nothing() -> None:
    """An answer that was under way states what was left before our other requests."""
    bucket = full(0, quota=QUOTA, window_seconds=WINDOW).observe(4, 20.0, 0, quota=QUOTA)
    bucket, _, _ = bucket.take(4, 0, quota=QUOTA, window_seconds=WINDOW)
    bucket = bucket.observe(50, 19.9, 0.1, quota=QUOTA)
    assert used(bucket, [1.0, 19.0], 100) == [0, 0]


def take_in_postgres(
    db: psycopg.Connection[tuple[object, ...]], start: datetime
) -> Callable[[int, float], int]:
    """Return a function that takes permits at a moment of the bucket in Postgres."""

    def take(wanted: int, now: float) -> int:
        row = db.execute(
            "SELECT granted FROM sync.take_permits('b', %s, %s, %s, %s)",
            (wanted, QUOTA, WINDOW, start + timedelta(seconds=now)),
        ).fetchone()
        return int(str(row[0])) if row else -1

    return take


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_postgres_counts_as_this_module_does(database: str, seed: int) -> None:
    """Takes and reports of the API at random moments: both grant the same, again and again."""
    chance = random.Random(seed)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    now = 0.0
    bucket = full(now, quota=QUOTA, window_seconds=WINDOW)
    with psycopg.connect(database, autocommit=True) as db:
        take = take_in_postgres(db, start)
        for _ in range(300):
            now += round(chance.expovariate(1 / chance.choice([0.1, 2.0, 20.0])), 3)
            if chance.random() < 0.2:
                left, reset = chance.randrange(QUOTA), chance.randrange(1, 30)
                bucket = bucket.observe(left, reset, now, quota=QUOTA)
                db.execute(
                    "SELECT sync.observe_quota('b', %s, %s, %s, %s)",
                    (QUOTA, left, reset, start + timedelta(seconds=now)),
                )
                continue
            wanted = chance.randrange(1, 40)
            bucket, granted, _ = bucket.take(wanted, now, quota=QUOTA, window_seconds=WINDOW)
            assert take(wanted, now) == granted, now
