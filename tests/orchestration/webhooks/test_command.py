"""``lockstep webhooks`` as a process, and webhooks in ``connect`` and ``doctor``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from orchestration.local.processes import answers, free_port
from orchestration.settings import project_root
from tests.orchestration.shop import Shop
from tests.orchestration.webhooks.senders import Served, event, signed

pytestmark = pytest.mark.slow


def with_webhooks(shop: Shop, home: Path, port: int) -> None:
    """Let the shop's connection receive webhooks."""
    secret = home / "secrets" / f"client-secret-{shop.store}"
    shop.change(
        platform={"client_secret": {"file": str(secret)}},
        webhooks={"destination": f"http://127.0.0.1:{port}"},
    )


PATH = "/hooks/demo/platform"


@pytest.fixture
def process(shop: Shop, own_home: Path) -> Iterator[tuple[subprocess.Popen[str], Served]]:
    """``lockstep webhooks`` as an operator starts it, ready to take events in."""
    port = free_port()
    with_webhooks(shop, own_home, port)
    command = [
        sys.executable,
        "-m",
        "orchestration.cli",
        "webhooks",
        "--port",
        str(port),
        "--max-body",
        "2048",
    ]
    started = subprocess.Popen(
        command,
        cwd=project_root(),
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 180
    while not answers(f"http://127.0.0.1:{port}/health") and time.monotonic() < deadline:
        time.sleep(0.1)
    server = Served(f"http://127.0.0.1:{port}", shop.database)
    yield started, server
    server.http.close()
    started.kill()
    started.communicate()


def test_the_process_receives_events_until_it_is_stopped(
    shop: Shop, process: tuple[subprocess.Popen[str], Served]
) -> None:
    """It stores, respects its options, and stops cleanly on SIGTERM with exit code 0."""
    running, server = process
    body, secret = event(1001, store=shop.store), f"sandbox-client-secret-{shop.store}"
    assert server.post(body, signed(body, secret), PATH).json() == {"events": 1, "stored": 1}
    large = body.ljust(2049)
    assert server.post(large, signed(large, secret), PATH).status_code == 413
    running.send_signal(signal.SIGTERM)
    output = running.communicate(timeout=120)[0]
    assert running.returncode == 0, output
    assert "webhooks of demo" in output
    assert secret not in output
    assert shop.sql("SELECT connection, source_id FROM sync.inbox") == [("demo", "1001")]


def test_a_killed_process_leaves_nothing_acknowledged_that_is_not_stored(
    shop: Shop, process: tuple[subprocess.Popen[str], Served]
) -> None:
    """Every event that was acknowledged before a kill -9 is in the inbox."""
    running, server = process
    acknowledged: list[str] = []

    def send(first: int) -> None:
        with httpx.Client(base_url=server.url) as http:
            for number in range(first, first + 10_000):
                body = event(number, store=shop.store)
                try:
                    answer = http.post(
                        PATH,
                        content=body,
                        headers=signed(body, f"sandbox-client-secret-{shop.store}"),
                    )
                except httpx.TransportError:
                    return
                assert answer.status_code == 200
                acknowledged.append(str(number))

    with ThreadPoolExecutor(4) as pool:
        senders = [pool.submit(send, first) for first in (10_000, 20_000, 30_000, 40_000)]
        deadline = time.monotonic() + 60
        while len(acknowledged) <= 10 and time.monotonic() < deadline:
            time.sleep(0.05)
        running.kill()
        for sender in senders:
            sender.result()
    assert len(acknowledged) > 10
    assert set(acknowledged) <= {
        number for (number,) in shop.sql("SELECT source_id FROM sync.inbox")
    }


def test_connect_registers_the_webhooks_and_doctor_shows_their_state(
    shop: Shop, own_home: Path
) -> None:
    """Once; what the store has switched off is on again after the next ``connect``."""
    with_webhooks(shop, own_home, free_port())
    shop.change(streams=["orders"])
    connect = ("connect", "demo", "--days", "0", "--yes")
    assert "webhook store/order/*: registered" in shop.done(*connect)
    checks = {check["name"]: check for check in shop.json("doctor")}
    assert checks["demo: webhook store/order/*"]["ok"]
    assert "never" in checks["demo: webhook events"]["detail"]
    shop._control(f"bigcommerce/{shop.store}/hooks", {"switch_off": True})
    assert "webhook store/order/*: was switched off, is active again" in shop.done(*connect)


def test_without_any_connection_that_listens_it_says_so(shop: Shop) -> None:
    """An endpoint without a connection to serve is a mistake."""
    result = shop.run("webhooks")
    assert result.exit_code == 1
    assert "section 'webhooks'" in result.stderr
