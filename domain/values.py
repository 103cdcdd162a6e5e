"""Values that canonical records are made of, half-open windows of time, and partitions.

``domain.records.record`` checks them when a record is built.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Final, Literal, Self, TypeAlias

from msgspec import Meta

Sku: TypeAlias = str
"""Not empty, without spaces around it and control characters, of at most 255 characters."""
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
LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""Before any time that a system or the ledger states."""
FAR_AHEAD = datetime.max.replace(tzinfo=UTC)
"""After any such time."""
BEFORE_STORES = datetime(1970, 1, 1, tzinfo=UTC)
"""Instead of a store's time that can't be read; a window from here on is of everything."""


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


Grain = Literal["day", "hour"]
DAY: Final = "day"
HOUR: Final = "hour"
GRAINS: tuple[Grain, ...] = (DAY, HOUR)
_LENGTH: dict[Grain, timedelta] = {DAY: timedelta(days=1), HOUR: timedelta(hours=1)}
_FORMAT: dict[Grain, str] = {DAY: "%Y-%m-%d", HOUR: "%Y-%m-%d-%H:%M"}


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """A UTC day of the source's modification time, or one hour of it: what a run works on.

    Its text is its key, as Dagster writes it: ``2026-11-27``, or ``2026-11-27-13:00``.
    """

    start: datetime
    grain: Grain = DAY

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.start != _floor(self.start, self.grain):
            raise ValueError(f"{self.start.isoformat()} is not the start of a UTC {self.grain}")

    def __str__(self) -> str:
        return self.start.strftime(_FORMAT[self.grain])

    def __contains__(self, moment: datetime) -> bool:
        return moment in self.window

    @classmethod
    def of(cls, moment: datetime, grain: Grain) -> Self:
        """Return the partition in which a moment lies."""
        return cls(_floor(moment.astimezone(UTC), grain), grain)

    @classmethod
    def of_day(cls, day: date) -> Self:
        """Return a whole UTC day."""
        return cls(datetime(day.year, day.month, day.day, tzinfo=UTC))

    @classmethod
    def at(cls, day: date, hour: int, grain: Grain) -> Self:
        """Return the partition to which an hour of a day belongs."""
        return cls.of(datetime(day.year, day.month, day.day, hour, tzinfo=UTC), grain)

    @classmethod
    def of_row(cls, day: date, hour: int | None) -> Self:
        """Return the partition of a row: an hour of a day, or the whole day for ``None``."""
        return cls.of_day(day) if hour is None else cls.at(day, hour, HOUR)

    @classmethod
    def parse(cls, key: str) -> Self:
        """Return the partition of a key. Raises ``ValueError`` that states the forms of a key."""
        for grain, form in _FORMAT.items():
            with suppress(ValueError):
                found = cls(datetime.strptime(key, form).replace(tzinfo=UTC), grain)
                if str(found) == key:
                    return found
        raise ValueError(
            f"{key[:40]!r} is not a partition; write a UTC day, such as 2026-11-27, or one of its "
            "hours, such as 2026-11-27-13:00"
        )

    @classmethod
    def split(cls, window: Window, grain: Grain) -> list[tuple[Self, Window]]:
        """Cut a window at the partitions' ends; return each piece with its partition, in order."""
        pieces: list[tuple[Self, Window]] = []
        since = window.since
        while since < window.until:
            partition = cls.of(since, grain)
            until = min(partition.end, window.until)
            pieces.append((partition, Window(since, until)))
            since = until
        return pieces

    @property
    def key(self) -> str:
        """Return the key, as Dagster writes it."""
        return str(self)

    @property
    def day(self) -> date:
        """Return its UTC day, or the one that it is an hour of."""
        return self.start.date()

    @property
    def hour(self) -> int | None:
        """Return which hour of its day it is; ``None`` if it is the whole day."""
        return self.start.hour if self.grain == HOUR else None

    @property
    def end(self) -> datetime:
        """Return the first moment after it."""
        return self.start + _LENGTH[self.grain]

    @property
    def window(self) -> Window:
        """Return all of its time."""
        return Window(self.start, self.end)

    def before(self, moment: datetime) -> Window:
        """Return its time up to a moment: the future can't be read."""
        return Window(self.start, max(self.start, min(self.end, moment)))

    def next(self) -> Self:
        """Return the partition that follows."""
        return type(self)(self.end, self.grain)

    def to(self, last: Self) -> list[Self]:
        """Return the partitions from this one to ``last``, inclusive."""
        found: list[Self] = []
        partition = self
        while partition <= last:
            found.append(partition)
            partition = partition.next()
        return found

    def by(self, grain: Grain) -> list[Self]:
        """Return the partitions of another grain over the same time: a day's hours, or the day."""
        found = [type(self).of(self.start, grain)]
        while found[-1].end < self.end:
            found.append(found[-1].next())
        return found


def _floor(moment: datetime, grain: Grain) -> datetime:
    start = moment.replace(minute=0, second=0, microsecond=0)
    return start if grain == HOUR else start.replace(hour=0)
