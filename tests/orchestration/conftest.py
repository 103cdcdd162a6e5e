"""A shop for each test, with a ledger, a home and a Dagster instance of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from resources.http.retries import RetryPolicy
from sandbox.app import RunningSandbox
from tests.orchestration.shop import Shop

DAGSTER_YAML = """
storage:
  custom:
    module: resources.ledger.database.dagster_storage
    class: LockstepStorage
    config: {}
telemetry:
  enabled: false
"""


@pytest.fixture
def own_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let Lockstep and Dagster keep everything in a folder of the test's own, without a database or a configuration.

    Not pytest's own folder: each session of it closes that to other users, and a server that root starts runs as another user.
    """
    with tempfile.TemporaryDirectory(prefix="lockstep-test-", ignore_cleanup_errors=True) as folder:
        home, dagster = Path(folder) / "home", Path(folder) / "dagster"
        dagster.mkdir()
        (dagster / "dagster.yaml").write_text(DAGSTER_YAML)
        monkeypatch.setenv("DAGSTER_HOME", str(dagster))
        monkeypatch.setenv("LOCKSTEP_HOME", str(home))
        monkeypatch.delenv("DATABASE_URL", raising=False)
        monkeypatch.delenv("LOCKSTEP_CONNECTIONS", raising=False)
        monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)
        yield home


@pytest.fixture
def shop(
    sandbox: RunningSandbox, database: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Shop:
    """Open a connection ``demo`` between a store and a tenant that no other test uses."""
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("LOCKSTEP_CONNECTIONS", str(own_home / "connections.yaml"))
    return Shop(sandbox.url, database, f"c{uuid4().hex[:10]}")
