"""A process to crash in, and a scene for each test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest

from assets.chain import factory
from resources.http.policy import ClientPolicy
from resources.http.retries import RetryPolicy
from sandbox.app import RunningSandbox
from tests.assets.scene import Json, Scene
from tests.end_to_end.crash_runner import ACTS_FOR

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry within hundredths of a second, without Dagster's own retries, which take minutes."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)
    monkeypatch.setattr(factory, "RETRIES", dg.RetryPolicy(max_retries=0))
    monkeypatch.setattr(ClientPolicy, "acts_for", ACTS_FOR)


@pytest.fixture
def scene(
    sandbox: RunningSandbox, database: str, tmp_path: Path, short_waits: None
) -> Iterator[Scene]:
    """Make a connection between a store and a tenant that no other test uses."""
    made = Scene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path)
    yield made
    made.close()


class Runner:
    """The process that runs chains in forks of itself, which can be killed at a named place."""

    def __init__(self, errors: Path) -> None:
        self._errors = errors.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.end_to_end.crash_runner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            text=True,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
        )

    def run(
        self,
        scene: Scene,
        stream: str,
        first: date,
        last: date,
        *,
        crash: Json | None = None,
        config: Json | None = None,
        trigger: str = "",
    ) -> Json:
        """Run a chain over ``first`` to ``last`` in a process of its own; return how it ended."""
        job = {
            "installation": scene.installation.model_dump(mode="json"),
            "database": scene.database,
            "streams": [stream],
            "first": first.isoformat(),
            "last": last.isoformat(),
            "trigger": trigger,
            "config": config,
            "crash": crash,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        ended: Json = json.loads(self._process.stdout.readline())
        return ended

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._errors.close()


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """One runner a module: its start costs seconds, its forks do not."""
    made = Runner(tmp_path_factory.mktemp("runner") / "errors.txt")
    yield made
    made.close()
