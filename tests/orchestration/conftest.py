"""Fixtures of the command line's tests: a shop, a ledger, a home and a Dagster instance each."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from orchestration.settings import project_root
from resources.http.retries import RetryPolicy
from sandbox.app import RunningSandbox
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
