"""A restored ledger sends nothing twice: creations look first until the days are reconciled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from assets.reconciliation.run import Request, reconcile
from orchestration.cli.machine.database import restored_command
from resources.ledger.database import embedded
from resources.ledger.monitoring.caution import cautious_days, note_database
from tests.assets import documents
from tests.assets.operator import retry
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow


def back_up(scene: Scene) -> Callable[[], None]:
    """Copy the ledger as it is, and return what restores it."""
    source = scene.database
    name = f"backup_{uuid4().hex[:8]}"
    assert scene.lockstep is not None
    scene.lockstep.close()
    scene.let_go()
    with psycopg.connect(source, autocommit=True) as db:
        original = db.info.dbname
    copied = source.replace(f"/{original}", f"/{name}")
    assert copied != source
    with psycopg.connect(source.replace(f"/{original}", "/postgres"), autocommit=True) as db:
        db.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(original)
            )
        )
    scene.configure()

    def restore() -> None:
        scene.database = copied
        scene.configure()

    return restore


def capture_until_now(scene: Scene) -> None:
    """Set the watermark of orders to the present, as live runs do."""
    scene.sql(
        "INSERT INTO sync.watermark (connection, stream, watermark) VALUES (%s, 'orders', now()) "
        "ON CONFLICT (connection, stream) DO UPDATE SET watermark = now() RETURNING 1",
        NAME,
    )


def test_effects_after_the_backup_happen_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Order and parcel came after the backup; neither is created a second time."""
    scene.place(documents.order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders", first=scene.yesterday, steps=("captured",), trigger="live")
    capture_until_now(scene)
    restore = back_up(scene)
    scene.run("orders", first=scene.yesterday)
    scene.to_oms("orders/1/ship", {"carrier": "UPS", "tracking": "1Z999AA10123456784"})
    scene.run("shipments", first=scene.today)
    assert len(scene.store_shipments()) == 1
    restore()
    monkeypatch.setattr(embedded, "database_url", lambda: scene.database)
    answered = CliRunner().invoke(restored_command)
    assert answered.exit_code == 0, answered.output
    assert "treated with caution until reconciled" in answered.output

    scene.run("orders", first=scene.yesterday)
    scene.run("shipments", first=scene.today)

    assert len(scene.store_shipments()) == 1
    assert scene.oms_orders()["1"]["creates"] == 1
    assert scene.outcomes("shipments")["1"] == ("accepted", "delivered")


def restored(scene: Scene, restore: Callable[[], None], patch: pytest.MonkeyPatch) -> None:
    """Restore a backup, and say so as the documentation asks."""
    restore()
    patch.setattr(embedded, "database_url", lambda: scene.database)
    answered = CliRunner().invoke(restored_command)
    assert answered.exit_code == 0, answered.output


def lines_of(scene: Scene) -> dict[str, bool]:
    """Return the lines of the one order at the OMS, and whether each is canceled."""
    return {line["OrderLineId"]: line["IsCancelled"] for line in scene.oms_order(1)["OrderLine"]}


@pytest.mark.parametrize("is_known", [True, False], ids=["order known", "order unknown"])
def test_a_line_that_was_removed_since_the_backup_leaves_the_oms(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    """The restored ledger knows no line of the order, or not the one that was added after it."""
    first = [("MUG", 2)] if is_known else [("MUG", 2), ("LAMP", 1)]
    scene.place(documents.order(1, scene.moment(), first))
    scene.run("orders", first=scene.yesterday, steps=scene.steps if is_known else ("captured",))
    capture_until_now(scene)
    restore = back_up(scene)
    if is_known:
        added = documents.line(102, "LAMP", 1)
        del added["id"]
        scene.to_store("orders/1", {"products": [added]}, "PATCH")
    scene.run("orders")
    assert lines_of(scene) == {"101": False, "102": False}
    restored(scene, restore, monkeypatch)
    scene.to_store("orders/1", {"products": [{"id": 102, "quantity": 0}]}, "PATCH")

    scene.run("orders")

    assert lines_of(scene) == {"101": False, "102": True}
    assert scene.oms_orders()["1"]["creates"] == 1


def test_a_line_that_the_oms_itself_has_added_stays(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user than the one of the saves has created it."""
    scene.place(documents.order(1, scene.moment(), [("MUG", 2)]))
    capture_until_now(scene)
    restore = back_up(scene)
    scene.run("orders", first=scene.yesterday)
    by_hand = scene.oms_order(1)["OrderLine"][0] | {"OrderLineId": "7", "CreatedBy": "agent"}
    scene.to_oms("orders/1/tamper", {"change": {"OrderLine": [by_hand]}})
    restored(scene, restore, monkeypatch)
    scene.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")

    scene.run("orders")

    assert lines_of(scene) == {"101": False, "7": False}
    assert "Ring twice" in str(scene.oms_order(1)["OrderNote"])


def test_an_order_that_was_created_and_withdrawn_since_the_backup_is_canceled(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The restored ledger has its capture, and no delivery."""
    scene.place(documents.order(1, scene.moment()))
    scene.run("orders", first=scene.yesterday, steps=("captured", "validated"))
    capture_until_now(scene)
    restore = back_up(scene)
    scene.run("orders", first=scene.yesterday)
    restored(scene, restore, monkeypatch)
    scene.to_store("orders/1/status", {"status_id": 5})

    scene.run("orders")

    assert scene.oms_orders()["1"]["canceled"]


def end_caution(scene: Scene) -> None:
    """Let the days of the caution pass: each was reconciled, without the rejected order."""
    scene.sql_write("DELETE FROM sync.caution")


@pytest.mark.parametrize("then", ["canceled", "retried"])
def test_an_order_whose_rejection_was_ended_since_the_backup_is_known_after_the_caution_too(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """It was placed long before. For the restored ledger it is rejected, and was never sent."""
    boats = {"orders": {"shipping_methods": {"Ground": "Ground", "Slow boat": "Ground"}}}
    day = scene.today - timedelta(days=5)
    boat = documents.address(100, shipping_method="Slow boat")
    scene.place(documents.order(1, scene.moment(day), shipping_addresses=[boat]))
    scene.run("orders", first=day, last=day)
    assert scene.open_rejections("orders") == {"1": "shipping_method_unknown"}
    capture_until_now(scene)
    restore = back_up(scene)
    scene.configure(**boats)
    retry(scene, "orders")
    scene.run("orders", first=day, last=day, steps=("validated", "delivered"))
    restored(scene, restore, monkeypatch)
    end_caution(scene)
    scene.configure(**boats)
    if then == "canceled":
        scene.to_store("orders/1/status", {"status_id": 5})
        scene.run("orders")
    else:
        retry(scene, "orders")
        scene.run("orders", first=day, last=day, steps=("validated", "delivered"))

    order = scene.oms_orders()["1"]
    assert (order["creates"], order["saves"], order["canceled"]) == (1, 1, then == "canceled")
    assert scene.open_rejections("orders") == {}


def test_a_level_that_was_written_since_the_backup_is_written_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The OMS states what the restored ledger has, so that nothing seems to have changed."""
    row = {"item": "MUG", "location": documents.DEPOT}
    scene.run("orders", "inventory", first=scene.today)
    capture_until_now(scene)
    restore = back_up(scene)
    scene.to_oms("supply", [row | {"quantity": 50}])
    scene.run("inventory", first=scene.today)
    assert scene.store_stock()["MUG"]["quantity"] == 50
    scene.to_oms("supply", [row | {"quantity": 1000}])
    restored(scene, restore, monkeypatch)

    scene.run("inventory", first=scene.today)

    assert scene.store_stock()["MUG"]["quantity"] == 1000
    assert scene.store_stock()["LAMP"]["writes"] == 1


def test_caution_ends_with_the_reconciliation_of_each_day(scene: Scene) -> None:
    """Orders and shipments of the day have to be compared."""
    scene.place_many([1])
    scene.run("orders")
    scene.run("shipments")
    capture_until_now(scene)
    with psycopg.connect(scene.database, autocommit=True) as db:
        note_database(db)
        db.execute("UPDATE sync.database_identity SET timeline = '00000000'")
        assert note_database(db)
        assert not note_database(db)
        assert cautious_days(db, NAME) == [scene.yesterday, scene.today]
        assert scene.lockstep is not None
        sync = scene.lockstep.sync(NAME, "test")
        for day in (scene.yesterday, scene.today):
            reconcile(sync, Request(day, ("orders",), confirm_seconds=0))
            assert day in cautious_days(db, NAME)
            reconcile(sync, Request(day, ("orders", "shipments"), confirm_seconds=0))
            assert day not in cautious_days(db, NAME)


def test_the_same_database_makes_no_caution(scene: Scene) -> None:
    """A restart, and a first start, are not a restore."""
    scene.run("orders")
    with psycopg.connect(scene.database, autocommit=True) as db:
        assert not note_database(db)
        assert cautious_days(db, NAME) == []
