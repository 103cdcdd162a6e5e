"""A code server that starts while the database is down must serve the definitions."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster._api.list_repositories import sync_list_repositories_grpc
from dagster._grpc.client import DagsterGrpcClient

from orchestration.local import sandbox_process
from orchestration.local.processes import free_port, listens
from orchestration.settings import project_root

pytestmark = pytest.mark.daemon

LONGEST_SECONDS = 300


@contextmanager
def code_server() -> Iterator[DagsterGrpcClient]:
    """Start a code server as ``lockstep up`` does."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "dagster",
            "code-server",
            "start",
            "-m",
            "orchestration.definitions",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "--location-name",
            "lockstep",
            "-d",
            str(project_root()),
        ],
        cwd=project_root(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + LONGEST_SECONDS
    try:
        while not listens(port) and time.monotonic() < deadline:
            assert process.poll() is None, "the code server ended"
            time.sleep(0.1)
        yield DagsterGrpcClient(host="127.0.0.1", port=port)
    finally:
        os.killpg(process.pid, 9)
        process.wait()


@pytest.mark.parametrize("address", [None, "postgresql://127.0.0.1:1/none"])
def test_a_code_server_that_starts_without_a_database_serves_the_definitions(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    """A server that kept the error would block everything, even once Postgres is back."""
    if address is not None:
        monkeypatch.setenv("DATABASE_URL", address)
    file = sandbox_process.configure(
        "demo", "demo", datetime.now(UTC).date() - timedelta(days=1), "http://127.0.0.1:1"
    )
    monkeypatch.setenv("LOCKSTEP_CONNECTIONS", str(file))
    with code_server() as client:
        symbols = sync_list_repositories_grpc(client).repository_symbols
    assert len(symbols) == 1
