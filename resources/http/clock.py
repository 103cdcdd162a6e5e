"""A remote system's clock, learned from the ``Date`` header of its responses.

Windows of changed records are spans of the source's time. If they ended by our clock, records that
a slow source stamps between its present and ours would be missed, and a fast source's read late.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

SAMPLES = 9
"""Responses whose median is the offset, so that one outlier (cached, slow) changes nothing."""
AGREEING = 2
"""So many responses in a row that state another time show that the clock was set."""
SAME_CLOCK = timedelta(seconds=2)
"""A smaller difference counts as none: ``Date`` has whole seconds, and responses take time."""
HALF_A_SECOND = timedelta(seconds=0.5)
MAX_DURATION = timedelta(seconds=3)
"""It is unknown when a slower response was dated."""


class SourceClock:
    """The clock of one remote system; used from several threads at once."""

    def __init__(self) -> None:
        self._offsets: deque[timedelta] = deque(maxlen=SAMPLES)
        self._mutex = threading.Lock()

    def observe(self, headers: Mapping[str, str], sent: datetime, received: datetime) -> None:
        """Take a response's ``date`` (names in lower case), unless it is cached or slow."""
        text = headers.get("date")
        if not text or "age" in headers or not timedelta(0) <= received - sent <= MAX_DURATION:
            return
        dated = _parsed(text)
        if dated is None:
            return
        # The header is cut to whole seconds: on average half a second ago.
        offset = dated + HALF_A_SECOND - (sent + (received - sent) / 2)
        with self._mutex:
            self._offsets.append(offset)
            latest = list(self._offsets)[-AGREEING:]
            if len(latest) == AGREEING and max(latest) - min(latest) < SAME_CLOCK:
                is_set = abs(_median(latest) - _median(self._offsets)) >= SAME_CLOCK
                if is_set:
                    self._offsets = deque(latest, maxlen=SAMPLES)

    def offset(self) -> timedelta:
        """Return how far the system's clock is ahead of ours; zero if unknown or below 2 s."""
        with self._mutex:
            found = _median(self._offsets) if self._offsets else timedelta(0)
        return found if abs(found) >= SAME_CLOCK else timedelta(0)

    def now(self) -> datetime:
        """Return the system's current time; ours where its clock is unknown."""
        return datetime.now(UTC) + self.offset()


def _median(offsets: Collection[timedelta]) -> timedelta:
    return sorted(offsets)[len(offsets) // 2]


@lru_cache(maxsize=64)  # all responses of one second have the same
def _parsed(text: str) -> datetime | None:
    try:
        dated = parsedate_to_datetime(text)
    except ValueError:
        return None
    return dated.replace(tzinfo=dated.tzinfo or UTC)
