"""One running sandbox for a module of tests, and a separate store for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.app import RunningSandbox, running_sandbox
from tests.sandbox.simulated_store import Store


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """One server for the module."""
    with running_sandbox() as running:
        yield running


@pytest.fixture
def store(sandbox: RunningSandbox, request: pytest.FixtureRequest) -> Store:
    """A separate store for each test."""
    return Store(sandbox.url, f"s{abs(hash(request.node.name))}")
