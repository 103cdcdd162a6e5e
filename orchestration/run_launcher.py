"""Dagster's default run launcher, with a check for runs whose process died with its code server.

A code server reports crashes of its own runs. If it dies as well (kill -9, out of memory, power
cut), nothing does: the run would count as started until ``max_runtime_seconds``, and no new run of
its chains would be requested. The same holds for a command that ends in the middle of its run, or
while the database is away. Dagster's run monitoring uses the launcher's check.
"""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path

import dagster as dg

# Run monitoring is documented to call a launcher's health check, whose result has no public name.
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

SERVER_TAG = ".dagster/grpc_info"
"""Dagster's tag with the address of the code server that started a run."""
LOCAL = ("localhost", "127.0.0.1", "::1")
PROCESS_TAG = "sync/process"
"""The tag with the process of a command that executes its run itself."""
STARTED = re.compile(r"^Started process for run \(pid: (\d+)\)\.$")
WORKER = "multiprocessing"
"""Part of the command line of every process that a code server starts for a run."""


class LockstepRunLauncher(dg.DefaultRunLauncher):
    """``DefaultRunLauncher`` with a health check for runs on this machine."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Return whether run monitoring can check runs."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return ``FAILED`` if the run's process is gone.

        A run that only lost its code server continues to its end, and is healthy.
        """
        if (process := run.tags.get(PROCESS_TAG)) is not None:
            return _of_command(process)
        pid = self._pid(run)
        if pid is None or _is_run(pid):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.FAILED,
            f"the run's process {pid} has died, and so has the code server that started it",
        )

    def _pid(self, run: dg.DagsterRun) -> int | None:
        """Return the id of the run's process, or ``None`` if it is on another machine."""
        server = json.loads(run.tags.get(SERVER_TAG, "{}"))
        if "socket" not in server and server.get("host") not in LOCAL:
            return None
        for entry in self._instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
            event = entry.dagster_event
            if event is not None and (match := STARTED.match(event.message or "")):
                return int(match[1])
        return None


def own_process() -> str:
    """Return this process as the tag names it: machine, id, and when it started."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def _of_command(process: str) -> CheckRunHealthResult:
    machine, number, started = process.rsplit("/", 2)
    pid = int(number)
    if machine != socket.gethostname() or (_is_alive(pid) and _started(pid) == started):
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    return CheckRunHealthResult(
        WorkerStatus.FAILED, f"the command that executed the run (process {pid}) has ended"
    )


def _started(pid: int) -> str:
    """Return when a process started, in the system's own unit: process ids are reused.

    Of one that has ended, and that its parent has not noticed yet, nothing.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""  # not on Linux
    state, *fields = text.rpartition(")")[2].split()
    return "" if state == "Z" else fields[18]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_run(pid: int) -> bool:
    """Return whether a process is alive and executes a run: process ids are reused.

    A zombie has an empty command line.
    """
    if not _is_alive(pid):
        return False
    line = Path(f"/proc/{pid}/cmdline")
    return not line.exists() or WORKER in line.read_bytes().decode("utf-8", "replace")
