"""Outages of a source, of Lockstep and of Postgres: the next run covers the whole gap."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg
import psutil
import psycopg
import pytest

from domain.errors import TransientError
from resources.http.retries import RetryPolicy
from resources.ledger.database.migrate import migrate
from sandbox.app import RunningSandbox
from sensors import cursor, requeue
from tests.assets import documents
from tests.assets.scene import NAME, Json, Scene
from tests.end_to_end.agreement import (
    assert_nothing_open,
    assert_orders_once,
    assert_shipments_once,
)
from tests.end_to_end.conftest import ROOT
from tests.sensors.test_changes import requests_of, run_request, tick

pytestmark = pytest.mark.slow(seconds=40)

MOST_TICKS = 12


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Request the next run at once after a failed one, and give up on a dead system early."""
    monkeypatch.setattr(cursor, "FIRST_PAUSE", timedelta(0))
    monkeypatch.setattr(
        RetryPolicy.__init__, "__defaults__", (2, *(RetryPolicy.__init__.__defaults__ or ())[1:])
    )


def live(scene: Scene) -> int:
    """Tick and run until a tick requests nothing, as the daemon does; return the number of runs."""
    time.sleep(1.1)  # the second of the last change must be over
    runs = 0
    for _ in range(MOST_TICKS):
        requests = requests_of(tick(scene))
        if not requests:
            return runs
        for request in requests:
            assert run_request(scene, request).success
            runs += 1
    raise AssertionError(f"still not in step after {MOST_TICKS} ticks")


def placed_now(scene: Scene, *numbers: int) -> list[Json]:
    """Place orders of this moment."""
    made = [documents.order(number, datetime.now(UTC)) for number in numbers]
    scene.place(*made)
    return made


OUTAGES: dict[str, Json] = {
    "503": {"kind": "status", "status": 503, "times": None},
    "refused": {"kind": "drop_before", "times": None},
}


@pytest.mark.parametrize("outage", list(OUTAGES.values()), ids=list(OUTAGES))
def test_a_store_that_was_down_is_caught_up_with(scene: Scene, outage: Json) -> None:
    """Ticks fail and move nothing during the outage; the first one after it requests everything."""
    scene.configure(streams=("orders",), overlap="PT1S")
    placed = placed_now(scene, 1)
    live(scene)
    scene.fault("bigcommerce", {"path": "/v2/", **outage})
    for number in (2, 3):
        placed += placed_now(scene, number)
        time.sleep(1.0)
        with pytest.raises(dg.Failure, match="Every probe"):
            tick(scene)
    assert scene.sql("SELECT probe_failures FROM sync.watermark WHERE stream = 'orders'") == [(2,)]

    scene.fault("bigcommerce")
    live(scene)

    assert_orders_once(scene, placed)
    assert_nothing_open(scene, "orders")
    assert scene.sql("SELECT state, probe_failures FROM history.lag WHERE stream = 'orders'") == [
        ("ok", 0)
    ]


def test_a_store_that_goes_down_while_it_is_read_is_caught_up_with(scene: Scene) -> None:
    """The probe saw changes, the run that reads them fails: the watermark stays."""
    scene.configure(streams=("orders",), overlap="PT1S")
    placed = placed_now(scene, 1, 2, 3)
    time.sleep(1.1)
    [request] = requests_of(tick(scene))
    scene.fault("bigcommerce", {"path": "/v2/", "kind": "status", "status": 500, "times": None})
    with pytest.raises(dg.Failure):
        run_request(scene, request)
    assert scene.sql("SELECT count(*) FROM sync.capture") == [(0,)]
    placed += placed_now(scene, 4)
    scene.fault("bigcommerce")
    live(scene)
    assert_orders_once(scene, placed)
    assert_nothing_open(scene, "orders")


def test_an_oms_that_was_down_is_caught_up_with_both_ways(scene: Scene) -> None:
    """Orders wait in the ledger, parcels at the OMS: after the outage both are delivered."""
    scene.configure(streams=("orders", "shipments"), overlap="PT1S")
    placed = placed_now(scene, 1, 2)
    live(scene)
    scene.fault(
        "manhattan",
        {"path": "order/(save|search)$", "kind": "status", "status": 503, "times": None},
    )
    scene.to_oms("orders/1/ship", {})
    scene.to_oms("orders/2/ship", {})
    placed += placed_now(scene, 3, 4)
    time.sleep(1.1)
    [request] = requests_of(tick(scene))
    with pytest.raises(dg.Failure):
        run_request(scene, request)

    scene.fault("manhattan")
    live(scene)
    unfinished(scene)

    assert_orders_once(scene, placed)
    assert_shipments_once(scene)
    assert_nothing_open(scene, "orders", "shipments")


def unfinished(scene: Scene) -> None:
    """Let the sensor of unfinished work request runs, and run its partitions."""
    assert scene.lockstep is not None
    context = dg.build_sensor_context(instance=scene.instance)
    for request in requests_of(requeue.tick(context, NAME, scene.installation, scene.lockstep)):
        streams = {key.path[1].partition("_")[0] for key in request.asset_selection or ()}
        assert request.partition_key is not None
        day = datetime.fromisoformat(request.partition_key).date()
        assert scene.run(*streams, first=day, last=day, steps=("validated", "delivered")).success


def test_days_without_lockstep_are_made_up_for_in_pieces(scene: Scene) -> None:
    """Down for five days, more than a live run covers: the next ticks take one piece each."""
    scene.configure(streams=("orders",), overlap="PT2M")
    now = datetime.now(UTC)
    gap = cursor.LONGEST_CATCH_UP + timedelta(days=2)
    scene.sql(
        "INSERT INTO sync.watermark (connection, stream, watermark) "
        "VALUES ('acme', 'orders', %s) RETURNING 1",
        now - gap,
    )
    moments = [
        now - gap + timedelta(hours=7 * step, seconds=1)
        for step in range(int(gap / timedelta(hours=7)))
    ]
    placed = [
        documents.order(number, moment)
        for number, moment in enumerate([*moments, now - timedelta(seconds=5)], 1)
    ]
    scene.place(*placed)

    runs = live(scene)

    assert runs >= gap.days
    assert_orders_once(scene, placed)
    assert_nothing_open(scene, "orders")
    [(reached,)] = scene.sql("SELECT watermark FROM sync.watermark WHERE stream = 'orders'")
    assert reached > now - timedelta(seconds=5)


class OwnServer:
    """An embedded server on its own data folder, started as ``lockstep db start`` does."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.url = ""

    def start(self) -> str:
        """Start it, or start it again after a crash; return the URL of its database."""
        self.url = self._call("print(embedded.start(data))")
        return self.url

    def stop(self) -> None:
        """Stop it in order."""
        self._call("embedded.stop(data)")

    def kill(self) -> None:
        """Kill every process of it at once, as a power cut does."""
        postmaster = psutil.Process(int((self.data / "postmaster.pid").read_text().splitlines()[0]))
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=10)

    def _call(self, code: str) -> str:
        head = (
            "import sys, pathlib; from resources.ledger.database import embedded; "
            "data = pathlib.Path(sys.argv[1]); "
        )
        done = subprocess.run(
            [sys.executable, "-c", head + code, str(self.data)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """Run a server that a test may kill."""
    with tempfile.TemporaryDirectory(prefix="lockstep-pg-") as folder:
        made = OwnServer(Path(folder) / "postgres")
        made.start()
        yield made
        made.stop()


def test_a_postgres_that_died_in_the_middle_of_a_run_is_gone_on_with(
    server: OwnServer, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """Killed while orders are sent; the same process catches up once the server is back."""
    migrate(server.url)
    scene = Scene(sandbox.url, server.url, f"s{uuid4().hex[:10]}", tmp_path)
    try:
        scene.configure(streams=("orders",), overlap="PT1S")
        placed = placed_now(scene, *range(1, 31))
        time.sleep(1.1)
        [request] = requests_of(tick(scene))
        scene.fault(
            "manhattan", {"path": "order/save$", "kind": "delay", "delay_ms": 500, "times": None}
        )
        killer = threading.Thread(target=lambda: (wait_until_sent(scene, 5), server.kill()))
        killer.start()
        with pytest.raises(dg.Failure):
            run_request(scene, request)
        killer.join(timeout=60)
        placed += placed_now(scene, 31)
        time.sleep(1.1)
        assert scene.lockstep is not None
        with pytest.raises((TransientError, dg.Failure, psycopg.OperationalError)):
            tick(scene)
        assert 0 < len(scene.oms_orders()) <= 30

        server.start()
        assert server.url == scene.database
        scene.fault("manhattan")
        live(scene)
        unfinished(scene)

        assert_orders_once(scene, placed)
        assert_nothing_open(scene, "orders")
    finally:
        scene.close()


def wait_until_sent(scene: Scene, number: int) -> None:
    """Wait until so many orders are at the OMS."""
    for _ in range(600):
        if scene.oms_counts()["creates"] >= number:
            return
        time.sleep(0.05)
