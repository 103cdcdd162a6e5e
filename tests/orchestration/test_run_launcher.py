"""Runs whose process died together with its code server are noticed; living ones, and those of another machine, are left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

# A private name, so that the tag is Dagster's and not our own idea of it.
from dagster._core.storage.tags import GRPC_INFO_TAG

from orchestration.run_launcher import LockstepRunLauncher

SLEEPER = "import multiprocessing, sys; sys.stdin.read()"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance with the launcher, as dagster.yaml sets it up."""
    launcher = {"module": "orchestration.run_launcher", "class": "LockstepRunLauncher"}
    (tmp_path / "dagster.yaml").write_text(
        yaml.safe_dump({"run_launcher": launcher, "telemetry": {"enabled": False}})
    )
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


def _health(instance: dg.DagsterInstance, pid: int, server: dict[str, object]) -> str:
    """Return how the run is whose process said that it has this number."""

    @dg.job
    def nothing() -> None: ...

    run = instance.create_run_for_job(
        nothing, status=dg.DagsterRunStatus.STARTED, tags={GRPC_INFO_TAG: json.dumps(server)}
    )
    instance.report_engine_event(f"Started process for run (pid: {pid}).", run)
    launcher = instance.run_launcher
    assert isinstance(launcher, LockstepRunLauncher)
    assert launcher.supports_check_run_worker_health
    return launcher.check_run_worker_health(run).status.value


def _process(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)


def test_a_run_whose_process_is_gone_is_failed(instance: dg.DagsterInstance) -> None:
    """Nobody else would tell: its code server died as well."""
    with _process("pass") as gone:
        gone.communicate()
    assert _health(instance, gone.pid, {"host": "127.0.0.1", "port": 1}) == "FAILED"


def test_a_run_that_lost_only_its_code_server_is_left_to_end(instance: dg.DagsterInstance) -> None:
    """It still works, and it still holds what it has claimed."""
    with _process(SLEEPER) as alive:
        assert (
            _health(instance, alive.pid, {"host": "127.0.0.1", "socket": "/tmp/none"}) == "RUNNING"
        )  # noqa: S108
        alive.communicate()


def test_a_number_that_another_program_has_by_now_is_no_run(instance: dg.DagsterInstance) -> None:
    """Process numbers are given out again."""
    with _process("import sys; sys.stdin.read()") as other:
        assert _health(instance, other.pid, {"host": "localhost", "port": 1}) == "FAILED"
        other.communicate()


def test_of_a_run_on_another_machine_nothing_is_claimed(instance: dg.DagsterInstance) -> None:
    """Its process can't be seen from here, so run monitoring's time-outs are all there is."""
    with _process("pass") as gone:
        gone.communicate()
    assert _health(instance, gone.pid, {"host": "code-server", "port": 4000}) == "RUNNING"
