"""The run launcher: Dagster's own, which also notices a run whose process died together with its code server.

A code server reports the death of its own runs. When it dies as well (kill -9, out of memory, a power cut), nobody does: the run would
count as started until ``max_runtime_seconds``, and its chains would be asked for no more. Dagster's run monitoring asks the launcher.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import dagster as dg

# A health check's result has no public name, though run monitoring is documented to ask launchers for it.
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

SERVER_TAG = ".dagster/grpc_info"
"""Where the code server listens that started a run, as Dagster notes it."""
LOCAL = ("localhost", "127.0.0.1", "::1")
STARTED = re.compile(r"^Started process for run \(pid: (\d+)\)\.$")
WORKER = "multiprocessing"
"""Stands in the command line of every process that a code server starts for a run."""


class LockstepRunLauncher(dg.DefaultRunLauncher):
    """``DefaultRunLauncher`` with a health check of runs on this machine; of a code server elsewhere it knows nothing, and says so."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Tell run monitoring that it may ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return ``FAILED`` where the run's process is gone. One that merely lost its code server goes on to its end, and is healthy."""
        pid = self._pid(run)
        if pid is None or _is_run(pid):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.FAILED,
            f"the run's process {pid} is gone, and so is the code server that started it",
        )

    def _pid(self, run: dg.DagsterRun) -> int | None:
        """Return the number that the run's process gave itself, or ``None`` where it is another machine's."""
        server = json.loads(run.tags.get(SERVER_TAG, "{}"))
        if "socket" not in server and server.get("host") not in LOCAL:
            return None
        for entry in self._instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
            event = entry.dagster_event
            if event is not None and (match := STARTED.match(event.message or "")):
                return int(match[1])
        return None


def _is_run(pid: int) -> bool:
    """Tell whether a process lives and executes a run: numbers are given out again. A zombie has no command line left."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    line = Path(f"/proc/{pid}/cmdline")
    return not line.exists() or WORKER in line.read_bytes().decode("utf-8", "replace")
