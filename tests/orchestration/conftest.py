"""Fixtures of the command line's tests: a shop, a ledger, a home and a Dagster instance each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
import yaml

from assets.chain.keys import STEPS, TRIGGER_TAG
from assets.chain.run_config import rerun_config
from domain.values import Partition
from orchestration.local import in_process
from orchestration.settings import project_root
from resources.http.retries import RetryPolicy
from resources.lockstep import Lockstep
from sandbox.app import RunningSandbox
from tests.assets.direct_run import run_directly
from tests.orchestration.shop import Shop


@pytest.fixture
def own_home(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a home and a Dagster instance of the test's own, without database or connections.yaml."""
    home, dagster = open_folder / "home", open_folder / "dagster"
    dagster.mkdir()
    configured = yaml.safe_load((project_root() / "dagster.yaml").read_text("utf-8"))
    for part, place in (("local_artifact_storage", ""), ("compute_logs", "logs")):
        configured[part]["config"]["base_dir"] = str(dagster / place)
    (dagster / "dagster.yaml").write_text(yaml.safe_dump(configured))
    monkeypatch.setenv("DAGSTER_HOME", str(dagster))
    monkeypatch.setenv("LOCKSTEP_HOME", str(home))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("LOCKSTEP_CONNECTIONS", raising=False)
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)
    return home


@pytest.fixture
def shop(
    sandbox: RunningSandbox, dagster_database: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Shop:
    """Create the connection ``demo`` between a store and a tenant that no other test uses."""
    monkeypatch.setenv("DATABASE_URL", dagster_database)
    monkeypatch.setenv("LOCKSTEP_CONNECTIONS", str(own_home / "connections.yaml"))
    return Shop(sandbox.url, dagster_database, f"c{uuid4().hex[:10]}")


@pytest.fixture
def direct_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands run the chains without Dagster, which takes most of a run's time.

    That they run through Dagster is tested where they are replayed (test_replay.py) and connected.
    """
    monkeypatch.setattr(in_process, "run_partitions", _run_partitions)


def _run_partitions(
    lockstep: Lockstep,
    _instance: dg.DagsterInstance,
    connection: str,
    streams: Sequence[str],
    first: Partition,
    last: Partition,
    tags: dict[str, str],
    *,
    run_id: str | None = None,
    force: bool = False,
    records: Sequence[str] | None = None,
) -> None:
    config: dict[str, Any] = {}
    for stream in streams:
        config |= rerun_config(connection, stream, only_records=records, force=force)
    run_directly(
        lockstep,
        connection,
        streams,
        list(first.to(last)),
        chosen=STEPS if records is None else STEPS[1:],
        config=config,
        trigger=tags[TRIGGER_TAG],
        run_id=run_id,
    )
