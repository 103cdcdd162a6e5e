"""The child processes of ``lockstep up``: started, watched, and stopped in reverse order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import sample

import httpx

from domain.errors import PermanentError, TransientError
from resources.http.urls import tls_context

GRACE_SECONDS = 30
"""Time for the daemon to hand back its runs; after it they are killed, which delivery survives."""
FREE_PORTS = range(20_000, 32_000)
"""Below those that systems give to outgoing connections (Linux: from 32768)."""


@dataclass(frozen=True)
class Child:
    """A child process. It leads its own session, so that Ctrl-C does not reach it directly."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Children:
    """Starts processes, and stops all of them in reverse order."""

    def __init__(self, logs: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self._logs, self._folder, self._environment = logs, folder, dict(environment)
        self._started: list[Child] = []

    def start(self, name: str, arguments: Sequence[str]) -> Child:
        """Start ``python -m ...`` with its output in its own log file."""
        log = self._logs / f"{name}.log"
        with log.open("ab") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._started.append(child)
        return child

    def dead(self) -> Child | None:
        """Return a child that has exited, if there is one."""
        return next((child for child in self._started if child.process.poll() is not None), None)

    def wait_until(
        self, ready: Callable[[], bool], what: str, seconds: float, stopping: Callable[[], bool]
    ) -> bool:
        """Wait until ``ready``; return False if ``stopping`` comes first.

        Raises ``TransientError`` if a child exits or the time is over before ``what`` happened.
        """
        deadline = time.monotonic() + seconds
        while not stopping():
            if ready():
                return True
            if (child := self.dead()) is not None:
                raise TransientError(
                    f"{child.name} exited with code {child.process.returncode} before {what}; "
                    f"see {child.log}"
                )
            if time.monotonic() > deadline:
                raise TransientError(
                    f"Timed out after {seconds:.0f} s before {what}; see the logs in {self._logs}"
                )
            time.sleep(0.2)
        return False

    def stop(self) -> None:
        """Stop all, last started first: terminate each, then kill the rest of its session."""
        while self._started:
            child = self._started.pop()
            child.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(timeout=GRACE_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()


def check_port_free(port: int, option: str) -> None:
    """Raise ``PermanentError`` if something listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PermanentError(
                f"Port {port} on 127.0.0.1 is in use; stop the process that listens there, or "
                f"choose another port with {option}."
            ) from None


def free_port() -> int:
    """Return a port that is free now, and that the system gives to no outgoing connection."""
    for port in sample(FREE_PORTS, len(FREE_PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise TransientError(
        f"All ports of 127.0.0.1 from {FREE_PORTS[0]} to {FREE_PORTS[-1]} are in use; stop the "
        "processes that listen there."
    )


def answers(url: str) -> bool:
    """Return whether an HTTP server answers."""
    try:
        return httpx.get(url, timeout=2, verify=tls_context()).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def listens(port: int) -> bool:
    """Return whether something listens on a local port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
