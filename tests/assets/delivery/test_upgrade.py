"""A filled ledger of an older version is migrated with all of its data, and goes on."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from resources.ledger import links
from resources.ledger.database.migrate import is_current, migrate
from resources.lockstep import Lockstep
from tests.assets.delivery.old_ledger import (
    columns,
    leave_unfinished,
    old_copy,
    rows,
    store_ids_of_shipments_alone,
    tables,
)
from tests.assets.documents import address, order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

UNFINISHED = {"3": ("dead", 5), "4": ("failed", 2), "6": ("in_flight", 1)}
PREFIX = {"order_id_prefix": "W-"}


@pytest.fixture
def busy(scene: Scene) -> Scene:
    """Orders in all states, a parcel, stock, a rejection, and a cancellation without an answer."""
    scene.configure(orders=PREFIX)
    scene.to_oms("settings", {"late_cancellation": True})
    scene.place_many(range(1, 7))
    boat = [address(700, shipping_method="Boat")]
    scene.place(order(7, scene.moment(), shipping_addresses=boat))
    scene.run("orders", "inventory")
    advance = {"to": "release", "cancel_rate": 0.0, "orders": ["W-2"]}
    scene.to_oms("advance", advance)
    scene.to_store("orders/2/status", {"status_id": 5})
    scene.to_oms("orders/W-5/ship", {"carrier": "UPS", "tracking": "1Z999AA10123456784"})
    scene.run("orders", "shipments")
    assert ("2", "cancel", "requested", 1) in scene.deliveries("orders")
    return scene


@pytest.mark.parametrize("last", ["0009", "0015", "0023"])
def test_a_filled_ledger_is_migrated_and_delivers(busy: Scene, last: str) -> None:
    """Nothing is lost or sent twice, and what was open ends."""
    scene = busy
    with old_copy(scene.database, last) as url:
        with psycopg.connect(url, autocommit=True) as db:
            store_ids_of_shipments_alone(db)
            leave_unfinished(db, UNFINISHED)
            before = {table: columns(db, table) for table in tables(db)}
            before.pop("stock_basis", None)  # all levels are planned again
            kept = {table: rows(db, table) for table in before}
        assert [table for table, found in kept.items() if not found] == []
        assert not is_current(url)
        migrate(url)
        with psycopg.connect(url, autocommit=True) as db:
            now = {table: rows(db, table, names) for table, names in before.items()}
            links = db.execute("SELECT store_id, store_number, oms_id FROM sync.link ORDER BY 1")
            assert links.fetchall() == [(n, n, f"W-{n}") for n in "123456"]
            asked = db.execute("SELECT source_id, action, state FROM sync.request")
            assert asked.fetchall() == [("2", "cancel", "asked")]
        assert now == kept

        scene.database = url
        scene.configure(orders=PREFIX)
        scene.to_store("orders/1", {"customer_message": "Newer"}, "PATCH")
        scene.to_oms("orders/W-2/cancel_outcome", {"accepted": True})
        scene.run("orders", "shipments")

        at_oms = scene.oms_orders()
        assert {number: one["creates"] for number, one in at_oms.items()} == {
            f"W-{n}": 1 for n in range(1, 7)
        }
        assert [note["NoteText"] for note in scene.oms_order("W-1")["OrderNote"]] == ["Newer"]
        outcomes = scene.outcomes("orders")
        assert outcomes.pop("5")[0] == "skipped"  # the store shows it as shipped by now
        assert outcomes.pop("7") == ("rejected", "shipping_method_unknown")
        assert outcomes == dict.fromkeys("12346", ("accepted", "delivered"))
        assert ("2", "cancel", "delivered", 1) in scene.deliveries("orders")
        assert len(scene.store_shipments()) == 1
        assert scene.open_rejections("shipments") == {}
        open_ones = (
            "SELECT source_id, state FROM sync.delivery WHERE is_uncertain OR state = ANY(%s)"
        )
        assert scene.sql(open_ones, ["in_flight", "failed", "dead", "requested"]) == []
        owners = "SELECT DISTINCT organisation FROM sync.link"
        assert scene.sql(owners) == scene.sql(
            "SELECT organisation FROM sync.connection WHERE connection = 'acme'"
        )
        scene.close()


def test_a_ledger_is_migrated_while_a_process_of_the_version_before_delivers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither waits for the other for long, the run ends, and nothing is sent twice.

    That version neither writes nor reads the column of a connection's store, which 0048 adds, nor
    reads those of a stream's start, which 0049 adds, and of the last restore, which 0056 adds.
    """
    scene.place_many(range(1, 13))
    scene.run("orders", steps=("captured", "validated"))
    with old_copy(scene.database, "0045") as url:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("ALTER TABLE sync.activation ADD COLUMN started_at timestamptz")
            db.execute("ALTER TABLE sync.database_identity ADD COLUMN restored_at timestamptz")
        scene.database = url
        scene.configure(oms={"push_concurrency": 1})
        slow = {"kind": "delay", "delay_ms": 150, "method": "POST", "path": "/order/save$"}
        scene.fault("manhattan", slow)
        applied: list[str] = []

        def apply() -> None:
            while not scene.oms_orders():
                time.sleep(0.02)
            applied.extend(migrate(url))

        thread = threading.Thread(target=apply)
        thread.start()
        with monkeypatch.context() as before_0048:
            before_0048.setattr(Lockstep, "describe", lambda _: None)
            before_0048.setattr(links, "sent_elsewhere", lambda *_, **__: {})
            scene.run("orders", steps=("delivered",))
        thread.join()
        scene.fault("manhattan")
        assert len(applied) >= 2
        at_oms = scene.oms_orders()
        assert {number: one["creates"] for number, one in at_oms.items()} == {
            str(n): 1 for n in range(1, 13)
        }
        before = scene.effects()
        scene.run("orders")
        assert scene.effects() == before
        scene.close()
