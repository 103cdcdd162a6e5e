"""The tenant's clock: wall time, unless a test moves or freezes it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.oms.manhattan.settings import Settings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_iso(ms: int) -> str:
    """Format a moment as Manhattan does in bodies: milliseconds, no zone (oms.md 1.7)."""
    return (
        (_EPOCH + timedelta(milliseconds=ms))
        .replace(tzinfo=None)
        .isoformat(timespec="milliseconds")
    )


def to_ms(text: str) -> int:
    """Parse an ISO moment, naive as UTC; raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


class Clock:
    """Milliseconds since 1970, UTC."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.offset_ms = 0
        self.frozen_ms: int | None = None

    def now_ms(self) -> int:
        """Return the tenant's current time."""
        if self.frozen_ms is not None:
            return self.frozen_ms
        return time.time_ns() // 1_000_000 + self.offset_ms

    def stamp_ms(self) -> int:
        """Return the current time in the tenant's zone, counted as if it were UTC."""
        moment = _EPOCH + timedelta(milliseconds=self.now_ms())
        local = moment.astimezone(ZoneInfo(self._settings.time_zone)).replace(tzinfo=UTC)
        return (local - _EPOCH) // timedelta(milliseconds=1)

    def now(self) -> str:
        """Return the tenant's current time as Manhattan formats it."""
        return to_iso(self.stamp_ms())

    def move(self, now: str | None, *, freeze: bool) -> None:
        """Set the current time, running or frozen from there; ``None`` returns to wall time."""
        self.frozen_ms = None
        self.offset_ms = 0
        if now is not None:
            moment = to_ms(now)
            self.offset_ms = moment - time.time_ns() // 1_000_000
            self.frozen_ms = moment if freeze else None
