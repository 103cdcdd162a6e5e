"""The clock of a simulated system, in whole seconds, which a test can move or freeze."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def to_seconds(text: str) -> int:
    """Parse an ISO time, one without a zone as UTC; raises ValueError."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


class Clock:
    """Wall time, unless a test moves or freezes it."""

    def __init__(self) -> None:
        self.offset = 0
        self.frozen: int | None = None

    def now(self) -> int:
        """Return the system's present time."""
        return int(time.time()) + self.offset if self.frozen is None else self.frozen

    def move(self, now: str | None, *, freeze: bool) -> None:
        """Set the present time, running or frozen from there; ``None`` returns to wall time."""
        self.frozen, self.offset = None, 0
        if now is not None:
            moment = to_seconds(now)
            self.offset = moment - int(time.time())
            self.frozen = moment if freeze else None
