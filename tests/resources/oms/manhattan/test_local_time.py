"""Stamps without a zone name the right moments when clocks change, and no window misses one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from resources.oms.manhattan.local_time import LocalTime

NEW_YORK = LocalTime(ZoneInfo("America/New_York"))
ADELAIDE = LocalTime(ZoneInfo("Australia/Adelaide"))
HALF_HOUR = LocalTime(ZoneInfo("Australia/Lord_Howe"))
BACK, FORWARD = datetime(2026, 11, 1, 6, tzinfo=UTC), datetime(2026, 3, 8, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)


def minutes(moment: datetime, number: float) -> datetime:
    """Return a moment so many minutes later."""
    return moment + timedelta(minutes=number)


@pytest.mark.parametrize(
    ("text", "present", "expected"),
    [
        ("2026-11-01T01:50:00", minutes(BACK, -9), minutes(BACK, -10)),  # read in the first hour
        ("2026-11-01T01:20:00", minutes(BACK, 21), minutes(BACK, 20)),  # and in the second one
        ("2026-11-01T01:50:00", minutes(BACK, 21), minutes(BACK, -10)),  # would be in the future
        ("2026-11-01T01:50:00", minutes(BACK, 900), minutes(BACK, 50)),
        ("2026-11-01T02:10:00", minutes(BACK, 90), minutes(BACK, 70)),
        ("2026-03-08T01:50:00", minutes(FORWARD, 1), minutes(FORWARD, -10)),
        ("2026-03-08T02:10:00", minutes(FORWARD, 11), minutes(FORWARD, 10)),  # does not exist
        ("2026-03-08T03:20:00", minutes(FORWARD, 21), minutes(FORWARD, 20)),
        ("2026-11-01T01:20:00Z", minutes(BACK, 21), datetime(2026, 11, 1, 1, 20, tzinfo=UTC)),
    ],
)
def test_a_stamp_is_the_latest_moment_that_is_not_in_the_future(
    text: str, present: datetime, expected: datetime
) -> None:
    """Also in the hour that comes twice, in the one that is left out, and with a zone."""
    assert NEW_YORK.moment(text, present) == expected


def test_a_later_version_is_never_taken_for_an_older_one() -> None:
    """A change every seven minutes, each read a minute later: the moments only grow."""
    for zone, change in ((NEW_YORK, BACK), (NEW_YORK, FORWARD), (HALF_HOUR, howe())):
        moments = [
            zone.moment(zone.stamp(moment).isoformat(), minutes(moment, 1))
            for moment in (minutes(change, number) for number in range(-180, 180, 7))
        ]
        assert moments == sorted(set(moments))
        assert moments == [minutes(change, number) for number in range(-180, 180, 7)]


def howe() -> datetime:
    """Return when the clocks of Lord Howe Island go back, by half an hour."""
    return datetime(2026, 4, 4, 15, tzinfo=UTC)


ADELAIDE_BACK = datetime(2026, 4, 4, 16, 30, tzinfo=UTC)
CHANGES = [
    (NEW_YORK, BACK), (NEW_YORK, FORWARD), (ADELAIDE, ADELAIDE_BACK), (HALF_HOUR, howe()),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@pytest.mark.parametrize("length", [7.0, 60.0, 400.0])
def test_a_window_asks_for_all_stamps_that_its_moments_have(
    zone: LocalTime, change: datetime, length: float
) -> None:
    """Windows of minutes and of hours, before, over and after the change."""
    for start in range(-200, 200, 13):
        since, until = minutes(change, start), minutes(change, start + length)
        lowest, highest = zone.lowest(since, until), zone.highest(since, until)
        moment = since
        while moment < until:
            assert lowest <= zone.stamp(moment) < highest
            moment = minutes(moment, 1)


def test_a_window_after_a_change_forward_asks_for_stamps_that_do_not_exist() -> None:
    """A system that writes 02:10 all the same means ten minutes after the change."""
    lowest = NEW_YORK.lowest(minutes(FORWARD, 5), minutes(FORWARD, 20))
    assert lowest <= datetime(2026, 3, 8, 2, 5)  # noqa: DTZ001 - a stamp
    assert NEW_YORK.lowest(minutes(FORWARD, 61), minutes(FORWARD, 70)) == NEW_YORK.stamp(
        minutes(FORWARD, 61)
    )


@pytest.mark.parametrize(
    "day", [datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC)]
)
def test_on_other_days_nothing_is_widened(day: datetime) -> None:
    """A window of an hour is asked for as an hour."""
    since, until = minutes(day, 600), minutes(day, 660)
    assert NEW_YORK.highest(since, until) - NEW_YORK.lowest(since, until) == HOUR
    assert not NEW_YORK.is_repeating(since)
