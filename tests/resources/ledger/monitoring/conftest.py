"""A ledger whose rows have any age, and a connection with limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from resources.ledger.links import Link, Links
from resources.ledger.monitoring.activation import resume
from resources.ledger.monitoring.connection_config import describe
from tests.assets.scene import installation_of
from tests.resources.ledger.monitoring.book import LIMITS, Book


@pytest.fixture
def book(database: str, tmp_path: Path) -> Iterator[Book]:
    """Describe a connection whose orders are linked to W-1, W-2, ... at the OMS."""
    with psycopg.connect(database) as db:
        describe(
            db,
            installation_of(
                "http://127.0.0.1:1",
                "s1",
                tmp_path,
                limits=LIMITS,
                orders={"order_id_prefix": "W-"},
            ),
        )
        Links(db, "acme").claim([Link(n, n, f"W-{n}", f"W-{n}") for n in "123456789"], "test")
        resume(db, "acme", ["orders", "inventory", "shipments"], "test")
        db.execute(
            "UPDATE sync.activation SET changed_at = now() - interval '1 year', started_at = NULL"
        )
        yield Book(db)
        db.rollback()
