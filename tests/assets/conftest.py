"""A scene for each test, with waits that suit loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest

from assets.chain import factory
from resources.http.policy import ClientPolicy
from resources.http.retries import RetryPolicy
from sandbox.app import RunningSandbox
from tests.assets.scene import Scene


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry within hundredths of a second, without Dagster's own retries, which take minutes."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)
    monkeypatch.setattr(factory, "RETRIES", dg.RetryPolicy(max_retries=0))
    monkeypatch.setattr(ClientPolicy, "acts_for", 0.05)


@pytest.fixture
def scene(
    sandbox: RunningSandbox, database: str, tmp_path: Path, short_waits: None
) -> Iterator[Scene]:
    """Make a connection between a store and a tenant that no other test uses."""
    made = Scene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path)
    yield made
    made.close()
