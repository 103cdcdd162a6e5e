"""For how long no system has answered this process: one that hangs shows no error.

A request that hangs fails after its time-out, and with its repetitions only minutes later. A run
delivers to one system at a time, so that one clock serves it.
"""

from __future__ import annotations

import threading
import time


class Silence:
    """Since when requests are sent without an answer, and without one of a server that works."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unanswered: float | None = None
        self._failing: float | None = None

    def sent(self) -> None:
        """Note that a request is sent."""
        with self._lock:
            now = time.monotonic()
            self._unanswered = now if self._unanswered is None else self._unanswered
            self._failing = now if self._failing is None else self._failing

    def answered(self, *, is_failing: bool = False) -> None:
        """Note that a request was answered; ``is_failing``: by a server that says that it fails."""
        with self._lock:
            self._unanswered = None
            if not is_failing:
                self._failing = None

    def unanswered_seconds(self) -> float:
        """Return for how long requests have had no answer of any kind."""
        return self._seconds(self._unanswered)

    def failing_seconds(self) -> float:
        """Return for how long requests have had no answer, or a failing server's."""
        return self._seconds(self._failing)

    def _seconds(self, since: float | None) -> float:
        return 0.0 if since is None else time.monotonic() - since


READS, WRITES = Silence(), Silence()
"""Of all requests of this process; apart, since a system may answer the one and not the other."""
