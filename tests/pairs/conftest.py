"""A scene for each test of a pair, with waits that suit loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from orchestration.local.simulated import Pair
from sandbox.app import RunningSandbox
from tests.assets.conftest import short_waits
from tests.pairs.anchanto_scene import AnchantoScene
from tests.pairs.commercetools import ProjectScene, project_scene
from tests.pairs.extensiv_scene import ExtensivScene
from tests.pairs.pair_scene import OpenPair, PairScene

__all__ = ["short_waits"]


@pytest.fixture
def open_pair(
    sandbox: RunningSandbox, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenPair]:
    """Return what makes a connection between two systems that no other test uses."""
    monkeypatch.setenv("LOCKSTEP_HOME", str(tmp_path))
    with ExitStack() as opened:

        def make(pair: Pair) -> PairScene:
            made = PairScene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path, pair)
            opened.callback(made.close)
            return made

        yield make


@pytest.fixture
def project(
    sandbox: RunningSandbox, database: str, tmp_path: Path, short_waits: None
) -> Iterator[ProjectScene]:
    """Make a connection between a project and a tenant that no other test uses."""
    made = project_scene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path)
    yield made
    made.close()


@pytest.fixture
def extensiv(
    sandbox: RunningSandbox, database: str, tmp_path: Path, short_waits: None
) -> Iterator[ExtensivScene]:
    """Make a connection between a store and an account that no other test uses."""
    made = ExtensivScene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path)
    yield made
    made.close()


@pytest.fixture
def anchanto(
    sandbox: RunningSandbox, database: str, tmp_path: Path, short_waits: None
) -> Iterator[AnchantoScene]:
    """Make a connection between a store and an account that no other test uses."""
    made = AnchantoScene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path)
    yield made
    made.close()
