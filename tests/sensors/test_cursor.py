"""The sensor's decisions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.values import Window
from sensors import cursor
from sensors.cursor import Chain, Due

NOW = datetime(2026, 3, 10, 12, 0, 30, 250_000, tzinfo=UTC)
ORDERS, STOCK = Chain("acme", "orders"), Chain("acme", "inventory")
FIRST, LAST = datetime(2020, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001 - naive for hypothesis
moments = st.datetimes(FIRST, LAST).map(lambda moment: moment.replace(tzinfo=UTC))


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}/orders", fullmatch=True), moments, max_size=5))
def test_a_cursor_reads_as_it_was_written(probed: dict[str, datetime]) -> None:
    """What a tick remembers, the next one knows."""
    assert cursor.parse(cursor.dump(probed)) == probed


@given(st.text())
def test_an_unreadable_cursor_counts_as_empty(text: str) -> None:
    """A damaged cursor costs a probe, never the sensor."""
    assert isinstance(cursor.parse(text), dict)


def test_a_chain_is_probed_when_its_interval_has_passed_and_no_run_covers_it() -> None:
    """Busy chains wait: their next window is the union."""
    chains = [(ORDERS, timedelta(seconds=5)), (STOCK, timedelta(seconds=60))]
    probed = {
        "acme/orders": NOW - timedelta(seconds=6),
        "acme/inventory": NOW - timedelta(seconds=6),
    }
    assert cursor.chains_to_probe(chains, probed, [], NOW) == [ORDERS]
    assert cursor.chains_to_probe(chains, probed, ["acme/orders"], NOW) == []
    assert cursor.chains_to_probe(chains, {}, [], NOW) == [ORDERS, STOCK]


def test_the_present_second_is_left_for_the_next_tick() -> None:
    """A change of the current second waits, since more records may still get that time."""
    watermark = NOW - timedelta(minutes=1)
    assert cursor.window_due(NOW.replace(microsecond=0), watermark, timedelta(0), NOW) is None
    due = cursor.window_due(
        NOW.replace(microsecond=0) - timedelta(seconds=1), watermark, timedelta(seconds=10), NOW
    )
    assert due == Window(watermark - timedelta(seconds=10), NOW.replace(microsecond=0))


@given(moments, st.integers(0, 86_400 * 30), st.integers(0, 3600), st.integers(0, 86_400 * 30))
def test_a_due_window_adjoins_the_watermark_and_holds_no_future(
    now: datetime, behind: int, overlap: int, change: int
) -> None:
    """Nothing between watermark and the window's start is left out, and nothing of the future."""
    watermark = now - timedelta(seconds=behind)
    changed = watermark + timedelta(seconds=min(change, behind))
    window = cursor.window_due(changed, watermark, timedelta(seconds=overlap), now)
    if window is None:
        assert changed >= now.replace(microsecond=0)
        return
    assert window.since <= watermark <= window.until
    assert window.until <= max(now, watermark)
    assert window.until - watermark <= cursor.LONGEST_CATCH_UP


@given(moments, st.integers(1, 86_400 * 4))
def test_windows_are_split_at_the_ends_of_partitions_without_a_gap(
    since: datetime, seconds: int
) -> None:
    """Each piece lies in one partition, and the pieces adjoin."""
    window = Window(since, since + timedelta(seconds=seconds))
    pieces = cursor.split(ORDERS, window, window.since)
    assert pieces[0].window.since == window.since
    assert pieces[-1].window.until == window.until
    assert all(a.window.until == b.window.since for a, b in pairwise(pieces))
    assert all(
        Window.of_day(p.day).since <= p.window.since
        and p.window.until <= Window.of_day(p.day).until
        for p in pieces
    )


def test_overlap_alone_asks_for_no_run_of_yesterday() -> None:
    """After midnight the overlap reaches into yesterday, which the closing sweep covers."""
    midnight = datetime(2026, 3, 10, tzinfo=UTC)
    window = Window(midnight - timedelta(minutes=2), midnight + timedelta(minutes=1))
    assert [due.day for due in cursor.split(ORDERS, window, midnight)] == [midnight.date()]
    assert len(cursor.split(ORDERS, window, midnight - timedelta(seconds=1))) == 2


def test_one_run_takes_all_chains_of_a_partition_oldest_first() -> None:
    """Two chains that changed share a run; an older partition comes first."""
    day, before = date(2026, 3, 10), date(2026, 3, 9)
    a, b, c = (
        Due(chain, d, Window.of_day(d))
        for chain, d in ((ORDERS, day), (STOCK, day), (ORDERS, before))
    )
    assert cursor.by_partition([a, b, c]) == {before: [c], day: [b, a]}


def test_a_run_key_changes_with_its_windows() -> None:
    """Dagster never runs a key twice, so a later window needs another."""
    first = Due(ORDERS, date(2026, 3, 10), Window(NOW - timedelta(seconds=9), NOW))
    later = Due(
        ORDERS, date(2026, 3, 10), Window(NOW - timedelta(seconds=9), NOW + timedelta(seconds=1))
    )
    assert cursor.run_key("acme", first.day, [first]) == cursor.run_key("acme", first.day, [first])
    assert cursor.run_key("acme", first.day, [first]) != cursor.run_key("acme", first.day, [later])


def test_failing_runs_are_asked_for_less_and_less_often() -> None:
    """A source that is down must not be met with a run process every few seconds."""
    pauses = [cursor.pause_after(n) for n in range(12)]
    assert pauses[0] == timedelta(0)
    assert pauses == sorted(pauses)
    assert pauses[-1] == cursor.LONGEST_PAUSE


def test_a_hint_makes_a_chain_due_at_once_and_then_less_and_less_often() -> None:
    """The newest webhook triggers a probe; while its change does not show, probes become rarer."""
    hour = timedelta(hours=1)

    def interval(hint: float | None, probe: float | None) -> timedelta:
        hinted = None if hint is None else NOW - timedelta(seconds=hint)
        probed = None if probe is None else NOW - timedelta(seconds=probe)
        return cursor.hinted_interval(hour, hinted, probed, NOW)

    assert interval(None, 5) == hour
    assert interval(3, None) == interval(3, 5) == timedelta(0)
    assert interval(1, 0.5) == timedelta(seconds=1)
    assert interval(10, 2) == timedelta(seconds=5)
    assert interval(86_400, 1) == hour
    moment, probes = 0.0, 0
    while moment < cursor.HINT_PATIENCE.total_seconds():
        probes, moment = probes + 1, moment + max(1.0, moment / 2)
    assert probes <= 10
