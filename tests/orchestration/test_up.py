"""Tests of ``lockstep up`` and its child processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from domain.errors import PermanentError, TransientError
from orchestration.cli.machine.up import watch
from orchestration.local.processes import Children, check_port_free, free_port, listens
from orchestration.settings import FILE_NAME, project_root
from resources.ledger.database import embedded

LONGEST_SECONDS = 300
DELIVERED = "SELECT count(*) FROM sync.delivery WHERE stream = 'orders' AND state = 'delivered'"

# Because of its webhook: delivered before the next poll. The first orders may be polled ones.
DELIVERED_BY_WEBHOOK = """
SELECT count(*) FROM sync.inbox i
JOIN sync.delivery d ON d.source_id = i.source_id AND d.stream = 'orders'
WHERE i.stream = 'orders' AND d.state = 'delivered'
  AND d.settled_at - i.received_at < interval '25 seconds'
"""


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    """Child processes that end with the test."""
    made = Children(tmp_path, tmp_path, os.environ)
    yield made
    made.stop()


def test_a_child_that_exits_is_reported_with_its_log(children: Children, tmp_path: Path):
    """The message names the log to read."""
    children.start("broken", ["no_such_module_of_lockstep"])
    with pytest.raises(TransientError, match=r"broken exited with code 1 .*broken\.log"):
        children.wait_until(lambda: False, "it was ready", 120, lambda: False)
    assert "no_such_module_of_lockstep" in (tmp_path / "broken.log").read_text()


def test_up_ends_with_the_name_of_the_process_that_exited(children: Children):
    """Without its daemon or its UI, the rest must not go on as if nothing had happened."""
    child = children.start("daemon", ["no_such_module_of_lockstep"])
    assert watch(children, None, threading.Event()) == f"daemon exited with code 1; see {child.log}"


def test_stopping_leaves_no_process_behind(children: Children):
    """A server and whatever it started are gone afterwards."""
    port = free_port()
    child = children.start("server", ["http.server", str(port), "--bind", "127.0.0.1"])
    assert children.wait_until(lambda: listens(port), "it listened", 120, lambda: False)
    children.stop()
    assert child.process.poll() is not None
    assert not listens(port)


def test_a_port_in_use_is_named_with_the_option_to_change_it():
    """This is the most common reason why nothing starts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PermanentError, match="--port"):
            check_port_free(taken.getsockname()[1], "--port")


@pytest.mark.daemon
@pytest.mark.skipif(
    (project_root() / FILE_NAME).exists(),
    reason="a connections.yaml is in use, and its systems are not for tests",
)
def test_up_serves_the_ui_and_new_orders_reach_the_oms_until_it_is_stopped(own_home: Path):
    """Database, sandbox, traffic, UI and daemon start, and SIGTERM ends them with exit code 0."""
    port, sandbox_port, webhooks_port = free_port(), free_port(), free_port()
    command = [
        sys.executable,
        "-m",
        "tests.orchestration.lockstep_main",
        "up",
        "--port",
        str(port),
        "--sandbox-port",
        str(sandbox_port),
    ]
    command += ["--webhooks-port", str(webhooks_port), "--rate", "2"]
    process = subprocess.Popen(
        command, cwd=project_root(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        delivered = _wait_for(process, own_home / "postgres", DELIVERED)
        # On a busy machine the first orders are through before the UI serves.
        is_served = _is_in_time(process, lambda: listens(port))
        by_webhook = _wait_for(process, own_home / "postgres", DELIVERED_BY_WEBHOOK)
    finally:
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=LONGEST_SECONDS)[0]
        embedded.stop(own_home / "postgres")
    assert (delivered, is_served, by_webhook) == (True, True, True), output
    assert process.returncode == 0, output
    assert f"http://127.0.0.1:{port}" in output
    assert not listens(port)
    assert not listens(sandbox_port)
    assert not listens(webhooks_port)


def _wait_for(process: subprocess.Popen[str], data: Path, query: str) -> bool:
    """Wait until a query of the ledger counts something."""

    def counts() -> bool:
        url = embedded.running_url(data)
        try:
            if url is not None:
                with psycopg.connect(url) as db:
                    row = db.execute(query).fetchone()
                return bool(row and row[0])
        except psycopg.Error:
            pass  # the schema is being created
        return False

    return _is_in_time(process, counts)


def _is_in_time(process: subprocess.Popen[str], is_met: Callable[[], bool]) -> bool:
    """Wait until a condition is met, or the process has ended."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if is_met():
            return True
        time.sleep(0.5)
    return False
