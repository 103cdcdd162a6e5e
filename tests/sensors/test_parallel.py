"""Calls side by side: one that fails or hangs hides no other."""

from __future__ import annotations

import threading
import time

from sensors.parallel import side_by_side


def test_a_call_that_fails_and_one_that_hangs_hide_no_other() -> None:
    """Each is named for its outcome, and nothing waits for the one that hangs."""
    released = threading.Event()

    def fail() -> int:
        raise ValueError("refused")

    calls = {"good": lambda: 1, "bad": fail, "hanging": lambda: int(released.wait(30))}
    started = time.monotonic()
    answers = side_by_side(calls, at_once=3, seconds=0.3, name="test")
    released.set()
    assert time.monotonic() - started < 20
    assert answers.results == {"good": 1}
    assert {key: str(error) for key, error in answers.errors.items()} == {"bad": "refused"}
    assert answers.late == ["hanging"]


def test_no_calls_start_no_thread() -> None:
    """The common case of a tick."""
    assert side_by_side({}, at_once=8, seconds=1, name="test") == ({}, {}, [])
