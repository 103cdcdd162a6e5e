"""Fixtures of all tests: a PostgreSQL per session, a ledger per test, a running sandbox."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from resources.ledger.database import embedded
from resources.ledger.database.migrate import migrate
from sandbox.app import RunningSandbox, running_sandbox
from tests import garbage, measuring
from tests.compiling import pytest_xdist_setupnodes
from tests.garbage import pytest_collection_finish, pytest_unconfigure
from tests.measuring import pytest_runtest_protocol
from tests.reporting import pytest_sessionstart
from tests.scheduling import (
    pytest_collection_modifyitems,
    pytest_runtest_setup,
    pytest_xdist_make_scheduler,
)

__all__ = [
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_sessionstart",
    "pytest_unconfigure",
    "pytest_xdist_make_scheduler",
    "pytest_xdist_setupnodes",
]

# A busy machine would break a deadline, or be found too slow at drawing; the number of examples
# bounds what a test costs. Each session draws others.
settings.register_profile(
    "lockstep", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("lockstep")

TEMPLATE = "lockstep_template"
NOT_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
"""What a server needs to survive a power cut only; creating and dropping a database waits for it.

Tests that kill a server start one of their own, with the product's settings.
"""
MEMORY = Path("/dev/shm")  # noqa: S108 - the server's folder in it has a name of its own
ROOM = 4 << 30
"""Bytes that must be free in memory before a session's server is put there."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Spare the import of the tests what would take most of its time."""
    garbage.before_collection()
    measuring.before_collection(session.config)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start an embedded server for the session, or use ``LOCKSTEP_TEST_DATABASE_URL``."""
    if given := os.environ.get("LOCKSTEP_TEST_DATABASE_URL"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="lockstep-pg-", dir=_in_memory()) as folder:
        data = Path(folder) / "postgres"
        url = embedded.start(data)
        with psycopg.connect(url, autocommit=True) as db:
            for setting in NOT_DURABLE:
                db.execute(f"ALTER SYSTEM SET {setting} = off")
            db.execute("SELECT pg_reload_conf()")
        yield url
        embedded.stop(data)


@contextmanager
def opened_folder() -> Iterator[Path]:
    """Make a folder in which the embedded server can read, for tests that start one.

    Not in ``tmp_path``, whose parent each session of pytest closes to other users: as root, the
    server runs as another user.
    """
    with tempfile.TemporaryDirectory(prefix="lockstep-test-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder of the test in which the embedded server can read."""
    with opened_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def template(postgres_url: str) -> str:
    """Migrate a database once; copying it is much faster than migrating one per test.

    It has the partitions of the current months, whose creation would take most of a test's SQL.
    """
    name = f"{TEMPLATE}_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}")
    migrate(_named(postgres_url, name))
    today = datetime.now(UTC).date()
    with psycopg.connect(_named(postgres_url, name)) as db:
        for day in (today - timedelta(days=2), today + timedelta(days=1)):
            db.execute("SELECT sync.ensure_month(%s)", (day,))
    return name


@pytest.fixture(scope="session")
def dagster_template(postgres_url: str, template: str) -> str:
    """Create Dagster's tables once, which takes more than a second."""
    # Here, since most tests don't need Dagster, whose import takes as long.
    from resources.ledger.database.dagster_storage import create_tables  # noqa: PLC0415

    name = f"{template}_dagster"
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    create_tables(_named(postgres_url, name))
    return name


class Administration:
    """Makes and drops databases on one connection: one for each would cost as much.

    A database is dropped when the next test has ended: at once, the server would wait a tenth of
    a second for its connections, which it is about to end.
    """

    def __init__(self, db: psycopg.Connection) -> None:
        self._db = db
        self._left: list[str] = []

    @contextmanager
    def copy_of(self, template: str) -> Iterator[str]:
        """Copy a database while the block lasts: by files, twice as fast as by blocks."""
        name = f"test_{uuid4().hex[:12]}"
        self._db.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        yield name
        self._drop()
        self._left.append(name)

    def close(self) -> None:
        """Drop what is left."""
        self._drop()

    def _drop(self) -> None:
        while self._left:
            self._db.execute(f"DROP DATABASE {self._left.pop()} WITH (FORCE)")


@pytest.fixture(scope="session")
def administration(postgres_url: str) -> Iterator[Administration]:
    """Return what makes the databases of tests."""
    with psycopg.connect(postgres_url, autocommit=True) as db:
        administration = Administration(db)
        yield administration
        administration.close()


@pytest.fixture
def database(postgres_url: str, template: str, administration: Administration) -> Iterator[str]:
    """Return the URL of a fresh, migrated database."""
    with administration.copy_of(template) as name:
        yield _named(postgres_url, name)


@pytest.fixture
def dagster_database(
    postgres_url: str, dagster_template: str, administration: Administration
) -> Iterator[str]:
    """Return the URL of a fresh, migrated database that has Dagster's tables too."""
    with administration.copy_of(dagster_template) as name:
        yield _named(postgres_url, name)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[RunningSandbox]:
    """Run one sandbox for the session; each test uses stores and tenants of its own."""
    with running_sandbox() as running:
        yield running


def _in_memory() -> Path | None:
    """Return a folder in memory, where creating a database costs a third; ``None`` without room."""
    try:
        free = shutil.disk_usage(MEMORY).free
    except OSError:
        return None
    return MEMORY if free >= ROOM and os.access(MEMORY, os.W_OK) else None


def _named(url: str, name: str) -> str:
    base, mark, query = url.partition("?")
    return base.rsplit("/", 1)[0] + "/" + name + mark + query
