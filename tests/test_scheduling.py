"""Tests of the order of tests, and of the wait for midnight."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests import scheduling
from tests.scheduling import ByFile


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("tests/a/test_b.py::test_c", "tests/a/test_b.py"),
        ("tests/a/test_b.py::test_c[jane@example.com]", "tests/a/test_b.py"),
        ("tests/a/test_b.py::test_c@systems", "systems"),
    ],
)
def test_a_worker_gets_a_whole_file_and_one_worker_all_systems(nodeid: str, scope: str) -> None:
    """Fixtures of a module are made once, and no two systems run at the same time."""
    assert ByFile.__new__(ByFile)._split_scope(nodeid) == scope


@pytest.mark.parametrize(
    ("now", "waits"), [("23:59:30", 0), ("23:59:50", 11), ("00:00:00", 0), ("12:00:00", 0)]
)
def test_a_test_that_could_run_over_midnight_waits_for_it(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, now: str, waits: int
) -> None:
    """Its today would be another day at its end than at its start."""
    slept: list[float] = []

    class At:
        @staticmethod
        def now(_: object) -> datetime:
            return datetime.fromisoformat(f"2026-11-27T{now}").replace(tzinfo=UTC)

    monkeypatch.setattr(scheduling, "datetime", At)
    monkeypatch.setattr(scheduling.time, "sleep", slept.append)
    scheduling.pytest_runtest_setup(request.node)
    assert sum(slept) == waits
