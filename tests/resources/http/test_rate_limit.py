"""Sharing a quota between limiters, threads and an API that corrects us."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from domain.errors import TransientError
from resources.http.rate_limit import Limiter, LocalQuota, QuotaState


def test_two_processes_together_keep_within_the_quota() -> None:
    """However requests are spread over limiters and threads, no window exceeds its quota."""
    ledger = LocalQuota()
    limiters = [Limiter(ledger, "shop", quota=40, window_seconds=0.5) for _ in range(2)]
    calls: list[float] = []

    def call(limiter: Limiter) -> None:
        for _ in range(15):
            limiter.acquire()
            calls.append(time.monotonic())

    started = time.monotonic()
    threads = [
        threading.Thread(target=call, args=(limiter,)) for limiter in limiters for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 60
    assert sum(moment - started < 0.49 for moment in calls) <= 40


def test_waits_instead_of_failing_up_to_a_bound() -> None:
    """A used-up quota is waited for; a wait beyond the bound is a transient error."""
    limiter = Limiter(LocalQuota(), "shop", quota=1, window_seconds=0.1)
    for _ in range(3):
        limiter.acquire()
    strict = Limiter(LocalQuota(), "shop", quota=1, window_seconds=60, max_wait=1)
    strict.acquire()
    with pytest.raises(TransientError, match="quota is used up"):
        strict.acquire()


def test_async_calls_share_the_same_leases() -> None:
    """Tasks wait without blocking each other."""

    async def use() -> float:
        limiter = Limiter(LocalQuota(), "shop", quota=20, window_seconds=1.0)
        started = time.monotonic()
        await asyncio.gather(*[limiter.acquire_async() for _ in range(30)])
        return time.monotonic() - started

    assert 0.4 < asyncio.run(use()) < 8


def test_the_apis_own_count_is_passed_on_sparingly() -> None:
    """About every 50th response is reported; the ledger grants no more than the API has left."""
    ledger = LocalQuota()
    reported: list[int] = []
    observe = ledger.observe

    def record(
        bucket: str, *, quota: int, left: int, reset_seconds: float, window_seconds: float
    ) -> None:
        reported.append(left)
        observe(
            bucket,
            quota=quota,
            left=left,
            reset_seconds=reset_seconds,
            window_seconds=window_seconds,
        )

    ledger.observe = record  # type: ignore[method-assign]
    limiter = Limiter(
        ledger,
        "shop",
        quota=150,
        window_seconds=30,
        reader=lambda headers: QuotaState(150, int(headers["left"]), 10, 30),
    )
    for left in range(150, 50, -1):
        limiter.observe({"left": str(left)})
    assert reported == [150, 100]
    limiter.observe({"left": "3"})
    assert reported == [150, 100] or reported[-1] == 3
    ledger.observe("shop", quota=150, left=2, reset_seconds=10, window_seconds=30)
    assert ledger.take("shop", 5, quota=150, window_seconds=30)[0] == 2


def test_tasks_that_wait_for_one_permit_do_not_all_ask_the_ledger() -> None:
    """Twenty tasks share a quota of ten a second: a question or two for each permit."""
    asked: list[int] = []

    class Counting(LocalQuota):
        def take(
            self, bucket: str, wanted: int, *, quota: int, window_seconds: float
        ) -> tuple[int, float]:
            asked.append(wanted)
            return super().take(bucket, wanted, quota=quota, window_seconds=window_seconds)

    async def use() -> None:
        limiter = Limiter(Counting(), "shop", quota=10, window_seconds=1.0)
        await asyncio.gather(*[limiter.acquire_async() for _ in range(20)])

    asyncio.run(use())
    assert len(asked) <= 60


def test_a_queue_of_tasks_costs_a_question_for_several_permits() -> None:
    """Tasks pass in the order in which they came, and one question fetches permits for several."""

    class Counting(LocalQuota):
        questions = 0

        def take(
            self, bucket: str, wanted: int, *, quota: int, window_seconds: float
        ) -> tuple[int, float]:
            self.questions += 1
            return super().take(bucket, wanted, quota=quota, window_seconds=window_seconds)

    ledger = Counting()
    passed: list[int] = []

    async def use() -> None:
        limiter = Limiter(ledger, "shop", quota=200, window_seconds=1)

        async def call(number: int) -> None:
            await limiter.acquire_async()
            passed.append(number)

        await asyncio.gather(*map(call, range(400)))

    asyncio.run(use())
    assert passed == sorted(passed)
    assert ledger.questions < 120


def test_an_idle_process_withholds_nothing() -> None:
    """Leases start at one permit and only grow under load."""
    taken: list[int] = []

    class Counting(LocalQuota):
        def take(
            self, bucket: str, wanted: int, *, quota: int, window_seconds: float
        ) -> tuple[int, float]:
            taken.append(wanted)
            return super().take(bucket, wanted, quota=quota, window_seconds=window_seconds)

    limiter = Limiter(Counting(), "shop", quota=200, window_seconds=30)
    for _ in range(30):
        limiter.acquire()
    assert taken[0] == 1
    assert max(taken) == 10
