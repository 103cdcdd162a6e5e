"""A remote system's clock, learned from its responses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from resources.http.clock import AGREEING, SAMPLES, SourceClock

START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def respond(
    clock: SourceClock,
    ahead: timedelta,
    sent: datetime,
    took: timedelta = timedelta(milliseconds=80),
    **headers: str,
) -> None:
    """Let a system whose clock is ``ahead`` respond."""
    date = (sent + took / 2 + ahead).replace(microsecond=0)
    clock.observe({"date": format_datetime(date, usegmt=True)} | headers, sent, sent + took)


@pytest.mark.parametrize(
    "ahead",
    [timedelta(minutes=10), timedelta(minutes=-10), timedelta(seconds=7), timedelta(hours=-3)],
)
def test_the_offset_is_found_to_a_second(ahead: timedelta) -> None:
    """``Date`` has whole seconds; nine responses at different moments give the rest."""
    clock = SourceClock()
    for number in range(SAMPLES):
        respond(clock, ahead, START + timedelta(milliseconds=730 * number))
    assert abs(clock.offset() - ahead) < timedelta(seconds=1)
    assert abs(clock.now() - (datetime.now(UTC) + ahead)) < timedelta(seconds=1.5)


def test_one_response_is_enough_at_the_start() -> None:
    """A run's first page gives the clock by which its watermark is cut."""
    clock = SourceClock()
    respond(clock, timedelta(minutes=-10), START)
    assert abs(clock.offset() + timedelta(minutes=10)) <= timedelta(seconds=1)


def test_clocks_that_agree_are_one_clock() -> None:
    """Rounding and the network's time make no difference, so windows stay as they are."""
    clock = SourceClock()
    for number in range(20):
        respond(
            clock,
            timedelta(milliseconds=-400),
            START + timedelta(milliseconds=370 * number),
            timedelta(milliseconds=900),
        )
    assert clock.offset() == timedelta(0)


def test_an_outlier_changes_nothing() -> None:
    """A proxy with a clock of its own answers now and then."""
    clock = SourceClock()
    for number in range(SAMPLES):
        respond(
            clock,
            timedelta(days=3) if number % 4 == 1 else timedelta(0),
            START + timedelta(seconds=number),
        )
    assert clock.offset() == timedelta(0)


def test_a_clock_that_was_set_is_followed() -> None:
    """After a few answers the new time counts."""
    clock = SourceClock()
    for number in range(SAMPLES):
        respond(clock, timedelta(minutes=10), START + timedelta(seconds=number))
    for number in range(AGREEING):
        assert clock.offset() > timedelta(minutes=9)
        respond(clock, timedelta(0), START + timedelta(minutes=1, seconds=number))
    assert clock.offset() == timedelta(0)


def test_useless_answers_are_left_out() -> None:
    """Without a readable date, from a cache or slow: our own clock stays in use."""
    clock = SourceClock()
    hour = timedelta(hours=1)
    clock.observe({}, START, START)
    clock.observe({"date": "soon"}, START, START)
    respond(clock, hour, START, age="120")
    respond(clock, hour, START, timedelta(seconds=20))
    respond(clock, hour, START, timedelta(seconds=-1))
    assert clock.offset() == timedelta(0)
