"""A remote system's own clock, learned from the ``Date`` header of its answers.

Windows of changed records are spans of the source's time. Held against our clock, a source that is behind loses what it stamps between
its present and ours, and one that is ahead is read late.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

SAMPLES = 9
"""Answers that the offset rests on; their median, so that one odd answer (a cache's, a slow one) moves nothing."""
SAME_CLOCK = timedelta(seconds=2)
"""A difference below this is none: ``Date`` tells whole seconds, and answers take time."""
HALF_A_SECOND = timedelta(seconds=0.5)
LONGEST_ANSWER = timedelta(seconds=3)
"""Of a slower answer nobody knows when it was dated."""


class SourceClock:
    """The clock of one remote system; used from several threads at once."""

    def __init__(self) -> None:
        self._offsets: deque[timedelta] = deque(maxlen=SAMPLES)
        self._mutex = threading.Lock()

    def observe(self, headers: Mapping[str, str], sent: datetime, received: datetime) -> None:
        """Take an answer's ``date`` (names in lower case); one without it, from a cache, or slow, tells nothing."""
        text = headers.get("date")
        if not text or "age" in headers or not timedelta(0) <= received - sent <= LONGEST_ANSWER:
            return
        try:
            told = parsedate_to_datetime(text)
        except ValueError:
            return
        # The header names the second that had begun: on average half a second ago.
        offset = (
            told.replace(tzinfo=told.tzinfo or UTC) + HALF_A_SECOND - (sent + (received - sent) / 2)
        )
        with self._mutex:
            self._offsets.append(offset)

    def offset(self) -> timedelta:
        """Return how far the system's clock is ahead of ours; zero where it has said nothing or the difference is below 2 s."""
        with self._mutex:
            known = list(self._offsets)
        found = sorted(known)[len(known) // 2] if known else timedelta(0)
        return found if abs(found) >= SAME_CLOCK else timedelta(0)

    def now(self) -> datetime:
        """Return the system's own present; ours where it has said nothing."""
        return datetime.now(UTC) + self.offset()
