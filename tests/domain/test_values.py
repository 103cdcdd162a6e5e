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
from domain.values import Window, doubled, is_of_this_era

# The zone is given apart.
FIRST, LAST = datetime(2020, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001
moments = st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC))
spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=40))
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


@given(windows)
def test_days_adjoin_and_cover_the_whole(window: Window) -> None:
    """Each piece lies within one UTC day and none is empty; an empty window has none."""
    pieces = window.by_day()
    if window.is_empty:
        assert pieces == []
        return
    assert _covers(window, pieces)
    assert all(
        not piece.is_empty and piece.until <= Window.of_day(piece.since.date()).until
        for piece in pieces
    )


@given(windows, moments, st.integers(1, 9))
def test_a_moment_is_in_exactly_one_piece(window: Window, moment: datetime, parts: int) -> None:
    """Half-open windows: what is in the whole is in one part, what is not is in none."""
    expected = 1 if moment in window else 0
    assert sum(moment in piece for piece in window.split(parts)) == expected
    assert sum(moment in piece for piece in window.by_day()) == expected


def test_a_window_is_half_open() -> None:
    """Its first moment is in it and its end is not."""
    window = Window.of_day(datetime(2026, 3, 19, tzinfo=UTC).date())
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
        StoreItem(sku=f"a{text}b", product_id="1", variant_id=None, tracking="none")


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
    """A year of two digits, or of a sentinel, is no time of an order."""
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
