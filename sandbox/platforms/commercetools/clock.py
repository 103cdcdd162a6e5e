"""The project's time: this machine's, with an offset, written in milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.kit.clock import OffsetClock, parsed


def written(moment: datetime) -> str:
    """Return a time as the vendor writes it: UTC, three decimals, ``Z``."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def normalised(value: str) -> str:
    """Return a given time in the vendor's form. Raises ``ValueError``."""
    return written(parsed(value))


class Clock(OffsetClock):
    """The time of one project."""

    def now(self) -> str:
        """Return the current time as the vendor writes it."""
        return written(self.moment())
