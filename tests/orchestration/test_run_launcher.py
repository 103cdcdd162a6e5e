"""Tests of the run launcher's check for runs that died together with their code server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

# Dagster's own constant, so that the test fails if Dagster renames the tag.
from dagster._core.storage.tags import GRPC_INFO_TAG

from orchestration.run_launcher import PROCESS_TAG, LockstepRunLauncher, own_process

SLEEPER = "import multiprocessing, sys; sys.stdin.read()"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Create an instance with the launcher, as dagster.yaml configures it."""
    launcher = {"module": "orchestration.run_launcher", "class": "LockstepRunLauncher"}
    (tmp_path / "dagster.yaml").write_text(
        yaml.safe_dump({"run_launcher": launcher, "telemetry": {"enabled": False}})
    )
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


def _health(instance: dg.DagsterInstance, pid: int, server: dict[str, object]) -> str:
    """Return the health of a run whose process has this id."""

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
    """Its code server can't report it, since it died as well."""
    with _process("pass") as gone:
        gone.communicate()
    assert _health(instance, gone.pid, {"host": "127.0.0.1", "port": 1}) == "FAILED"


def test_a_run_that_lost_only_its_code_server_continues(instance: dg.DagsterInstance) -> None:
    """It is still working and still holds its claims."""
    with _process(SLEEPER) as alive:
        server = {"host": "127.0.0.1", "socket": "/run/none"}
        assert _health(instance, alive.pid, server) == "RUNNING"
        alive.communicate()


def test_a_process_id_reused_by_another_program_is_not_a_run(instance: dg.DagsterInstance) -> None:
    """The operating system reuses process ids."""
    with _process("import sys; sys.stdin.read()") as other:
        assert _health(instance, other.pid, {"host": "localhost", "port": 1}) == "FAILED"
        other.communicate()


def test_a_run_on_another_machine_counts_as_running(instance: dg.DagsterInstance) -> None:
    """Its process can't be checked from here; run monitoring's time-outs apply."""
    with _process("pass") as gone:
        gone.communicate()
    assert _health(instance, gone.pid, {"host": "code-server", "port": 4000}) == "RUNNING"


def _health_of_command(instance: dg.DagsterInstance, process: str) -> str:
    """Return the health of a run that a command executes itself."""

    @dg.job
    def nothing() -> None: ...

    tags = {PROCESS_TAG: process}
    run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED, tags=tags)
    return instance.run_launcher.check_run_worker_health(run).status.value


def test_the_run_of_a_command_that_has_ended_is_failed(instance: dg.DagsterInstance) -> None:
    """Dagster does not notice, and its chains would wait for it for hours."""
    code = "from orchestration.run_launcher import own_process; print(own_process(), flush=True)"
    command = [sys.executable, "-c", f"{code}; input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        process = one.stdout.readline().strip()
        assert _health_of_command(instance, process) == "RUNNING"
        one.kill()
    assert _health_of_command(instance, process) == "FAILED"


def test_the_process_of_a_command_is_known_by_its_start(instance: dg.DagsterInstance) -> None:
    """An id that another process has now is none; of another machine nothing is known."""
    machine_and_id, _, started = own_process().rpartition("/")
    assert _health_of_command(instance, own_process()) == "RUNNING"
    assert _health_of_command(instance, f"{machine_and_id}/{started}1") == "FAILED"
    assert _health_of_command(instance, "elsewhere.example/1/1") == "RUNNING"
