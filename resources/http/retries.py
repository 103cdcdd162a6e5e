"""Whether a call to a remote system is made again: one verdict for both HTTP clients, and the count of one call's tries.

Retries at this level take seconds. Minutes are Dagster's op retries, so what is used up here surfaces as ``TransientError``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from domain.errors import PermanentError, RateLimited, TransientError
from domain.exchange import OutcomeUnknown
from resources.http.redaction import error_text, request_id, told_text

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""RFC 9110 section 9.2.2: repeating them has the effect of one; a caller may declare a POST idempotent where it is an upsert."""
TEMPORARY = frozenset({408, 500, 502, 503, 504, 520, 521, 522, 523, 524, 598, 599})
"""Answers that a later try may not get; 501, 505 and 507 (a plan's limit at BigCommerce) stay as they are."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds of one call: tries and seconds that failures may take, and seconds that waiting for the quota may take."""

    attempts: int = 5
    total_seconds: float = 120.0
    base: float = 0.5
    cap: float = 30.0
    quota_seconds: float = 900.0
    """A 429 is a wait and not a failure, so it has a bound of its own."""
    enabled: bool = True

    def backoff(self, failures: int) -> float:
        """Return a delay with full jitter, so that processes which failed together don't come back together."""
        return random.uniform(0, min(self.cap, self.base * 2.0 ** min(failures, 30)))


class Verdict(NamedTuple):
    """What to do after one try that did not bring an answer to return; ``delay`` is the server's, in seconds, if it named one."""

    retry: bool
    delay: float | None
    why: str
    unknown: bool = False
    """The effect may have happened: the caller has to look it up."""


def verdict(
    method: str,
    status: int | None,
    headers: Mapping[str, str],
    *,
    idempotent: bool,
    effect_possible: bool,
) -> Verdict:
    """Judge one try; ``status`` is ``None`` where no answer came, ``effect_possible`` where the server may have read the request."""
    if status is None:
        # Refused or never connected: nothing was sent, so sending is safe whatever the method.
        if not effect_possible:
            return Verdict(True, None, "the server could not be reached")
        # The request left and no answer came. An upsert is sent again; anything else could happen twice.
        if idempotent:
            return Verdict(True, None, "no answer came")
        return Verdict(
            False, None, f"no answer came to a {method} that may have taken effect", unknown=True
        )
    # Over the quota: refused before anything was done. The server's own delay counts, in whichever form it is told.
    if status == 429:
        return Verdict(True, named_delay(headers), "the quota is used up")
    # Too early (RFC 8470) and locked (RFC 4918): refused before processing.
    if status in (425, 423):
        return Verdict(True, named_delay(headers), "the server refused for the moment")
    # The server or something before it failed, at a point that the status doesn't tell.
    if status in TEMPORARY:
        if idempotent:
            return Verdict(True, named_delay(headers), "the server failed")
        return Verdict(
            False,
            None,
            f"the server failed during a {method} that may have taken effect",
            unknown=True,
        )
    # Everything else is the answer, good or bad; asking again would bring the same.
    return Verdict(False, None, "answered")


def named_delay(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the server asks to wait: Retry-After (seconds or a date), else BigCommerce's forms of it."""
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
        return max(
            0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
        )
    reset = headers.get("x-rate-limit-time-reset-ms", "").strip()
    return int(reset) / 1000 if reset.isdigit() else None


class Attempts:
    """One call's tries, without any I/O: each failed try returns the seconds to wait, or raises what the call ends in."""

    def __init__(
        self,
        policy: RetryPolicy,
        system: str,
        method: str,
        endpoint: str,
        *,
        idempotent: bool,
        correlation_id: str,
    ) -> None:
        self._policy = policy
        self._call = f"{system}: {method} {endpoint}"
        self._method = method
        self._idempotent = idempotent
        self._correlation = f" [{correlation_id}]" if correlation_id else ""
        self._failures = 0
        self._started = 0.0
        self._waited = 0.0
        self._renewed = False
        self.number = 0

    def begin(self) -> None:
        """Count a try that is about to be sent."""
        self.number += 1
        if self.number == 1:
            self._started = time.monotonic()

    def may_renew(self) -> bool:
        """Tell, once a call, that a 401 may be answered with a new token."""
        first, self._renewed = not self._renewed, True
        return first

    def answered(
        self, status: int, headers: Mapping[str, str], body: bytes, sent: bytes = b""
    ) -> float | None:
        """Judge an answer to the body ``sent``: ``None`` means it is the call's result."""
        if 300 <= status < 400 and status != 304:
            raise PermanentError(
                self._say(
                    f"answered {status}, a redirect, which is never followed with credentials; check the base URL"
                )
            )
        ruling = verdict(
            self._method, status, headers, idempotent=self._idempotent, effect_possible=True
        )
        if not ruling.retry and not ruling.unknown:
            return None
        told = error_text(body, sent=sent)
        vendor_id = request_id(headers)
        what = (
            f"answered {status}"
            + (f" (request id {vendor_id})" if vendor_id else "")
            + (f": {told}" if told else "")
        )
        return self._ruled(ruling, what, quota=status == 429)

    def unanswered(self, error: BaseException, *, effect_possible: bool) -> float:
        """Judge a try that brought no whole answer."""
        ruling = verdict(
            self._method, None, {}, idempotent=self._idempotent, effect_possible=effect_possible
        )
        return self._ruled(
            ruling, f"{type(error).__name__}: {told_text(str(error), 200)}", quota=False
        )

    def malformed(self, status: int) -> float:
        """Judge a good status whose body can't be read: the work was done, and what it said is lost."""
        ruling = verdict(self._method, None, {}, idempotent=self._idempotent, effect_possible=True)
        return self._ruled(ruling, f"answered {status} with malformed JSON", quota=False)

    def _ruled(self, ruling: Verdict, what: str, *, quota: bool) -> float:
        if ruling.unknown:
            raise OutcomeUnknown(
                self._say(f"{what}; {ruling.why}, so it isn't sent again before a look-up")
            )
        spent = time.monotonic() - self._started - self._waited
        if quota:
            left = self._policy.quota_seconds - self._waited
            # A second of jitter: all processes are told the same moment.
            delay = (
                self._policy.backoff(self.number + 1)
                if ruling.delay is None
                else ruling.delay + random.uniform(0, 1)
            )
        else:
            self._failures += 1
            left = self._policy.total_seconds - spent
            delay = self._policy.backoff(self._failures) if ruling.delay is None else ruling.delay
        if not self._policy.enabled or delay > left or self._failures >= self._policy.attempts:
            after = f"after {self.number} tries in {spent + self._waited:.0f} s"
            kind = RateLimited if quota else TransientError
            raise kind(
                self._say(f"{what}; {ruling.why}; given up {after}, a later try may help"),
                retry_after=ruling.delay,
            )
        if quota:
            self._waited += delay
        return delay

    def permanent(self, what: str) -> PermanentError:
        """Return the error that ends a call which no further try would help."""
        return PermanentError(self._say(f"{what}; another try won't help"))

    def _say(self, what: str) -> str:
        return f"{self._call} {what}{self._correlation}"
