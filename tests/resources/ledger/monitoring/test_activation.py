"""Which streams are active: at first none, and after an upgrade those that had delivered."""

from __future__ import annotations

import psycopg

from resources.ledger.database.migrate import migrations
from resources.ledger.monitoring.activation import (
    activations,
    active_streams,
    pause,
    resume,
    start_new,
)
from tests.resources.ledger.monitoring.book import Book


def test_a_stream_is_paused_until_it_is_resumed(database: str) -> None:
    """Each change says who made it and why; a repetition changes nothing."""
    with psycopg.connect(database, autocommit=True) as db:
        [state] = activations(db, "acme", ["orders"])
        assert str(state) == (
            "acme/orders is paused: it was never started. Run 'lockstep connect acme' to check "
            "both systems and sync the recent past, or 'lockstep resume acme --streams orders' to "
            "start from today"
        )
        assert resume(db, "acme", ["orders", "inventory"], "ada") == ["orders", "inventory"]
        assert resume(db, "acme", ["orders"], "bob") == []
        assert pause(db, "acme", ["inventory", "shipments"], "bob", "stocktaking") == [
            "inventory",
            "shipments",
        ]
        assert active_streams(db, ["acme", "other"]) == {("acme", "orders")}
        states = activations(db, "acme", ["orders", "inventory", "shipments"])
    assert [state.active for state in states] == [True, False, False]
    assert [state.changed_by for state in states] == ["ada", "bob", "bob"]
    assert str(states[0]) == "acme/orders is active"
    assert str(states[1]).startswith("acme/inventory is paused by bob since 20")
    assert "Z: stocktaking. Run 'lockstep resume acme --streams inventory'" in str(states[1])


def test_what_an_operator_has_paused_is_not_started(database: str) -> None:
    """The sandbox's connection starts by itself, and stays as it was left after that."""
    with psycopg.connect(database, autocommit=True) as db:
        start_new(db, "demo", ["orders", "inventory"], "lockstep up")
        pause(db, "demo", ["orders"], "ann")
        start_new(db, "demo", ["orders", "inventory", "shipments"], "lockstep up")
        assert active_streams(db, ["demo"]) == {("demo", "inventory"), ("demo", "shipments")}


def test_an_upgrade_keeps_connections_that_have_delivered_active(postgres_url: str) -> None:
    """Others are paused: one that was never connected must not write because of an upgrade."""
    name = "upgrade_to_activation"
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name}")
        db.execute(f"CREATE DATABASE {name}")
    base, mark, query = postgres_url.partition("?")
    url = base.rsplit("/", 1)[0] + f"/{name}" + mark + query
    texts = dict(migrations())
    with psycopg.connect(url, autocommit=True) as db:
        for migration, text in texts.items():
            if migration == "0011_activation.sql":
                break
            db.execute(text.encode())
        for connection in ("old", "stock", "new"):
            db.execute(
                "INSERT INTO sync.connection (connection, owner, description, streams, "
                "order_id_prefix, limits) VALUES (%s, '', '', '{orders,shipments}', '', '{}')",
                (connection,),
            )
        db.execute(
            "INSERT INTO sync.target_state (connection, stream, target_key, target_id, content, "
            "digest, sequence, source_updated_at) "
            "VALUES ('old', 'orders', '1', '1', '', '', 1, now())"
        )
        db.execute(
            "INSERT INTO sync.watermark (connection, stream, delivered_at) "
            "VALUES ('stock', 'orders', now()), ('new', 'orders', NULL)"
        )
        db.execute(texts["0011_activation.sql"].encode())
        assert sorted(active_streams(db, ["old", "stock", "new"])) == [
            ("old", "orders"),
            ("old", "shipments"),
            ("stock", "orders"),
            ("stock", "shipments"),
        ]
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_stream_that_was_just_resumed_is_not_late_yet(book: Book) -> None:
    """Its last probe is as old as the pause: the next tick probes it, and no alert is sent."""
    old = "now() - interval '1 day'"
    book.db.execute(
        f"""INSERT INTO sync.watermark (connection, stream, watermark, probed_at, captured_at)
            VALUES ('acme', 'orders', {old}, {old}, {old})"""  # noqa: S608 - a constant
    )
    book.db.execute(f"UPDATE sync.activation SET changed_at = {old}")  # noqa: S608 - a constant
    state = "SELECT state FROM history.lag WHERE stream = 'orders'"
    assert book.db.execute(state).fetchone() == ("no_probe",)
    pause(book.db, "acme", ["orders"], "ann")
    assert book.db.execute(state).fetchone() == ("paused",)
    resume(book.db, "acme", ["orders"], "ann")
    assert book.db.execute(state).fetchone() == ("ok",)
