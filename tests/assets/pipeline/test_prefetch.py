"""Overlap within a step: order, bounds and errors of jobs in another thread."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from functools import partial

import pytest

from assets.pipeline.capture import QUIET_PAGES, _chunks
from assets.pipeline.prefetch import (
    CALLS_PER_COLLECTION,
    MOST_OBJECTS,
    gc_paused,
    prefetch,
    write_behind,
)
from domain.sources import Page


def test_jobs_behind_the_caller_run_in_order_and_all_of_them() -> None:
    """Every job has run, in order and in another thread, when the block ends."""
    done: list[tuple[int, bool]] = []
    here = threading.get_ident()

    def note(number: int) -> None:
        done.append((number, threading.get_ident() != here))

    with write_behind() as submit:
        for number in range(5):
            submit(partial(note, number))
    assert done == [(number, True) for number in range(5)]


def test_an_error_behind_the_caller_stops_the_next_job() -> None:
    """A job's error is raised when the next job is submitted, which then does not run."""
    done: list[int] = []

    def fail() -> None:
        raise ValueError("disk full")

    def work() -> None:
        with write_behind() as submit:
            submit(fail)
            submit(lambda: done.append(1))

    with pytest.raises(ValueError, match="disk full"):
        work()
    assert done == []


def test_an_error_of_the_last_job_is_not_lost() -> None:
    """The block's end raises it."""

    def fail() -> None:
        raise ValueError("disk full")

    with pytest.raises(ValueError, match="disk full"), write_behind() as submit:
        submit(fail)


def test_the_collector_is_paused_only_within_the_block() -> None:
    """It runs again afterwards, also after an error; a nested block does not enable it early."""
    with gc_paused():
        with gc_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()

    def fail() -> None:
        with gc_paused():
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert gc.isenabled()


def test_garbage_is_collected_while_the_collector_is_paused() -> None:
    """Memory stays bounded, however many chunks a step has: also what lived for some of them."""

    class Knot:
        def __init__(self) -> None:
            self.itself = self

    def collect_often() -> None:
        for _ in range(CALLS_PER_COLLECTION):
            collect()

    with gc_paused() as collect:
        young, lived = weakref.ref(Knot()), Knot()
        old = weakref.ref(lived)
        assert young() is not None
        collect_often()
        assert young() is None
        del lived
        assert old() is not None
        collect_often()
        assert old() is None


def test_much_garbage_is_collected_at_once() -> None:
    """A chunk whose records were left in cycles does not wait for the next ones."""
    with gc_paused() as collect:
        collect()
        knots: list[list[object]] = [[] for _ in range(MOST_OBJECTS + 1_000)]
        for knot in knots:
            knot.append(knot)
        left = gc.get_count()[0]
        assert left > MOST_OBJECTS
        del knots, knot
        collect()
        assert gc.get_count()[0] < left / 2


def test_what_a_chunk_leaves_alive_is_not_traversed() -> None:
    """Records that only live on cost no collection; finding nothing in them took 3 % of a step."""
    runs: list[str] = []

    def count(phase: str, _: object) -> None:
        runs.append(phase)

    with gc_paused() as collect:
        alive = [[n] for n in range(MOST_OBJECTS // 4)]
        gc.callbacks.append(count)
        for _ in range(CALLS_PER_COLLECTION - 1):
            collect()
        gc.callbacks.remove(count)
        assert len(alive) > 0
    assert runs == []


def test_an_error_of_the_source_reaches_the_reader() -> None:
    """Items before the error come first."""

    def source() -> object:
        yield 1
        raise ValueError("cut off")

    items = prefetch(source())  # type: ignore[arg-type]
    assert next(items) == 1
    with pytest.raises(ValueError, match="cut off"):
        next(items)


def test_what_pages_without_changes_leave_behind_is_collected() -> None:
    """A large catalog in which nothing has changed makes no chunk, and may be read for minutes."""

    class Cycle:
        """Garbage that only the collector frees."""

        def __init__(self) -> None:
            self.own = self

    alive: weakref.WeakSet[Cycle] = weakref.WeakSet()
    most = 0

    def pages() -> Iterator[Page]:
        nonlocal most
        for _ in range(3 * CALLS_PER_COLLECTION * QUIET_PAGES):
            alive.add(Cycle())
            most = max(most, len(alive))
            yield Page([])

    with gc_paused() as collect:
        assert list(_chunks(pages(), collect)) == []
    assert most <= QUIET_PAGES * CALLS_PER_COLLECTION + 1
