"""Windows cover exactly what they were cut from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.records.inventory import StoreItem
from domain.records.orders import DeliveryMethod, FulfilmentGroup
from domain.records.record import InvalidRecord, to_utc
from domain.values import DAY, GRAINS, Grain, Partition, Window, doubled, is_of_this_era

# The zone is given apart.
FIRST, LAST = datetime(2020, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001
moments = st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC))
spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=40))
grains = st.sampled_from(GRAINS)
windows = st.builds(lambda since, span: Window(since, since + span), moments, spans)


def _covers(whole: Window, pieces: list[Window]) -> bool:
    return (
        pieces[0].since == whole.since
        and pieces[-1].until == whole.until
        and all(a.until == b.since for a, b in pairwise(pieces))
    )


@given(windows, st.integers(-2, 50))
def test_split_windows_adjoin_and_cover_the_whole(window: Window, parts: int) -> None:
    """No moment is in two parts or in none, and there are at most as many parts as asked for."""
    pieces = window.split(parts)
    assert _covers(window, pieces)
    assert 1 <= len(pieces) <= max(parts, 1)
    assert all(
        (piece.since - window.since) % timedelta(seconds=1) == timedelta(0) for piece in pieces
    )


@given(windows, grains)
def test_partitions_adjoin_and_cover_the_whole(window: Window, grain: Grain) -> None:
    """Each piece lies within one partition and none is empty; an empty window has none."""
    found = Partition.split(window, grain)
    pieces = [piece for _, piece in found]
    if window.is_empty:
        assert pieces == []
        return
    assert _covers(window, pieces)
    assert all(
        not piece.is_empty and partition.start <= piece.since and piece.until <= partition.end
        for partition, piece in found
    )


@given(windows, moments, st.integers(1, 9))
def test_a_moment_is_in_exactly_one_piece(window: Window, moment: datetime, parts: int) -> None:
    """Half-open windows: what is in the whole is in one part, what is not is in none."""
    expected = 1 if moment in window else 0
    assert sum(moment in piece for piece in window.split(parts)) == expected
    assert sum(moment in piece for _, piece in Partition.split(window, DAY)) == expected


def test_a_window_is_half_open() -> None:
    """Its first moment is in it and its end is not."""
    window = Partition.of_day(datetime(2026, 3, 19, tzinfo=UTC).date()).window
    assert window.since in window
    assert window.until not in window
    assert window.until - timedelta(microseconds=1) in window


@pytest.mark.parametrize("shift", [-1, 0])
def test_a_window_needs_aware_times_in_order(shift: int) -> None:
    """A window that ends before it begins, or has no zone, is a fault of the caller."""
    since = datetime(2026, 3, 19, tzinfo=UTC)
    with pytest.raises(ValueError, match="before it begins" if shift else "aware"):
        Window(since, since + timedelta(hours=shift) if shift else since.replace(tzinfo=None))


@given(moments, st.integers(-14, 14))
def test_times_are_brought_to_utc_and_naive_ones_are_refused(moment: datetime, hours: int) -> None:
    """The same moment in another zone is the same value; without a zone it can't be placed."""
    read = to_utc(moment.astimezone(timezone(timedelta(hours=hours))))
    assert read == moment
    assert read.tzinfo is UTC
    with pytest.raises(InvalidRecord, match="without a zone"):
        to_utc(moment.replace(tzinfo=None))


@pytest.mark.parametrize("text", ["a\x00", "a\nb", "\x1b[2J", "\x85", "x" * 256])
def test_codes_hold_no_control_characters(text: str) -> None:
    """A zero byte in one of them would stop the load of all records of its chunk."""
    with pytest.raises(InvalidRecord):
        FulfilmentGroup(group_id=f"a{text}b", method=DeliveryMethod.SHIP)
    with pytest.raises(InvalidRecord):
        StoreItem(sku=f"a{text}b", parent_id="1", item_id=None, tracking="none")


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (26, False),
        (1989, False),
        (1990, True),
        (2026, True),
        (2100, True),
        (2101, False),
        (9999, False),
    ],
)
def test_an_order_is_not_of_another_century(year: int, expected: bool) -> None:
    """A year of two digits, or of a sentinel, is not a time of an order."""
    assert is_of_this_era(datetime(year, 1, 1, tzinfo=UTC)) is expected


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(-1, 10), (0, 10), (1, 10), (2, 20), (3, 40), (6, 300), (7, 300), (10**9, 300)],
)
def test_a_pause_doubles_with_each_further_failure_up_to_its_limit(
    failures: int, seconds: int
) -> None:
    """However often it failed: a number of failures must not overflow a span of time."""
    first, longest = timedelta(seconds=10), timedelta(minutes=5)
    assert doubled(first, failures, longest) == timedelta(seconds=seconds)


@given(moments, grains)
def test_a_partition_is_found_again_by_its_key(moment: datetime, grain: Grain) -> None:
    """The key is the one of Dagster, and states day and hour."""
    partition = Partition.of(moment, grain)
    assert moment in partition
    assert Partition.parse(partition.key) == partition
    assert partition.key == moment.strftime("%Y-%m-%d" if grain == DAY else "%Y-%m-%d-%H:00")
    assert partition.day == moment.date()
    assert partition.hour == (None if grain == DAY else moment.hour)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "2026-11-31",
        "2026-1-1",
        "2026-11-27-24:00",
        "2026-11-27-13:30",
        "2026-11-27T13",
        "x" * 99,
    ],
)
def test_another_text_is_no_partition(key: str) -> None:
    """The error shows the text, cut if it is long, and both forms of a key."""
    with pytest.raises(ValueError, match="2026-11-27-13:00") as caught:
        Partition.parse(key)
    assert repr(key[:40]) in str(caught.value)


@given(moments, grains)
def test_partitions_follow_each_other_without_a_gap(moment: datetime, grain: Grain) -> None:
    """The next one starts where one ends; a moment at the border is in the later one."""
    partition = Partition.of(moment, grain)
    following = partition.next()
    assert following.start == partition.end
    assert partition.end not in partition
    assert partition.end in following
    assert partition.to(following) == [partition, following]
    assert following.to(partition) == []


def test_a_days_hours_are_its_partitions_by_the_other_grain() -> None:
    """A day has 24 hours, and each of them lies in that day only."""
    day = Partition.parse("2026-03-29")
    hours = day.by("hour")
    assert [hour.hour for hour in hours] == list(range(24))
    assert (hours[0].start, hours[-1].end) == (day.start, day.end)
    assert {tuple(hour.by("day")) for hour in hours} == {(day,)}
    assert day.by("day") == [day]
    assert hours[3].by("hour") == [hours[3]]


def test_a_time_inside_a_day_starts_no_partition() -> None:
    """A partition of any other start would overlap two."""
    noon = datetime(2026, 3, 19, 12, tzinfo=UTC)
    with pytest.raises(ValueError, match="start of a UTC day"):
        Partition(noon)
    assert Partition(noon, "hour").hour == 12


def test_a_partition_is_read_up_to_the_present() -> None:
    """The future can't be read: of a partition that has not started, nothing."""
    day = Partition.parse("2026-03-19")
    noon = day.start + timedelta(hours=12)
    assert day.before(noon) == Window(day.start, noon)
    assert day.before(day.end + timedelta(days=1)) == day.window
    assert day.before(day.start - timedelta(days=1)).is_empty
