"""Values that canonical records are made of, and half-open windows of time.

``domain.records.record`` checks them when a record is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Self, TypeAlias

from msgspec import Meta

Sku: TypeAlias = str
"""Not empty, without blanks around it and control characters, of at most 255 characters."""
Key: TypeAlias = str
"""An id or code: at most 255 characters without controls: tables, addresses and logs carry it."""
Uom: TypeAlias = str
Currency: TypeAlias = str
"""ISO 4217."""
Amount: TypeAlias = Decimal
"""Money in a currency's major unit; the currency is on the enclosing record. Never float."""
Quantity: TypeAlias = Decimal
PositiveQuantity: TypeAlias = Decimal
UtcDatetime = Annotated[datetime, Meta(tz=True)]

FIRST_YEAR, LAST_YEAR = 1990, 2100


def is_of_this_era(moment: datetime) -> bool:
    """Return whether a time can be that of a web shop's order; a year outside is a typing error."""
    return FIRST_YEAR <= moment.year <= LAST_YEAR


def doubled(first: timedelta, times: int, longest: timedelta) -> timedelta:
    """Return a pause that doubles with each failure after the first, at most ``longest``."""
    pause: timedelta = first * 2 ** min(max(times - 1, 0), 10)
    return min(pause, longest)


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time ``[since, until)`` in aware UTC."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise ValueError("a window needs aware times")
        if self.until < self.since:
            raise ValueError(
                "a window ends before it begins: "
                f"{self.since.isoformat()} to {self.until.isoformat()}"
            )

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until

    @property
    def is_empty(self) -> bool:
        """True when no moment lies in the window."""
        return self.since == self.until

    def split(self, parts: int) -> list[Self]:
        """Cut the window into at most ``parts`` adjoining windows of whole seconds."""
        seconds = int((self.until - self.since).total_seconds())
        parts = max(1, min(parts, seconds or 1))
        edges = [self.since + timedelta(seconds=seconds * i // parts) for i in range(parts)] + [
            self.until
        ]
        return [type(self)(a, b) for a, b in pairwise(edges)]

    def by_day(self) -> list[Self]:
        """Cut at each UTC midnight: a live window that crosses a partition's end is split there."""
        pieces: list[Self] = []
        start = self.since
        while start < self.until:
            midnight = datetime.combine(start.date() + timedelta(days=1), datetime.min.time(), UTC)
            end = min(midnight, self.until)
            pieces.append(type(self)(start, end))
            start = end
        return pieces

    @classmethod
    def of_day(cls, day: date) -> Self:
        """Return the whole UTC day."""
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return cls(start, start + timedelta(days=1))
