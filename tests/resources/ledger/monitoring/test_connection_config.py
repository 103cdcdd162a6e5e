"""The part of the configuration that the ledger stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from domain.connections import Installation
from resources.ledger.links import Link, Links
from resources.ledger.monitoring.connection_config import (
    describe,
    kept_oms,
    kept_prefixes,
    kept_stores,
)
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


def hold(db: psycopg.Connection[Any], stream: str, key: str, target_id: str) -> None:
    """Note what the connection's target holds of one record."""
    db.execute(
        """INSERT INTO sync.target_state (connection, stream, target_key, target_id, content,
                                          digest, sequence, source_updated_at)
           VALUES ('acme', %s, %s, %s, '', '', 1, now())""",
        (stream, key, target_id),
    )


def test_the_prefix_under_which_orders_were_sent_is_kept(database: str, tmp_path: Path) -> None:
    """Views, forgetting and the check at start depend on where the OMS has the orders."""
    first, second = (
        installation_of("http://127.0.0.1:1", "s1", tmp_path, orders={"order_id_prefix": prefix})
        for prefix in ("A-", "B-")
    )
    with psycopg.connect(database, autocommit=True) as db:
        describe(db, first)
        describe(db, second)
        assert kept_prefixes(db, second) == {}, "no order was sent: the prefix is free"
        describe(db, first)
        hold(db, "orders", "1", "A-1")
        describe(db, second)
        assert kept_prefixes(db, second) == {"acme": "A-"}
        assert kept_prefixes(db, first) == {}
        assert db.execute("SELECT order_id_prefix FROM sync.connection").fetchone() == ("A-",)


def test_the_store_whose_records_a_connection_has_is_kept(database: str, tmp_path: Path) -> None:
    """Another store's orders may have the same ids; the same store may get another address."""
    first, second = (installation_of("http://127.0.0.1:1", name, tmp_path) for name in ("s1", "s2"))
    moved = installation_of(
        "http://127.0.0.1:1", "s2", tmp_path, store_moved_from="bigcommerce store s1"
    )
    with psycopg.connect(database, autocommit=True) as db:
        describe(db, first)
        describe(db, second)
        assert kept_stores(db, second) == {}, "it has no records yet"
        describe(db, first)
        hold(db, "inventory", "MUG@1", "1")
        describe(db, second)
        assert kept_stores(db, second) == {"acme": "bigcommerce store s1"}
        assert kept_stores(db, first) == {}
        describe(db, moved)
        assert kept_stores(db, moved) == kept_stores(db, second) == {}
        db.execute("UPDATE sync.connection SET store = ''")
        describe(db, first)
        assert kept_stores(db, first) == {}, "the ledger is older than the column"


def test_the_oms_that_has_a_connections_orders_is_kept(database: str, tmp_path: Path) -> None:
    """Another tenant has none of them; the same one may get another address."""
    old = "manhattan 127.0.0.1:1/manhattan/s1, organization sandbox"
    first, second = (installation_of(f"http://127.0.0.1:{port}", "s1", tmp_path) for port in (1, 2))
    moved = installation_of("http://127.0.0.1:2", "s1", tmp_path, oms_moved_from=old)
    with psycopg.connect(database, autocommit=True) as db:
        describe(db, first)
        hold(db, "inventory", "MUG@1", "1")
        describe(db, second)
        assert kept_oms(db, second) == {}, "it has no order yet"
        describe(db, first)
        Links(db, "acme").claim([Link("1", "1", "W-1", "W-1")], "run")
        describe(db, second)
        assert (kept_oms(db, second), kept_oms(db, first)) == ({"acme": old}, {})
        describe(db, moved)
        assert kept_oms(db, moved) == kept_oms(db, second) == {}
        assert Links(db, "acme").store_ids(["W-1"]) == {"W-1": "1"}


def test_an_oms_that_moves_back_or_on_is_taken_from_where_it_was_last(
    database: str, tmp_path: Path
) -> None:
    """A setting that is left from an earlier move allows no later one; links follow each."""
    oms = {n: f"manhattan 127.0.0.1:{n}/manhattan/s1, organization sandbox" for n in (1, 2, 3)}

    def at(port: int, came_from: int | None = None) -> Installation:
        moved = {} if came_from is None else {"oms_moved_from": oms[came_from]}
        return installation_of(f"http://127.0.0.1:{port}", "s1", tmp_path, **moved)

    with psycopg.connect(database, autocommit=True) as db:
        describe(db, at(1))
        Links(db, "acme").claim([Link("1", "1", "W-1", "W-1")], "run")
        describe(db, at(2, came_from=1))
        for port, stale, last in ((1, 1, 2), (2, 2, 1), (3, 1, 2)):
            describe(db, at(port, came_from=stale))
            assert kept_oms(db, at(port, came_from=stale)) == {"acme": oms[last]}
            describe(db, at(port, came_from=last))
            assert kept_oms(db, at(port)) == {}
            assert Links(db, "acme").store_ids(["W-1"]) == {"W-1": "1"}


STREAMS = """SELECT stream, to_oms, is_snapshot, entity, source_system, target_system, configured
             FROM sync.stream WHERE connection = %s ORDER BY place"""


def test_each_stream_is_described(database: str, tmp_path: Path) -> None:
    """SQL finds there which streams there are, and repeats no list of them."""
    one = installation_of("http://127.0.0.1:1", "s1", tmp_path, streams=["shipments", "orders"])
    other = installation_of("http://127.0.0.1:1", "s1", tmp_path, streams=["inventory", "orders"])
    with psycopg.connect(database, autocommit=True) as db:
        describe(db, one)
        order = ("orders", True, False, "order", "bigcommerce", "manhattan", True)
        parcel = ("shipments", False, False, "order", "manhattan", "bigcommerce")
        assert db.execute(STREAMS, ("acme",)).fetchall() == [(*parcel, True), order]

        describe(db, other)

        stock = ("inventory", False, True, "stock", "manhattan", "bigcommerce", True)
        assert set(db.execute(STREAMS, ("acme",))) == {stock, order, (*parcel, False)}


def test_a_connection_that_was_taken_out_has_no_configured_streams(
    database: str, tmp_path: Path
) -> None:
    """Its streams are kept, as the connection is."""
    one = installation_of("http://127.0.0.1:1", "s1", tmp_path)
    other = one.model_copy(update={"connections": {"acme_eu": one.connections["acme"]}})
    with psycopg.connect(database, autocommit=True) as db:
        describe(db, one)
        describe(db, other)
        states = {
            name: {row[-1] for row in db.execute(STREAMS, (name,))} for name in ("acme", "acme_eu")
        }
    assert states == {"acme": {False}, "acme_eu": {True}}
