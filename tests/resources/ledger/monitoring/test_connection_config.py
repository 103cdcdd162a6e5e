"""The part of the configuration that the ledger stores."""

from __future__ import annotations

from pathlib import Path

import psycopg

from resources.ledger.monitoring.connection_config import describe
from tests.assets.scene import installation_of


def test_a_connection_is_described_with_its_limits_in_seconds(
    database: str, tmp_path: Path
) -> None:
    """Views hold times against the limits, so these stand in the ledger in one unit."""
    with psycopg.connect(database, autocommit=True) as db:
        describe(
            db,
            installation_of(
                "http://127.0.0.1:1",
                "s1",
                tmp_path,
                limits={"probe": "PT1M", "silence": {"orders": "PT2H"}},
            ),
        )
        owner, limits, configured = db.execute(
            "SELECT owner, limits, configured FROM sync.connection"
        ).fetchone() or ("", {}, False)

    assert (owner, configured) == ("team:operations", True)
    assert limits["probe"] == 60
    assert limits["silence"] == {"orders": 7200}
    assert limits["freshness"] == 1800


def test_a_connection_that_was_taken_out_is_kept_and_marked(database: str, tmp_path: Path) -> None:
    """Its history still has an owner; nothing watches it any more."""
    one = installation_of("http://127.0.0.1:1", "s1", tmp_path)
    other = one.model_copy(update={"connections": {"acme_eu": one.connections["acme"]}})
    with psycopg.connect(database, autocommit=True) as db:
        describe(db, one)
        describe(db, other)
        rows = db.execute(
            "SELECT connection, configured FROM sync.connection ORDER BY 1"
        ).fetchall()

    assert rows == [("acme", False), ("acme_eu", True)]
