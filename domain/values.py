"""Values that every canonical model is made of: money, quantities, SKUs, aware UTC times and half-open windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

_NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*$"
Sku = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=_NO_CONTROLS),
]
Key = Annotated[str, StringConstraints(max_length=255, pattern=_NO_CONTROLS)]
"""An id or code: text without control characters, since tables, addresses and logs carry it."""
Uom = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,15}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=18, decimal_places=4)]
"""Money in a currency's major unit; the currency stands on the enclosing model. Never float."""
Quantity = Annotated[Decimal, Field(allow_inf_nan=False, ge=0, max_digits=15, decimal_places=4)]
PositiveQuantity = Annotated[
    Decimal, Field(allow_inf_nan=False, gt=0, max_digits=15, decimal_places=4)
]


FIRST_YEAR, LAST_YEAR = 1990, 2100


def is_of_this_era(moment: datetime) -> bool:
    """Tell whether a time can be that of a web shop's order; a year outside is a slip of whoever wrote it."""
    return FIRST_YEAR <= moment.year <= LAST_YEAR


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time without a zone can't be placed; give an offset or Z")
    return value.astimezone(UTC)


UtcDatetime = Annotated[datetime, AfterValidator(_in_utc)]


class Frozen(BaseModel):
    """Base of the canonical models: immutable, and closed to fields that nobody declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
                f"a window ends before it begins: {self.since.isoformat()} to {self.until.isoformat()}"
            )

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until

    @property
    def is_empty(self) -> bool:
        """True when no moment lies in the window."""
        return self.since == self.until

    def split(self, parts: int) -> list[Self]:
        """Cut the window into at most ``parts`` adjoining windows of whole seconds, so that they can be read side by side."""
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
