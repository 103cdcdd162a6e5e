"""A new connection takes over what the OMS has from the program that it replaces."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resources.ledger.monitoring.activation import OVERLAP, pause, predecessor_until, resume
from tests.assets import documents
from tests.assets.customers import STREAMS, address, customer, held, register
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=30)

LEDGER = (
    "capture, sync.unvalidated, sync.record, sync.order_header, sync.order_line, sync.delivery, "
    "sync.target_state, sync.link, sync.watermark"
)


def start_anew(scene: Scene) -> None:
    """Let what was sent be another program's: the connection starts only now."""
    scene.sql_write(f"TRUNCATE sync.{LEDGER}")
    scene.sql_write("UPDATE sync.activation SET started_at = now()")


def lines_of(scene: Scene, number: int) -> dict[str, tuple[float, bool]]:
    """Return quantity and end of each line that the OMS has of an order."""
    lines = scene.oms_order(number)["OrderLine"]
    return {row["OrderLineId"]: (row["Quantity"], row["IsCancelled"]) for row in lines}


def warnings_of(scene: Scene) -> set[str]:
    """Return the codes of all warnings."""
    return {code for (code,) in scene.sql("SELECT code FROM history.warnings")}


def test_what_the_oms_has_as_the_store_does_is_linked_and_not_sent(scene: Scene) -> None:
    """It is known from now on: a later change goes out as one."""
    scene.place(documents.order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders")
    start_anew(scene)

    before = scene.effects()
    scene.run("orders")

    assert scene.effects() == before
    assert scene.outcomes("orders") == {"1": ("accepted", "unchanged")}
    assert scene.sql("SELECT store_id, oms_id FROM sync.link") == [("1", "1")]
    assert warnings_of(scene) == {"order_adopted"}
    scene.to_store("orders/1", {"products": [{"id": 101, "quantity": 3}]}, "PATCH")
    scene.run("orders")
    assert scene.deliveries("orders") == [("1", "update", "delivered", 1)]
    assert lines_of(scene, 1) == {"101": (3, False)}


def test_what_has_changed_in_the_store_since_is_changed_at_the_oms(scene: Scene) -> None:
    """Line by line; nothing is doubled, and what the OMS's people have added stays."""
    scene.place(documents.order(1, scene.moment(), [("MUG", 2), ("LAMP", 1)]))
    scene.run("orders")
    start_anew(scene)
    by_hand = scene.oms_order(1)["OrderLine"][0] | {"OrderLineId": "7", "CreatedBy": "agent"}
    scene.to_oms("orders/1/tamper", {"change": {"OrderLine": [by_hand]}})
    changes = [{"id": 101, "quantity": 5}, {"id": 102, "quantity": 0}]
    scene.to_store("orders/1", {"products": changes}, "PATCH")

    scene.run("orders")

    assert scene.oms_orders()["1"]["creates"] == 1
    assert scene.deliveries("orders") == [("1", "update", "delivered", 1)]
    found = lines_of(scene, 1)
    assert (found["101"], found["102"][1], found["7"]) == ((5, False), True, (2, False))


def test_an_order_with_other_lines_is_left_to_a_person(scene: Scene) -> None:
    """Its lines would be doubled, or another shop's order be overwritten."""
    scene.place(documents.order(2, scene.moment(), [("MUG", 2)]))
    scene.run("orders")
    scene.to_oms("orders/2/copy", {"order_id": "1"})
    start_anew(scene)
    scene.place(documents.order(1, scene.moment(), [("MUG", 2)]))
    before = scene.oms_order(1)

    scene.run("orders")

    assert scene.oms_order(1) == before
    assert scene.open_rejections("orders") == {"1": "order_exists_differently"}
    assert scene.sql("SELECT store_id FROM sync.link WHERE store_id = '1'") == []
    assert scene.deliveries("orders") == []


def test_a_cancellation_reaches_an_order_that_the_predecessor_has_sent(scene: Scene) -> None:
    """The ledger knows no delivery of it, and the OMS would ship it."""
    scene.place(documents.order(1, scene.moment()))
    scene.run("orders")
    start_anew(scene)
    scene.to_store("orders/1/status", {"status_id": 5})

    scene.run("orders")

    assert scene.oms_orders()["1"]["canceled"]
    assert scene.outcomes("orders") == {"1": ("accepted", "delivered")}


def test_an_order_that_is_canceled_at_the_oms_is_not_created_again(scene: Scene) -> None:
    """The store follows it by its fulfilment."""
    scene.place(documents.order(1, scene.moment()))
    scene.run("orders")
    scene.to_oms("orders/1/cancel", {"reason": "Customer Request"})
    start_anew(scene)

    before = scene.effects()
    scene.run("orders")

    assert scene.effects() == before
    assert scene.open_rejections("orders") == {}


def test_orders_that_were_placed_later_are_not_looked_for(scene: Scene) -> None:
    """They can only be our own: a connection that runs makes no call more for an order."""
    start = scene.moment() - OVERLAP - timedelta(minutes=1)
    scene.sql_write("UPDATE sync.activation SET started_at = %s", start)
    scene.place_many([1, 2])
    scene.fault("manhattan", {"kind": "status", "status": 400, "path": "order/search"})

    scene.run("orders")

    assert scene.oms_orders().keys() == {"1", "2"}


def test_customers_of_the_predecessor_are_taken_over(scene: Scene) -> None:
    """Changed where they differ, and without a second set of addresses."""
    scene.configure(streams=STREAMS)
    register(scene, customer(1, scene.moment()), customer(2, scene.moment()))
    scene.run("customers")
    start_anew(scene)
    moved = [address(10, city="Dallas", postal_code="75201")]
    register(scene, customer(1, scene.moment(hour=13), addresses=moved))

    scene.run("customers")

    assert {name: (row["creates"], row["saves"]) for name, row in held(scene).items()} == {
        "1": (1, 2), "2": (1, 1)
    }  # fmt: skip
    assert scene.outcomes("customers") == {
        "1": ("accepted", "delivered"), "2": ("accepted", "unchanged")
    }  # fmt: skip
    assert warnings_of(scene) == {"customer_adopted"}


def test_a_stream_starts_when_it_is_first_active(scene: Scene) -> None:
    """A pause before it is not a start; one after does not move it; no row means not started."""
    db = scene._db()
    assert predecessor_until(db, NAME, "orders") is None, "active before the start was noted"
    scene.sql_write("DELETE FROM sync.activation")
    (now,) = scene.sql("SELECT now()")[0]
    until = predecessor_until(db, NAME, "orders")
    assert until is not None and until >= now
    pause(db, NAME, ["orders"], "test")
    until = predecessor_until(db, NAME, "orders")
    assert until is not None and until.year > now.year + 100
    resume(db, NAME, ["orders"], "test")
    until = predecessor_until(db, NAME, "orders")
    assert until is not None and until - OVERLAP < now + timedelta(minutes=5)
    pause(db, NAME, ["orders"], "test")
    resume(db, NAME, ["orders"], "test")
    assert predecessor_until(db, NAME, "orders") == until
