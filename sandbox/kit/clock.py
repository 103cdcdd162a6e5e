"""Clocks of simulated systems: in whole seconds, to move or freeze; or exact, with an offset."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime


def parsed(text: str) -> datetime:
    """Parse an ISO time, one without a zone as UTC; raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def to_seconds(text: str) -> int:
    """Parse an ISO time to seconds since 1970; raises ValueError."""
    return int(parsed(text).timestamp())


class OffsetClock:
    """Wall time with an offset in seconds."""

    def __init__(self) -> None:
        self.offset = 0.0

    def seconds(self) -> float:
        """Return the current time in seconds since 1970."""
        return time.time() + self.offset

    def moment(self) -> datetime:
        """Return the current time, aware UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def http(self) -> str:
        """Return the current time as a header."""
        return format_datetime(self.moment(), usegmt=True)


class Clock:
    """Wall time, unless a test moves or freezes it."""

    def __init__(self) -> None:
        self.offset = 0
        self.frozen: int | None = None

    def now(self) -> int:
        """Return the system's present time."""
        return int(time.time()) + self.offset if self.frozen is None else self.frozen

    def move(self, now: str | None, *, freeze: bool) -> None:
        """Set the current time, running or frozen from there; ``None`` returns to wall time."""
        self.frozen, self.offset = None, 0
        if now is not None:
            moment = to_seconds(now)
            self.offset = moment - int(time.time())
            self.frozen = moment if freeze else None
