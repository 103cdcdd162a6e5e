"""A scene as in tests/assets, and databases with the rights of other users."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest

from resources.ledger.database import embedded
from tests.assets.conftest import scene, short_waits

__all__ = ["acting", "bare_server", "new_user", "scene", "short_waits"]


def acting(url: str, role: str) -> str:
    """Return the URL of the same database with the rights of a role."""
    return f"{url}{'&' if '?' in url else '?'}options={quote(f'-c role={role}')}"


@pytest.fixture(scope="module")
def bare_server() -> Iterator[str]:
    """Start a server without migrations and roles; yield its superuser's URL."""
    with tempfile.TemporaryDirectory(prefix="lockstep-pg-") as folder:
        data = Path(folder) / "postgres"
        yield embedded.start(data)
        embedded.stop(data)


def new_user(superuser: str, attributes: str) -> str:
    """Create a user with these attributes and its own database; return the URL of its login."""
    name = f"user_{uuid4().hex[:10]}"
    with psycopg.connect(superuser, autocommit=True) as db:
        db.execute(f"CREATE ROLE {name} LOGIN {attributes}")
        db.execute(f"CREATE DATABASE {name} OWNER {name}")
    return f"postgresql://{name}:@/{name}?{superuser.partition('?')[2]}"
