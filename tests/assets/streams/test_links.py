"""Orders are found in the other system by their link, and by nothing in their ids."""

from __future__ import annotations

import dagster as dg
import psycopg
import pytest

from assets.chain.run_config import rerun_config
from assets.reconciliation.run import Request, reconcile
from domain.connections import ORDERS, SHIPMENTS
from domain.rules import translation
from resources.ledger.links import Link, Links, RefusedLink
from resources.ledger.monitoring.activation import resume
from resources.ledger.rejections import reruns
from resources.lockstep import Lockstep
from tests.assets import documents
from tests.assets.direct_run import run_directly
from tests.assets.scene import NAME, Scene, partitions_of

pytestmark = pytest.mark.slow

PREFIX = {"order_id_prefix": "W-"}
LINKS = "SELECT store_id, oms_id FROM sync.link WHERE connection = 'acme' ORDER BY 1"


def give_to_another(scene: Scene, oms_id: str) -> None:
    """Let another connection to the same organisation own an order of the OMS."""
    assert scene.lockstep is not None
    scene.lockstep.describe()
    with psycopg.connect(scene.database, autocommit=True) as db:
        db.execute(
            """INSERT INTO sync.connection (connection, owner, description,
                                            order_id_prefix, limits, organisation, ids_ignore_case)
               SELECT 'eu', '', '', '', '{}', organisation, ids_ignore_case
               FROM sync.connection WHERE connection = 'acme'"""
        )
        assert Links(db, "eu").claim([Link("77", "77", oms_id, oms_id)], "run") == []


def forget_order(scene: Scene, number: int) -> None:
    """Remove all that the ledger has of an order, as in a backup from before it."""
    with psycopg.connect(scene.database, autocommit=True) as db:
        for table in ("capture", "record", "order_header", "order_line", "delivery"):
            db.execute(f"DELETE FROM sync.{table} WHERE source_id = '{number}'")  # noqa: S608
        db.execute("DELETE FROM sync.target_state WHERE target_key = %s", (str(number),))
        db.execute("DELETE FROM sync.link WHERE store_id = %s", (str(number),))


def run_reruns(scene: Scene) -> list[str]:
    """Run what is queued, as the sensor does; return the streams."""
    assert scene.lockstep is not None
    with scene.lockstep.ledger.session(NAME, "") as session:
        queued = reruns.unfinished(session.db)
        for rerun in queued:
            scene.run(
                rerun.stream,
                first=rerun.partition.day,
                last=rerun.partition.day,
                steps=("validated", "delivered"),
                config=rerun_config(NAME, rerun.stream, only_records=rerun.source_ids),
            )
            reruns.end(session.db, [rerun.rerun_id], "done")
    return [rerun.stream for rerun in queued]


def repair(scene: Scene, *, is_repair: bool = True) -> None:
    """Reconcile yesterday and today."""
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "reconciliation")
    for day in (scene.yesterday, scene.today):
        reconcile(sync, Request(day, (ORDERS, SHIPMENTS), is_repair, confirm_seconds=0))


def test_one_id_follows_an_order_both_ways(scene: Scene) -> None:
    """Events, correlation ids and the store's shipments all come from the link."""
    scene.configure(orders=PREFIX)
    scene.place_many([1, 2])
    scene.run("orders", first=scene.yesterday)
    assert scene.sql(LINKS) == [("1", "W-1"), ("2", "W-2")]
    scene.to_oms("orders/W-1/ship", {})
    scene.run("shipments", first=scene.today)

    assert [row["order_id"] for row in scene.store_shipments()] == [1]
    assert scene.outcomes("shipments")["W-1"] == ("accepted", "delivered")
    events = "SELECT DISTINCT order_id, source_id FROM history.milestones ORDER BY 1"
    assert scene.sql(events) == [("W-1", "1"), ("W-2", "2")]
    ids = "SELECT count(DISTINCT correlation_id) FROM sync.capture WHERE source_id IN ('1', 'W-1')"
    assert scene.sql(ids) == [(1,)]


@pytest.mark.parametrize("orders", [PREFIX, {}], ids=["with a prefix", "without"])
def test_an_order_that_was_not_sent_is_kept_until_it_has_a_link(
    scene: Scene, orders: dict[str, str]
) -> None:
    """As after a restore: it is not lost, and is taken up by itself once the order was sent."""
    scene.configure(orders=orders)
    prefix = orders.get("order_id_prefix", "")
    scene.place_many([1, 2])
    scene.run("orders", first=scene.yesterday)
    forget_order(scene, 2)
    scene.run("shipments", first=scene.today)
    assert scene.outcomes("shipments")[f"{prefix}2"] == ("skipped", "order_not_linked")
    assert scene.open_rejections("shipments") == {}
    part = {"lines": [{"line": "201", "quantity": 1}]}
    scene.to_oms(f"orders/{prefix}2/ship", part)
    scene.run("shipments", first=scene.today)
    assert scene.open_rejections("shipments") == {f"{prefix}2": "order_not_linked"}
    assert scene.store_shipments() == []

    scene.run("orders", first=scene.yesterday)
    assert run_reruns(scene) == ["shipments"]
    assert scene.open_rejections("shipments") == {}
    assert scene.outcomes("shipments")[f"{prefix}2"] == ("accepted", "delivered")
    assert [row["order_id"] for row in scene.store_shipments()] == [2]


def test_an_order_whose_link_was_lost_is_linked_again(scene: Scene) -> None:
    """As after a restore: its accepted version was given this id at the OMS."""
    scene.configure(orders=PREFIX)
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday)
    scene.sql("DELETE FROM sync.link RETURNING 1")
    scene.to_oms("orders/W-1/ship", {})
    scene.run("shipments", first=scene.today)

    assert scene.sql(LINKS) == [("1", "W-1")]
    assert [row["order_id"] for row in scene.store_shipments()] == [1]


def test_an_order_of_another_connection_is_neither_sent_nor_shipped(scene: Scene) -> None:
    """The OMS keeps the other's order, and this store shows none of its parcels."""
    scene.configure(orders=PREFIX)
    scene.place_many([1, 3])
    give_to_another(scene, "w-3")
    scene.run("orders", first=scene.yesterday)

    assert scene.open_rejections("orders") == {"3": "order_linked_elsewhere"}
    assert list(scene.oms_orders()) == ["W-1"]
    [(message,)] = scene.sql("SELECT message FROM sync.rejection")
    assert "W-3" in message
    assert "the order 77 of the connection eu" in message
    assert scene.deliveries("orders") == [("1", "create", "delivered", 1)]

    scene.to_oms("orders/W-1/copy", {"order_id": "W-3", "alternate": "3"})
    scene.to_oms("orders/W-3/ship", {})
    scene.run("shipments", first=scene.today)
    assert scene.outcomes("shipments")["W-3"] == ("skipped", "not_from_this_store")
    assert scene.store_shipments() == []


def test_a_reconciliation_links_what_the_oms_has_of_the_store(scene: Scene) -> None:
    """By itself where the order's accepted version says so; else only where an operator asks."""
    scene.configure(orders=PREFIX)
    scene.place_many([1])
    scene.place(documents.order(2, scene.moment(), status_id=2))
    scene.run("orders", first=scene.yesterday)
    scene.sql("DELETE FROM sync.link RETURNING 1")
    scene.to_oms("orders/W-1/copy", {"order_id": "W-2", "alternate": "2"})
    scene.to_oms("orders/W-1/copy", {"order_id": "W-1-B", "alternate": "1"})
    for copy in ("W-1-B", "W-2"):
        scene.to_oms(f"orders/{copy}/ship", {})
    scene.run("shipments", first=scene.today)
    assert scene.open_rejections("shipments") == dict.fromkeys(("W-1-B", "W-2"), "order_not_linked")
    scene.sql("DELETE FROM sync.link RETURNING 1")

    repair(scene, is_repair=False)
    assert scene.sql(LINKS) == [("1", "W-1")]
    repair(scene)

    assert scene.sql(LINKS) == [("1", "W-1"), ("2", "W-2")]
    waiting = "SELECT source_ids FROM sync.rerun WHERE stream = 'shipments'"
    assert (["W-2"],) in scene.sql(waiting)


def test_an_order_keeps_the_id_that_it_was_sent_with(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change and a cancellation go to the order that the OMS has, whatever the number is now.

    Only what has no link yet claims one.
    """
    claimed: list[Link] = []
    claim = Links.claim

    def claim_noted(links: Links, rows: list[Link], run_id: str) -> list[RefusedLink]:
        claimed.extend(rows)
        return claim(links, rows, run_id)

    monkeypatch.setattr(Links, "claim", claim_noted)
    scene.configure(orders=PREFIX)
    scene.place_many([1, 2])
    scene.run("orders", first=scene.yesterday)
    assert sorted(link.oms_id for link in claimed) == ["W-1", "W-2"]

    monkeypatch.setattr(translation, "id_at_oms", lambda _, number: f"W-renamed-{number}")
    scene.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    scene.to_store("orders/2/status", {"status_id": 5})
    scene.run("orders")
    assert len(claimed) == 2
    assert set(scene.oms_orders()) == {"W-1", "W-2"}
    assert scene.open_rejections("orders") == {}
    sent = {(i, action) for i, action, _, _ in scene.deliveries("orders")}
    assert sent == {("1", "create"), ("1", "update"), ("2", "create"), ("2", "cancel")}


def test_another_oms_is_not_taken_for_the_one_that_has_the_orders(scene: Scene) -> None:
    """As where a connection goes from a test tenant to the real one: it would never get them."""
    scene.place_many([1])
    scene.run("orders")
    real = {"base_url": f"{scene.url}/manhattan/{scene.store}x"}
    scene.configure(oms=real)
    with pytest.raises(dg.Failure, match="its orders are at the manhattan"):
        scene.run("orders")
    scene.configure()
    scene.run("orders")
    assert scene.oms_counts()["saves"] == 1


def test_another_store_is_not_taken_for_the_one_of_the_records(scene: Scene) -> None:
    """As where a connection goes from a test store to the real one, whose ids are the same."""
    scene.place_many([1])
    scene.run("orders")
    scene.configure(platform={"store_hash": f"{scene.store}x"})
    with pytest.raises(dg.Failure, match="its records are those of the bigcommerce store"):
        scene.run("orders")
    scene.configure()
    scene.run("orders")
    assert scene.oms_counts()["saves"] == 1


def call(scene: Scene, name: str, **sections: object) -> None:
    """Give the connection another name."""
    assert scene.lockstep is not None
    scene.lockstep.close()
    changed = scene.installation_with(**sections)
    renamed = changed.model_copy(update={"connections": {name: changed.connections[NAME]}})
    scene.lockstep = Lockstep(renamed, lambda: scene.database)
    with psycopg.connect(scene.database, autocommit=True) as db:
        resume(db, name, renamed.connections[name].streams, "test")


def run_of(scene: Scene, name: str, *streams: str) -> None:
    """Run whole chains of a connection with another name."""
    assert scene.lockstep is not None
    run_directly(scene.lockstep, name, streams, partitions_of(scene.yesterday, scene.today))


def test_a_connection_that_was_renamed_is_not_taken_for_a_new_one(scene: Scene) -> None:
    """Its orders' shipments would be skipped as another connection's, and never shown."""
    scene.place_many([1])
    scene.run("orders")
    call(scene, "renamed")
    for stream in ("orders", "shipments"):
        with pytest.raises(dg.Failure, match="Call the connection acme again"):
            run_of(scene, "renamed", stream)
    scene.to_oms("orders/1/ship", {})
    call(scene, NAME)
    run_of(scene, NAME, "orders", "shipments")
    assert [row["order_id"] for row in scene.store_shipments()] == [1]
    assert scene.oms_counts()["saves"] == 1


def test_of_a_former_connections_orders_only_the_open_ones_need_a_person(scene: Scene) -> None:
    """The new one, with ids of its own, reads the past: most of it has shipped or is canceled."""
    scene.place_many([1, 2, 3, 4])
    scene.run("orders")
    scene.to_oms("orders/1/ship", {})
    scene.to_store("orders/2/status", {"status_id": 5})
    scene.run("orders", "shipments")
    scene.to_store("orders/4/status", {"status_id": 5})
    call(scene, "second", orders=PREFIX)
    run_of(scene, "second", "orders")
    query = "SELECT source_id, rule FROM sync.record WHERE connection = 'second' ORDER BY 1"
    assert scene.sql(query) == [
        ("1", "status_not_exported"),
        ("2", "sent_elsewhere"),
        ("3", "order_sent_elsewhere"),
        ("4", "order_sent_elsewhere"),
    ]
    assert scene.oms_counts()["creates"] == 4
    scene.to_oms("advance", {"to": "allocate"})
    run_of(scene, "second", "inventory")
    allocated, shipped = 4, 2
    shown = scene.store_stock()["MUG"]["quantity"]
    assert shown == 1_000 - allocated - shipped, "the OMS has the units of the open ones"
