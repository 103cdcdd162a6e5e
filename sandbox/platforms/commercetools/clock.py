"""The project's time: this machine's, with an offset, written in milliseconds."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime


def written(moment: datetime) -> str:
    """Return a time as the vendor writes it: UTC, three decimals, ``Z``."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def normalised(value: str) -> str:
    """Return a given time in the vendor's form. Raises ``ValueError``."""
    moment = datetime.fromisoformat(value)
    return written(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


class Clock:
    """The time of one project."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> str:
        """Return the present time."""
        return written(self._moment())

    def http(self) -> str:
        """Return the present time as a header."""
        return format_datetime(self._moment(), usegmt=True)

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.offset, UTC)
