"""The store's request quota: a number of calls per window, shared by all clients.

Header names and behaviour: BigCommerce's API rate limits page, see contracts (X-Rate-Limit-*).
"""

from __future__ import annotations

import math
import time

QUOTA = 150
"""Of the plans Standard and Plus; Pro has 450."""
WINDOW_MS = 30_000


class RateLimit:
    """Counts calls in fixed windows, the first of which starts with the first call."""

    def __init__(self, quota: int = QUOTA, window_ms: int = WINDOW_MS) -> None:
        self.refused = 0
        self.configure(quota, window_ms)

    def configure(self, quota: int, window_ms: int) -> None:
        """Set quota and window; the next call starts a new window."""
        self.quota = quota
        self.window_ms = window_ms
        self.used = 0
        self.ends = 0.0

    def take(self) -> bool:
        """Use one call of the quota; False if the window has none left."""
        now = time.monotonic()
        if now >= self.ends:
            self.ends = now + self.window_ms / 1000
            self.used = 0
        if self.used >= self.quota:
            self.refused += 1
            return False
        self.used += 1
        return True

    def retry_after(self) -> int:
        """Return after how many seconds a refused call can succeed."""
        return max(1, math.ceil(self.ends - time.monotonic()))

    def headers(self) -> dict[str, str]:
        """Build the four headers that every answer has."""
        reset = max(0, math.ceil((self.ends - time.monotonic()) * 1000))
        return {
            "X-Rate-Limit-Time-Window-Ms": str(self.window_ms),
            "X-Rate-Limit-Time-Reset-Ms": str(reset),
            "X-Rate-Limit-Requests-Quota": str(self.quota),
            "X-Rate-Limit-Requests-Left": str(self.quota - self.used),
        }
