"""Dagster's default run launcher, with a check for runs whose process died with its code server.

A code server reports crashes of its own runs. If it dies as well (kill -9, out of memory, power
cut), nothing does: the run would count as started until ``max_runtime_seconds``, and no new run of
its chains would be requested. Dagster's run monitoring uses the launcher's check.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import dagster as dg

# Run monitoring is documented to call a launcher's health check, whose result has no public name.
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

SERVER_TAG = ".dagster/grpc_info"
"""Dagster's tag with the address of the code server that started a run."""
LOCAL = ("localhost", "127.0.0.1", "::1")
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


def _is_run(pid: int) -> bool:
    """Return whether a process is alive and executes a run: process ids are reused.

    A zombie has an empty command line.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    line = Path(f"/proc/{pid}/cmdline")
    return not line.exists() or WORKER in line.read_bytes().decode("utf-8", "replace")
