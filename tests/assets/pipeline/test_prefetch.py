"""Overlap within a step: order, bounds and errors of work that runs in a thread of its own."""

from __future__ import annotations

import gc
import threading

import pytest

from assets.pipeline.prefetch import ahead, behind, uncollected


def test_work_behind_the_caller_is_done_in_order_and_all_of_it() -> None:
    """Every piece is done, in order and in another thread, when the block ends."""
    done: list[tuple[int, bool]] = []
    here = threading.get_ident()
    with behind() as follow:
        for number in range(5):
            follow(lambda number=number: done.append((number, threading.get_ident() != here)))  # type: ignore[misc]
    assert done == [(number, True) for number in range(5)]


def test_an_error_behind_the_caller_stops_the_next_piece() -> None:
    """The error of one piece is raised where the next one is handed over, which is then not begun."""
    done: list[int] = []

    def fail() -> None:
        raise ValueError("disk full")

    def work() -> None:
        with behind() as follow:
            follow(fail)
            follow(lambda: done.append(1))

    with pytest.raises(ValueError, match="disk full"):
        work()
    assert done == []


def test_an_error_of_the_last_piece_is_not_lost() -> None:
    """The block's end raises it."""

    def fail() -> None:
        raise ValueError("disk full")

    with pytest.raises(ValueError, match="disk full"), behind() as follow:
        follow(fail)


def test_the_collector_rests_only_within_the_block() -> None:
    """It is back afterwards, also after an error, and a nested block does not bring it back early."""
    with uncollected():
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()

    def fail() -> None:
        with uncollected():
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert gc.isenabled()


def test_an_error_of_the_source_reaches_the_reader() -> None:
    """Items before the error come first."""

    def source() -> object:
        yield 1
        raise ValueError("cut off")

    items = ahead(source())  # type: ignore[arg-type]
    assert next(items) == 1
    with pytest.raises(ValueError, match="cut off"):
        next(items)
