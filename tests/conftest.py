"""Fixtures for all tests: an embedded PostgreSQL for the session, a fresh ledger for each test, and a running sandbox."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings

from resources.ledger.database import embedded
from resources.ledger.database.migrate import migrate
from sandbox.app import RunningSandbox, running_sandbox

# On a busy machine an example takes as long as it takes; what a test may cost is bounded by the number of its examples.
settings.register_profile("lockstep", deadline=None)
settings.load_profile("lockstep")

TEMPLATE = "lockstep_template"
LONGEST = (
    "chaos/test_chaos.py",
    "end_to_end/test_demo.py",
    "orchestration/test_up.py",
    "end_to_end/test_live.py",
    "end_to_end/test_crash.py",
)
"""Files that take a minute or more: they are begun first, so that no worker is left alone with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; xdist is told not to change that (``--no-loadscope-reorder``)."""
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(LONGEST)))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start an embedded server of this session's own, stopped at its end; ``LOCKSTEP_TEST_DATABASE_URL`` names another to use."""
    if given := os.environ.get("LOCKSTEP_TEST_DATABASE_URL"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="lockstep-pg-") as folder:
        data = Path(folder) / "postgres"
        yield embedded.start(data)
        embedded.stop(data)


@pytest.fixture(scope="session")
def template(postgres_url: str) -> str:
    """Migrate a database to copy from: much faster than migrating one for each test."""
    name = f"{TEMPLATE}_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}")
    migrate(_named(postgres_url, name))
    return name


@pytest.fixture
def database(postgres_url: str, template: str) -> Iterator[str]:
    """URL of a fresh, migrated database."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _named(postgres_url, name)
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[RunningSandbox]:
    """One sandbox for the session; each test takes stores and tenants of its own name."""
    with running_sandbox() as running:
        yield running


def _named(url: str, name: str) -> str:
    base, mark, query = url.partition("?")
    return base.rsplit("/", 1)[0] + "/" + name + mark + query
