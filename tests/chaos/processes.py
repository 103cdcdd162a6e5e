"""The system as real processes, and a supervisor that restarts what died, like systemd."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import yaml

from orchestration.local.processes import free_port, listens
from orchestration.settings import project_root
from resources.ledger.database import embedded
from tests.chaos.home import Home

START_SECONDS = 90.0
REAP_EVERY = 0.5
"""Seconds; looking for children reads the state of each process of the machine."""
SUBREAPER = 36
"""prctl's PR_SET_CHILD_SUBREAPER: orphans become our children, so that none outlives us."""
RUN_MARK = "multiprocessing.forkserver"
"""In the command line of the fork server and of the runs, its children (run_processes.py)."""
CODE_SERVER = "dagster api grpc"
"""In the command line of the process that holds the definitions."""
START_POSTGRES = (
    "import sys, pathlib; from resources.ledger.database import embedded; "
    "print(embedded.start(pathlib.Path(sys.argv[1])))"
)


class NotStarted(Exception):
    """A process did not come up; the message names its log."""


def adopt_orphans() -> None:
    """Become the parent of every process below us that loses its own."""
    if ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def wait_until(holds: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Wait for something; raises ``NotStarted`` that says what did not come about."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise NotStarted(f"{what} within {seconds:.0f} s")
        time.sleep(0.05)


class Tree:
    """Every process of one chaos run."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.port, self._webhooks_port = free_port(), free_port()
        self.restarts = 0
        self._reaped_at = 0.0
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = os.environ | home.environment
        self._environment.pop("DATABASE_URL", None)
        workspace = {
            "load_from": [
                {
                    "grpc_server": {
                        "host": "127.0.0.1",
                        "port": self.port,
                        "location_name": "lockstep",
                    }
                }
            ]
        }
        self._workspace = home.folder / "workspace.yaml"
        self._workspace.write_text(yaml.safe_dump(workspace))

    # -- starting

    def start_sandbox(self) -> str:
        """Start the simulated systems and return their address."""
        log = self.log("sandbox")
        self._spawn(
            "sandbox", ["sandbox", "--unlimited", "--state", str(self.home.folder / "sandbox")]
        )
        wait_until(
            lambda: "listening on " in log.read_text(), f"the sandbox did not listen (see {log})"
        )
        return log.read_text().split("listening on ")[1].split()[0]

    def start_postgres(self) -> str:
        """Start the database on whatever state its last end left, and return its address."""
        for left in range(20, -1, -1):
            done = subprocess.run(
                [sys.executable, "-c", START_POSTGRES, str(self.home.postgres)],
                cwd=project_root(),
                env=self._environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=START_SECONDS,
            )
            if done.returncode == 0:
                return done.stdout.split()[-1]
            if not left:
                raise NotStarted(f"Postgres did not come up again: {done.stderr[-2000:]}")
            time.sleep(0.25)  # backends of the dead server are still on their way out
        raise AssertionError

    def start_code_server(self) -> None:
        """Start the code server; it answers some seconds later."""
        arguments = [
            "dagster",
            "code-server",
            "start",
            "-m",
            "tests.chaos.definitions",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "--location-name",
            "lockstep",
            "-d",
            str(project_root()),
        ]
        self._spawn("code_server", arguments)

    @property
    def webhooks(self) -> str:
        """Return the address that takes in webhooks."""
        return f"http://127.0.0.1:{self._webhooks_port}"

    def start_webhooks(self) -> None:
        """Start what takes in webhooks, if anyone sends some; it listens a second or two later."""
        if not self.home.has_webhooks:
            return
        self._spawn(
            "webhooks", ["orchestration.cli", "webhooks", "--port", str(self._webhooks_port)]
        )

    def takes_webhooks(self) -> bool:
        """Return whether the webhooks endpoint is listening."""
        return listens(self._webhooks_port)

    def start_daemon(self, name: str = "daemon") -> None:
        """Start a daemon; more than one at a time is a mistake, and one of the faults."""
        self._spawn(name, ["dagster._daemon", "run", "-w", str(self._workspace)])

    def wait_for_code(self) -> None:
        """Wait until the code server listens."""
        wait_until(
            lambda: listens(self.port),
            f"the code server did not listen (see {self.log('code_server')})",
        )

    def log(self, name: str) -> Path:
        """Return where a process writes."""
        return self.home.folder / f"{name}.log"

    def _spawn(self, name: str, arguments: list[str]) -> None:
        with self.log(name).open("ab") as file:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=project_root(),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    # -- what is alive

    def runs(self) -> list[psutil.Process]:
        """Return the processes that execute runs now, orphans of a dead code server among them."""
        found = []
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if (
                    _is_marked(process)
                    and process.status() != psutil.STATUS_ZOMBIE
                    and not _is_fork_server(process)
                ):
                    found.append(process)
        return found

    @staticmethod
    def is_at_work(run: psutil.Process, port: int) -> bool:
        """Return whether a run talks to ``port``; before that it only loads its modules."""
        with suppress(psutil.Error):
            return any(
                connection.raddr and connection.raddr.port == port
                for connection in run.net_connections("tcp")
            )
        return False

    def age(self, name: str) -> float:
        """Return for how many seconds a process of ours has been running; 0 if it is not."""
        process = self._running.get(name)
        if process is None or process.poll() is not None:
            return 0.0
        with suppress(psutil.Error):
            return time.time() - psutil.Process(process.pid).create_time()
        return 0.0

    def postmaster(self) -> psutil.Process | None:
        """Return the database's first process, if it runs."""
        with suppress(FileNotFoundError, psutil.Error, ValueError, IndexError):
            process = psutil.Process(
                int((self.home.postgres / "postmaster.pid").read_text().splitlines()[0])
            )
            return (
                process
                if process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
                else None
            )
        return None

    # -- killing

    def kill(self, name: str) -> bool:
        """Kill a process with SIGKILL, a code server with its child. False if it was not alive."""
        process = self._running.get(name)
        if process is None or process.poll() is not None:
            return False
        victims = [process.pid]
        if name == "code_server":
            victims += [
                child.pid
                for child in psutil.Process(process.pid).children()
                if not _is_marked(child)
            ]
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        return True

    def end(self, name: str) -> None:
        """Ask a process to end, and kill it if it does not."""
        process = self._running.pop(name, None)
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_postgres(self) -> bool:
        """Kill the postmaster with SIGKILL; its backends end. False if it was not alive."""
        process = self.postmaster()
        if process is None:
            return False
        process.kill()
        with suppress(psutil.TimeoutExpired):
            process.wait(timeout=10)
        return True

    # -- the supervisor

    def supervise(self) -> None:
        """Start again what is not alive; called many times a second."""
        if time.monotonic() - self._reaped_at > REAP_EVERY:
            self._reaped_at = time.monotonic()
            self.reap()
        for name, start in (
            ("code_server", self.start_code_server),
            ("daemon", self.start_daemon),
            ("webhooks", self.start_webhooks),
        ):
            process = self._running.get(name)
            if process is not None and process.poll() is not None:
                self.restarts += 1
                start()

    def reap(self) -> None:
        """Reap adopted processes, so that no dead one looks alive."""
        own = {process.pid for process in self._running.values()}
        for child in psutil.Process().children():
            with suppress(psutil.Error, ChildProcessError):
                if child.pid not in own and child.status() == psutil.STATUS_ZOMBIE:
                    os.waitpid(child.pid, os.WNOHANG)

    def stop(self) -> None:
        """End everything; nothing of the run is left."""
        for name in [*self._running]:
            if name != "sandbox":
                self.kill(name)
        for process in self.runs():
            with suppress(psutil.Error):
                process.kill()
        self.end("sandbox")
        embedded.stop(self.home.postgres)
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                child.kill()
        self.reap()


def _is_marked(process: psutil.Process) -> bool:
    return RUN_MARK in " ".join(process.cmdline())


def _is_fork_server(process: psutil.Process) -> bool:
    """Return whether a process forks runs: a code server's child, while a run is its child."""
    parent = process.parent()
    return parent is not None and CODE_SERVER in " ".join(parent.cmdline())
