"""Reading by both ports: complete half-open windows, each version once, the exact bytes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from domain.exchange import Mapped, RawRecord
from domain.records.record import encode_record
from domain.values import Window
from tests.conformance.mutations import mutations, refusal
from tests.conformance.systems import DAY, Simulated

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)


def read(system: Simulated, window: Window, *, small_pages: bool = True) -> list[RawRecord]:
    """Return every record of a window."""
    connector = system.open(small_pages=small_pages)
    return [record for page in system.fetch(connector, window) for record in page]


def test_a_window_includes_its_start_and_not_its_end(system: Simulated) -> None:
    """A record at the window's end belongs to the next window, and none to two."""
    step = system.resolution
    first, last, after = system.place([DAY, DAY + HOUR - step, DAY + HOUR])
    assert {record.source_id for record in read(system, Window(DAY, DAY + HOUR))} == {first, last}
    assert [record.source_id for record in read(system, Window(DAY + HOUR, DAY + 2 * HOUR))] == [
        after
    ]
    assert read(system, Window(DAY + step, DAY + HOUR - step)) == []
    assert read(system, Window(DAY, DAY)) == []


def test_times_are_those_of_the_source(system: Simulated) -> None:
    """They are aware, in UTC, at the source's own resolution."""
    [placed] = system.place([DAY + 7 * system.resolution])
    [record] = read(system, Window(DAY, DAY + HOUR))
    assert (record.source_id, record.updated_at) == (placed, DAY + 7 * system.resolution)
    assert record.updated_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_windows_end_by_the_clock_of_the_source(system: Simulated, minutes: int) -> None:
    """It is learned from any response; the records' times are those of the same clock."""
    ahead = timedelta(minutes=minutes)
    [placed] = system.place([DAY])
    system.set_clock(ahead)
    connector = system.open()
    list(system.fetch(connector, Window(DAY, DAY + HOUR)))
    assert abs(connector.clock() - datetime.now(UTC) - ahead) < timedelta(seconds=5)
    system.touch(placed)
    present = Window(connector.clock() - HOUR, connector.clock() + timedelta(seconds=5))
    assert placed in {row.source_id for page in system.fetch(connector, present) for row in page}


@pytest.mark.no_cover
def test_a_thousand_records_of_the_same_time_are_all_read_once(system: Simulated) -> None:
    """Bulk imports give thousands of records the same time, over several pages."""
    placed = system.place([DAY + HOUR] * 1000)
    records = read(system, Window(DAY, DAY + 2 * HOUR), small_pages=False)
    assert Counter(record.source_id for record in records) == Counter(placed)


def test_records_that_move_while_they_are_read_are_not_lost(system: Simulated) -> None:
    """Records that stay in the window are read once.

    Those that are changed meanwhile are in this window or in the later one.
    """
    placed = system.place([DAY + n * timedelta(minutes=1) for n in range(60)])
    touched = placed[::4]
    connector = system.open(small_pages=True)
    queue, seen = list(touched), Counter[str]()
    for page in system.fetch(connector, Window(DAY, DAY + 2 * HOUR)):
        seen.update(record.source_id for record in page)
        for end in (
            (0, -1, 0, -1) if len(queue) > 3 else ()
        ):  # what was read, and what is still to come
            system.touch(queue.pop(end))
    for source_id in queue:
        system.touch(source_id)
    assert max(seen.values()) == 1
    assert set(placed) - set(touched) <= set(seen)
    later = Counter(
        record.source_id
        for record in read(system, Window(DAY + 2 * HOUR, datetime.now(UTC) + HOUR))
    )
    assert later == Counter(touched)


def test_a_payload_is_the_exact_bytes_that_the_system_sent(system: Simulated) -> None:
    """Nothing is parsed and serialised again on the way to the ledger."""
    system.place([DAY, DAY + HOUR])
    system.exchanges.clear()
    records = read(system, Window(DAY, DAY + 2 * HOUR))
    assert len(records) == 2
    assert all(record.payload in system.served() for record in records)


def test_the_probe_finds_a_change_at_its_time_and_none_before(system: Simulated) -> None:
    """A change at ``since`` is not missed, and one before it is not reported again."""
    connector = system.open()
    assert system.probe(connector, DAY) is None
    system.place([DAY + HOUR, DAY + 2 * HOUR])
    assert system.probe(connector, DAY) == DAY + HOUR
    assert system.probe(connector, DAY + HOUR) == DAY + HOUR
    assert system.probe(connector, DAY + HOUR + system.resolution) == DAY + 2 * HOUR
    assert system.probe(connector, DAY + 2 * HOUR + system.resolution) is None


def test_the_probe_is_one_call(system: Simulated) -> None:
    """Sensors ask often."""
    system.place([DAY])
    connector = system.open()
    system.probe(connector, DAY)
    system.exchanges.clear()
    system.probe(connector, DAY)
    assert len(system.exchanges) == 1


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", range(4))
def test_a_corrupted_payload_is_a_rejection_and_no_crash(system: Simulated, seed: int) -> None:
    """Mapping it returns a record or a skip, or raises a rejection with its reason."""
    system.place([DAY])
    connector = system.open()
    [record] = read(system, Window(DAY, DAY + HOUR))
    assert isinstance(system.to_canonical(connector, record.payload), Mapped)
    for payload in mutations(record.payload, 250, seed):
        problems = refusal(lambda corrupted: system.to_canonical(connector, corrupted), payload)
        assert all(problem.code and problem.message and problem.advice for problem in problems)


def test_mapping_the_same_payload_twice_gives_the_same_record(system: Simulated) -> None:
    """Mapping is pure: the digest of its result decides whether anything is sent."""
    system.place([DAY])
    [record] = read(system, Window(DAY, DAY + HOUR))
    first, second = (system.to_canonical(system.open(), record.payload) for _ in range(2))
    assert isinstance(first, Mapped)
    assert isinstance(second, Mapped)
    assert encode_record(first.record) == encode_record(second.record)
