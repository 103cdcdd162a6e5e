"""Whether a request is sent again: the decision of both HTTP clients, and its bounds.

Retries here take seconds. Retries that take minutes are Dagster's op retries, so a request that
runs out of attempts raises ``TransientError``. Back-off and stop are tenacity's strategies. Its
loop is not used: it costs 70 us a request, a fifth of what the asynchronous client needs for a
POST, and it has one count of attempts, whereas waiting for the quota must not use up attempts.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from tenacity import (
    RetryCallState,
    Retrying,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from domain.parsing.scalars import to_whole

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Idempotent by RFC 9110, 9.2.2; a caller may declare a POST idempotent if it is an upsert."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Without an effect; a caller may say so of a POST that only reads."""
TEMPORARY = frozenset({408, 500, 502, 503, 504, 520, 521, 522, 523, 524, 598, 599})
"""Statuses that a retry may change; 501, 505 and 507 (the limit of an account's plan) stay."""
TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds of one request's retries: attempts and seconds, and seconds of waiting for quota."""

    attempts: int = 5
    total_seconds: float = 120.0
    """Without the waits for the quota."""
    base: float = 0.5
    cap: float = 30.0
    quota_seconds: float = 900.0
    """A 429 is a wait and not a failure, so it has a bound of its own."""
    enabled: bool = True

    def backoff(self, failures: int) -> float:
        """Return a delay with full jitter, which keeps clients from retrying in step."""
        wait = wait_random_exponential(multiplier=2 * self.base, max=self.cap)
        return wait(_state(attempts=failures))

    def may_retry(self, *, failures: int, elapsed: float, delay: float) -> bool:
        """Return whether another attempt fits after this many failures and ``elapsed`` seconds."""
        stop = stop_after_attempt(self.attempts) | stop_before_delay(self.total_seconds)
        return self.enabled and not stop(_state(failures, elapsed, delay))

    def may_wait(self, *, waited: float, delay: float) -> bool:
        """Return whether another wait for the quota fits after ``waited`` seconds of waiting."""
        stop = stop_before_delay(self.quota_seconds)
        return self.enabled and not stop(_state(elapsed=waited, delay=delay))


class Decision(NamedTuple):
    """What follows from one attempt: its response is returned, it is retried, or it fails."""

    retry: bool
    delay: float | None
    """Seconds that the server asks to wait, if it names them."""
    reason: str
    outcome_unknown: bool = False
    """The effect may have happened, so the caller has to look it up."""


def decide(
    method: str,
    status: int | None,
    headers: Mapping[str, str],
    *,
    idempotent: bool,
    effect_possible: bool,
) -> Decision:
    """Return what follows from one attempt.

    ``status`` is ``None`` if no response came; ``effect_possible`` is true where the server may
    have read the request.
    """
    if status is None:
        # Refused or never connected: nothing was sent, so a retry is safe whatever the method.
        if not effect_possible:
            return Decision(True, None, "the server could not be reached")
        # The request left and no response came. Only an idempotent one can't take effect twice.
        if idempotent:
            return Decision(True, None, "no response came")
        reason = f"no response came to a {method} that may have taken effect"
        return Decision(False, None, reason, outcome_unknown=True)
    # Over the quota: refused before anything was done. The server's own delay counts.
    if status == TOO_MANY_REQUESTS:
        return Decision(True, named_delay(headers), "the quota is used up")
    # Too early (RFC 8470) and locked (RFC 4918): refused before processing.
    if status in (425, 423):
        return Decision(True, named_delay(headers), "the server refused for the moment")
    # The server or a proxy before it failed, and the status doesn't show at which point.
    if status in TEMPORARY:
        if idempotent:
            return Decision(True, named_delay(headers), "the server failed")
        reason = f"the server failed during a {method} that may have taken effect"
        return Decision(False, None, reason, outcome_unknown=True)
    # Everything else is the response, good or bad; a retry would bring the same.
    return Decision(False, None, "answered")


def decide_unusable(method: str, *, idempotent: bool, has_effect: bool) -> Decision:
    """Return what follows from a success whose body does not show what was done."""
    # The work was done and the response that says so is lost, as without any response.
    if idempotent or not has_effect:
        return Decision(True, None, "the body can't be used")
    reason = f"the {method} may have taken effect"
    return Decision(False, None, reason, outcome_unknown=True)


def named_delay(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the server asks to wait.

    Taken from Retry-After (seconds or a date), else from other headers in use for the same.
    """
    for name in ("retry-after", "x-retry-after"):
        value = headers.get(name, "").strip()
        if not value:
            continue
        try:
            return max(0.0, float(value))
        except ValueError:
            pass
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            continue
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    reset = to_whole(headers.get("x-rate-limit-time-reset-ms", "").strip())
    return None if reset is None else reset / 1000


def is_certificate_fault(error: BaseException | None) -> bool:
    """Return whether a connection failed because the certificate isn't trusted: no retry helps."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


class RetryBudget:
    """What one request has used of its policy's bounds, without any I/O."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._failures = 0
        self.waited = 0.0
        """Seconds spent waiting for the quota."""

    def next_failure(self, decision: Decision, elapsed: float) -> float | None:
        """Count a failure; return the seconds to wait, or ``None`` if the budget is used up."""
        self._failures += 1
        delay = decision.delay
        if delay is None:
            delay = self._policy.backoff(self._failures)
        fits = self._policy.may_retry(
            failures=self._failures, elapsed=elapsed - self.waited, delay=delay
        )
        return delay if fits else None

    def next_wait(self, decision: Decision, attempts: int) -> float | None:
        """Count a wait for the quota; return its seconds, or ``None`` if it is too long."""
        if decision.delay is None:
            delay = self._policy.backoff(attempts + 1)
        else:
            # A second of jitter: the server names the same moment to all processes.
            delay = decision.delay + random.uniform(0, 1)
        if not self._policy.may_wait(waited=self.waited, delay=delay):
            return None
        self.waited += delay
        return delay


_RETRYING = Retrying()


def _state(attempts: int = 1, elapsed: float = 0.0, delay: float = 0.0) -> RetryCallState:
    """Return the form in which tenacity's strategies take what has happened so far."""
    state = RetryCallState(_RETRYING, None, (), {})
    state.attempt_number, state.upcoming_sleep = attempts, delay
    state.start_time, state.outcome_timestamp = 0.0, elapsed
    return state
