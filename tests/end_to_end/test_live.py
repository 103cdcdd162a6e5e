"""Live mode as a user runs it: the real daemon, its sensors and its run processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
import yaml

from orchestration.settings import project_root
from sandbox.app import RunningSandbox
from tests.assets import documents
from tests.assets.scene import Scene

pytestmark = pytest.mark.daemon

PATIENCE = 300.0


@pytest.fixture
def live(sandbox: RunningSandbox, dagster_database: str, tmp_path: Path) -> Iterator[Scene]:
    """A scene with a running daemon whose storage is the scene's own database."""
    scene = Scene(sandbox.url, dagster_database, f"live{uuid4().hex[:8]}", tmp_path)
    scene.configure(poll_interval="PT1S", overlap="PT10S")
    file = tmp_path / "connections.yaml"
    file.write_text(yaml.safe_dump(scene.installation.model_dump(mode="json", exclude_none=True)))
    environment = os.environ | {
        "DAGSTER_HOME": str(project_root()),
        "DATABASE_URL": dagster_database,
        "LOCKSTEP_CONNECTIONS": str(file),
        "LOCKSTEP_HOME": str(tmp_path),
    }
    log = (tmp_path / "daemon.log").open("wb")
    daemon = subprocess.Popen(
        [str(Path(sys.executable).parent / "dagster-daemon"), "run", "-w", "workspace.yaml"],
        cwd=project_root(),
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield scene
    finally:
        os.killpg(daemon.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(timeout=30)
        # Its code server does not always hear the daemon's end.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(daemon.pid, signal.SIGKILL)
        log.close()
        scene.close()


def wait_for(what: str, holds: Callable[[], bool], log: Path) -> float:
    """Wait until something holds; return the seconds it took. On time-out show the daemon's log."""
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE:
        if holds():
            return time.monotonic() - started
        time.sleep(0.5)
    pytest.fail(
        f"{what} did not happen within {PATIENCE:.0f} s; the end of the daemon's log:\n"
        f"{log.read_text()[-4000:]}"
    )


def test_orders_reach_the_oms_and_shipments_the_store_by_themselves(
    live: Scene, tmp_path: Path
) -> None:
    """Without any launch placed orders reach the OMS, and shipped parcels the store, each once."""
    log = tmp_path / "daemon.log"
    live.place(*[documents.order(number, datetime.now(UTC)) for number in (5001, 5002, 5003)])
    wait_for(
        "delivery of the first orders",
        lambda: set(live.oms_orders()) == {"5001", "5002", "5003"},
        log,
    )
    live.place(documents.order(5004, datetime.now(UTC)))
    wait_for("delivery of a later order", lambda: "5004" in live.oms_orders(), log)
    live.to_oms(
        "advance", {"to": "ship", "seed": 1, "cancel_rate": 0, "partial_rate": 0, "split_rate": 0}
    )
    wait_for(
        "shipments",
        lambda: {row["order_id"] for row in live.store_shipments()} == {5001, 5002, 5003, 5004},
        log,
    )
    wait_for(
        "statuses",
        lambda: {order["status_id"] for order in live.store_orders().values()} == {2},
        log,
    )
    assert [order["creates"] for order in live.oms_orders().values()] == [1, 1, 1, 1]
    assert len(live.store_shipments()) == 4
    commands = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    assert any("multiprocessing.forkserver" in command for command in commands)


def test_a_window_of_yesterday_that_failed_is_run_again_by_the_daemon(
    live: Scene, tmp_path: Path
) -> None:
    """It stays the same at each tick, and Dagster would skip the run of a key that it has seen."""
    log = tmp_path / "daemon.log"
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    live.fault(
        "bigcommerce", {"path": "/v3/orders/", "kind": "status", "status": 403, "times": None}
    )
    moment = midnight - timedelta(minutes=2)
    live.place(documents.order(6001, moment, payment_status="authorized"))
    live.sql(
        """INSERT INTO sync.watermark AS w (connection, stream, watermark)
           VALUES ('acme', 'orders', %s) ON CONFLICT (connection, stream)
           DO UPDATE SET watermark = excluded.watermark RETURNING 1""",
        midnight - timedelta(minutes=5),
    )

    def attempts() -> list[str]:
        if live.sql("SELECT to_regclass('run_tags')") == [(None,)]:
            return []  # the daemon has only just started
        rows = live.sql(
            """SELECT t.value FROM runs r JOIN run_tags t USING (run_id)
               WHERE t.key = 'sync/attempt' AND r.status = 'FAILURE'
                 AND r.partition = %s ORDER BY r.id""",
            live.yesterday.isoformat(),
        )
        return [value for (value,) in rows]

    wait_for("a failed attempt", lambda: attempts()[:1] == ["1"], log)
    live.fault("bigcommerce")
    wait_for("delivery of the order", lambda: set(live.oms_orders()) == {"6001"}, log)
    wait_for(
        "the watermark's move",
        lambda: (
            live.sql("SELECT watermark >= %s FROM sync.watermark WHERE stream = 'orders'", midnight)
            == [(True,)]
        ),
        log,
    )
    assert live.oms_orders()["6001"]["creates"] == 1
