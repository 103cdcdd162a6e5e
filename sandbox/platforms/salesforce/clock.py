"""The org's time: this machine's, with an offset, precise to one second."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.kit.clock import OffsetClock, parsed


def written(moment: datetime) -> str:
    """Return a time as the vendor writes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000+0000"


def normalised(value: str) -> str:
    """Return a given time in the vendor's form. Raises ``ValueError``."""
    return written(parsed(value))


class Clock(OffsetClock):
    """The time of one org."""

    def now(self) -> str:
        """Return the current time as the vendor writes it."""
        return written(self.moment())
