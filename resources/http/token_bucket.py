"""A token bucket for one API's quota: a burst of what is saved, then a continuous refill.

A quota is a number of requests per window. Permits saved while a system was idle may be used at
once; they are part of the window that their use opens, and the rest of its quota comes evenly until
it ends. So no run finds a window used up that another one has emptied in its first seconds, and no
window gets more than its quota. ``sync.take_permits`` and ``sync.observe_quota`` are the same in
SQL, shared by all processes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

SAME_WINDOW_SECONDS = 1.0
"""The API's windows whose ends differ by less are the same one."""
ROUNDING = 1e-9


class TokenBucket(NamedTuple):
    """One bucket at ``refilled_at``; times in seconds of any clock that only goes forward."""

    permits: float
    pace: float
    """Permits that come each second until ``resets_at``."""
    resets_at: float
    """When the window ends."""
    refilled_at: float

    def take(
        self, wanted: int, now: float, *, quota: int, window_seconds: float
    ) -> tuple[TokenBucket, int, float]:
        """Return the bucket without the permits granted, their number, and the wait if it is 0."""
        now = max(now, self.refilled_at)
        permits, pace, resets_at = self._refilled(now, quota), self.pace, self.resets_at
        if now >= resets_at:
            saved = permits + quota / window_seconds * (now - resets_at)
            permits = min(quota, max(1.0, saved))
            pace, resets_at = (quota - permits) / window_seconds, now + window_seconds
        granted = max(0, min(math.floor(permits + ROUNDING), wanted))
        bucket = TokenBucket(permits - granted, pace, resets_at, now)
        return bucket, granted, 0.0 if granted else bucket.seconds_to_next()

    def observe(self, left: int, reset_seconds: float, now: float, *, quota: int) -> TokenBucket:
        """Return the bucket as the API counts it: how many are left, and when the window ends.

        Within one window only the lower count holds, since requests may be under way that the API
        has not counted yet.
        """
        now = max(now, self.refilled_at)
        permits = min(self._refilled(now, quota), left)
        pace = (left - permits) / max(reset_seconds, 0.001)
        if abs(now + reset_seconds - self.resets_at) < SAME_WINDOW_SECONDS:
            pace = min(pace, self.pace)
        return TokenBucket(permits, pace, now + reset_seconds, now)

    def seconds_to_next(self) -> float:
        """Return after how many seconds a permit is there."""
        to_reset = self.resets_at - self.refilled_at
        return min(to_reset, (1 - self.permits) / self.pace) if self.pace > 0 else to_reset

    def _refilled(self, now: float, quota: int) -> float:
        seconds = max(0.0, min(now, self.resets_at) - self.refilled_at)
        return min(quota, self.permits + self.pace * seconds)


def full(now: float, *, quota: int, window_seconds: float) -> TokenBucket:
    """Return the bucket of a system that was idle; its use opens a window."""
    return TokenBucket(quota, 0.0, now + window_seconds, now)
