"""The bounds of a request's retries."""

from __future__ import annotations

from resources.http.retries import Decision, RetryBudget, RetryPolicy

FAILED = Decision(retry=True, delay=None, reason="the server failed")


def test_backoff_has_full_jitter_up_to_its_cap() -> None:
    """Clients that failed together must not retry together; the delay doubles with each failure."""
    policy = RetryPolicy(base=0.5, cap=30.0)
    for failures, most in ((1, 1.0), (3, 4.0), (60, 30.0)):
        delays = [policy.backoff(failures) for _ in range(200)]
        assert 0 <= min(delays) < most / 4
        assert most / 2 < max(delays) <= most


def test_failures_are_bounded_by_attempts_and_by_time() -> None:
    """The last attempt has no retry, nor has one whose delay would exceed the time."""
    policy = RetryPolicy(attempts=3, total_seconds=10, base=0.001)
    budget = RetryBudget(policy)
    delays = [budget.next_failure(FAILED, elapsed=0.1) for _ in range(3)]
    assert [delay is not None for delay in delays] == [True, True, False]
    assert RetryBudget(policy).next_failure(FAILED._replace(delay=11.0), elapsed=0.1) is None
    assert RetryBudget(policy).next_failure(FAILED, elapsed=10.5) is None


def test_waits_for_the_quota_use_neither_attempts_nor_time_of_failures() -> None:
    """They have a bound of their own."""
    budget = RetryBudget(RetryPolicy(attempts=2, total_seconds=10, quota_seconds=100, base=0.001))
    wait = Decision(retry=True, delay=30.0, reason="the quota is used up")
    waits = [budget.next_wait(wait, attempts=n) for n in range(1, 5)]
    assert [delay is not None for delay in waits] == [True, True, True, False]
    assert budget.next_failure(FAILED, elapsed=budget.waited + 1) is not None


def test_retries_can_be_switched_off() -> None:
    """Tools and tests want the first answer."""
    budget = RetryBudget(RetryPolicy(enabled=False))
    assert budget.next_failure(FAILED, elapsed=0) is None
    assert budget.next_wait(FAILED, attempts=1) is None
