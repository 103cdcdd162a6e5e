"""Tests of the order of tests, and of the wait for midnight."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import scheduling

ROOT = Path(__file__).parents[1]


MODULE = """
import os
import time
from pathlib import Path

import pytest

pytestmark = {mark}

@pytest.mark.parametrize("part", ["a@b.example", "::"])
def test_part(part):
    time.sleep(0.2)
    Path(__file__).with_suffix("." + os.environ["PYTEST_XDIST_WORKER"]).touch()
"""


def test_one_worker_runs_all_systems_and_gets_each_other_file_as_a_whole(tmp_path: Path) -> None:
    """No two systems run at the same time, and fixtures of a module are made once."""
    marks = {
        "demo": "pytest.mark.demo",
        "chaos": "[pytest.mark.usefixtures(), pytest.mark.chaos]",
        "daemon": "pytest.mark.daemon",
        "queue": 'pytest.mark.xdist_group("queue")',
        "queue_too": '[pytest.mark.slow, pytest.mark.xdist_group("queue")]',
        **{f"other_{number}": "[]" for number in range(4)},
    }
    for name, mark in marks.items():
        (tmp_path / f"test_{name}.py").write_text(MODULE.format(mark=mark))
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n chaos:\n demo:\n daemon:\n slow:\n")
    plugins = ["-p", "xdist.plugin", "-p", "tests.scheduling"]
    options = ["-n", "2", "--dist", "loadscope", "--no-loadscope-reorder"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *options, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    workers = {name: {file.suffix for file in tmp_path.glob(f"test_{name}.gw*")} for name in marks}
    assert all(len(of) == 1 for of in workers.values())
    assert workers["demo"] == workers["chaos"] == workers["daemon"]
    assert workers["queue"] == workers["queue_too"]
    assert len(set.union(*workers.values())) > 1, "other files are not kept waiting for systems"


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
