"""Time stamps without a zone, where clocks change twice a year. Pure.

When clocks go back, an hour of stamps comes twice: a stamp of it names two moments, and a later
moment may have the smaller stamp. So a window of time is asked for by all stamps that its moments
may have, and a stamp is taken for the latest moment that is not in the future. That never takes a
newer version for an older one: an order that is read with a stamp has not changed since then.
When clocks go forward, an hour of stamps does not exist; a system that writes them anyway
means the moments after the change, by the old offset.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from resources.oms.manhattan.parsing import to_moment

SAME_MOMENT = timedelta(seconds=5)
"""So much may the source's clock be ahead of what is known of it."""
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
LONGEST_CHANGE = timedelta(hours=3)


class Change(NamedTuple):
    """A change of clocks."""

    moment: datetime
    before: timedelta
    """The offset from UTC before it, and after it."""
    after: timedelta


class LocalTime:
    """The stamps of one zone."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def moment(self, text: str, present: datetime) -> datetime:
        """Return the moment of a stamp that was read at ``present``. Raises ``ValueError``."""
        first = to_moment(text, self._zone)
        stamp = datetime.fromisoformat(text)
        if stamp.tzinfo is not None:
            return first
        second = stamp.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
        return second if first < second <= present + SAME_MOMENT else first

    def lowest(self, since: datetime, until: datetime) -> datetime:
        """Return the smallest stamp that a moment from ``since`` on, before ``until``, may have."""
        stamps = [self.stamp(since)]
        for change in self._changes(since - LONGEST_CHANGE, until):
            if change.after < change.before:
                if change.moment > since:
                    stamps.append(_local(change.moment, change.after))
            elif since < change.moment + (change.after - change.before):
                stamps.append(_local(max(since, change.moment), change.before))
        return min(stamps)

    def highest(self, since: datetime, until: datetime) -> datetime:
        """Return a stamp that is above those of all moments from ``since`` on before ``until``."""
        ends = [
            _local(change.moment, change.before)
            for change in self._changes(since, until)
            if change.after < change.before
        ]
        return max([self.stamp(until), *ends])

    def is_repeating(self, present: datetime) -> bool:
        """Return whether the hour of ``present`` is one that comes for the second time."""
        return present.astimezone(self._zone).fold == 1

    def after(self, present: datetime) -> datetime:
        """Return the stamp above which nothing can have been written yet since clocks went back."""
        return self.stamp(present + SAME_MOMENT)

    def stamp(self, moment: datetime) -> datetime:
        """Return the stamp of a moment."""
        return moment.astimezone(self._zone).replace(tzinfo=None)

    def _offset(self, moment: datetime) -> timedelta:
        return moment.astimezone(self._zone).utcoffset() or timedelta(0)

    def _changes(self, since: datetime, until: datetime) -> Iterator[Change]:
        """Yield the changes after ``since``, up to ``until``; there are months between two."""
        start = since
        while start < until:
            end = min(start + DAY, until)
            before, after = self._offset(start), self._offset(end)
            if before != after:
                yield Change(self._found(start, end, before), before, after)
            start = end

    def _found(self, start: datetime, end: datetime, before: timedelta) -> datetime:
        """Return the first second with another offset than ``before``."""
        low, high = start, end
        while high - low > SECOND / 2:
            middle = low + (high - low) / 2
            if self._offset(middle) == before:
                low = middle
            else:
                high = middle
        return (high + SECOND / 2).replace(microsecond=0)


def _local(moment: datetime, offset: timedelta) -> datetime:
    return (moment.astimezone(UTC) + offset).replace(tzinfo=None)
