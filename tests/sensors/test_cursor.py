"""The sensor's decisions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.values import DAY, Partition, Window
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
    pieces = cursor.split(ORDERS, window, window.since, DAY)
    assert pieces[0].window.since == window.since
    assert pieces[-1].window.until == window.until
    assert all(a.window.until == b.window.since for a, b in pairwise(pieces))
    assert all(
        p.partition.start <= p.window.since and p.window.until <= p.partition.end for p in pieces
    )


def test_overlap_alone_asks_for_no_run_of_yesterday() -> None:
    """After midnight the overlap reaches into yesterday, which the closing sweep covers."""
    midnight = datetime(2026, 3, 10, tzinfo=UTC)
    window = Window(midnight - timedelta(minutes=2), midnight + timedelta(minutes=1))
    assert [due.partition for due in cursor.split(ORDERS, window, midnight, DAY)] == [
        Partition.of_day(midnight.date())
    ]
    assert len(cursor.split(ORDERS, window, midnight - timedelta(seconds=1), DAY)) == 2


def test_one_run_takes_all_chains_of_a_partition_oldest_first() -> None:
    """Two chains that changed share a run; an older partition comes first."""
    day, before = (Partition.of_day(date(2026, 3, n)) for n in (10, 9))
    a, b, c = (
        Due(chain, d, d.window) for chain, d in ((ORDERS, day), (STOCK, day), (ORDERS, before))
    )
    assert cursor.by_partition([a, b, c]) == {before: [c], day: [b, a]}


def test_a_chain_with_a_failed_window_is_probed_when_its_pause_is_over() -> None:
    """Whatever its interval: orders with webhooks are polled hourly, and must not wait for that."""
    chains = [(ORDERS, timedelta(hours=1))]
    ago = {seconds: NOW - timedelta(seconds=seconds) for seconds in (5, 10, 20)}

    def is_probed(probed: datetime, *retries: datetime) -> bool:
        retry = {str(ORDERS): retries}
        return bool(cursor.chains_to_probe(chains, {str(ORDERS): probed}, [], NOW, retry))

    assert is_probed(ago[20], ago[10])
    assert is_probed(ago[20], NOW + timedelta(minutes=1), ago[10])
    assert not is_probed(ago[20], NOW + timedelta(seconds=1))
    assert not is_probed(ago[5], ago[10]), "probed since: nothing is due once more"


def _days(*hours: tuple[int, int]) -> list[Due]:
    """Return a window of each day from the 10th, by its hours."""
    start = datetime(2026, 3, 10, tzinfo=UTC)
    return [
        Due(
            ORDERS,
            Partition.of(start + timedelta(days=n), DAY),
            Window(start + timedelta(days=n, hours=a), start + timedelta(days=n, hours=b)),
        )
        for n, (a, b) in enumerate(hours)
    ]


def test_what_was_captured_ahead_of_a_failing_day_is_left_out() -> None:
    """The failing day always, a finished one not again, the current one from where it was read."""
    failing, finished, gap, present = _days((8, 24), (0, 24), (0, 24), (0, 12))
    captured = {
        finished.partition.day: [finished.window],
        gap.partition.day: [_days((0, 24), (0, 24), (6, 24))[2].window],
        present.partition.day: [
            Window(present.window.since, present.window.since + timedelta(hours=h)) for h in (1, 5)
        ],
    }
    overlap = timedelta(minutes=2)
    left = cursor.uncaptured([failing, finished, gap, present], captured, overlap)
    rest = Window(present.window.since + timedelta(hours=5) - overlap, present.window.until)
    assert left == [failing, gap, Due(ORDERS, present.partition, rest)]
    assert cursor.uncaptured([failing], {failing.partition.day: [failing.window]}, overlap) == [
        failing
    ]


@given(st.integers(1, 40), st.integers(0, 40))
def test_every_failing_window_has_its_turn(days: int, rounds: int) -> None:
    """However many keep failing: none waits longer than one round of all of them."""
    due = _days(*[(0, 24)] * days)
    tried: dict[tuple[str, Partition], datetime] = {}
    last = dict.fromkeys([item.partition for item in due], -1)
    for number in range(rounds):
        chosen = cursor.longest_waiting(due, tried)
        assert len(chosen) == min(days, cursor.MOST_PIECES)
        for item in chosen:
            tried[(str(item.chain), item.partition)] = NOW + timedelta(seconds=number)
            last[item.partition] = number
        assert number - min(last.values()) <= -(-days // cursor.MOST_PIECES)


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
