"""The org's time: this machine's, with an offset, precise to one second."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime


def written(moment: datetime) -> str:
    """Return a time as the vendor writes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000+0000"


def normalised(value: str) -> str:
    """Return a given time in the vendor's form. Raises ``ValueError``."""
    moment = datetime.fromisoformat(value)
    return written(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


class Clock:
    """The time of one org."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> str:
        """Return the present time."""
        return written(datetime.fromtimestamp(self.seconds(), UTC))

    def seconds(self) -> float:
        """Return the present time in seconds since 1970."""
        return time.time() + self.offset

    def http(self) -> str:
        """Return the present time as a header."""
        return format_datetime(datetime.fromtimestamp(self.seconds(), UTC), usegmt=True)
