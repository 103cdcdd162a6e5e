"""A tenant's limit to the rate of requests: a bucket of twice what a second allows."""

from __future__ import annotations

import time

from sandbox.oms.manhattan.envelope import Refused, error

TOO_MANY = 429
BURST_SECONDS = 2


class Rate:
    """Counts the requests of all clients of one tenant."""

    def __init__(self) -> None:
        self._left: float | None = None
        self._at = 0.0

    def take(self, per_second: int) -> None:
        """Use one request; raises ``Refused`` if none is left. Without a limit (0) none is."""
        if not per_second:
            return
        now, most = time.monotonic(), float(per_second * BURST_SECONDS)
        left = most if self._left is None else self._left + (now - self._at) * per_second
        self._left, self._at = min(left, most), now
        if self._left < 1:
            text = f"More than {per_second} requests a second"
            raise Refused(error("TOO_MANY_REQUESTS", text), status=TOO_MANY)
        self._left -= 1
