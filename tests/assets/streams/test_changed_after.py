"""Changes of an order in a status whose changes are not sent: seen, until they are undone."""

from __future__ import annotations

from typing import Any

import pytest

from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import RejectionFilter
from tests.assets.documents import NOT_AT_OMS, order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow(seconds=20)

SHIPPED, COMPLETED, AWAITING = 2, 10, 11
CHANGED = {"1": "change_not_sent"}
CODES = {"shipping_methods": {"Ground": "Ground"}, "default_shipping_method": None}


def shipped(scene: Scene) -> None:
    """Place an order, and let the OMS ship it: Lockstep itself sets the status to Shipped."""
    scene.place(order(1, scene.moment(), [("MUG", 3), ("LAMP", 1)]))
    scene.run("orders")
    scene.to_oms("orders/1/ship", {})
    scene.run("shipments")
    assert scene.store_orders()[1]["status_id"] == SHIPPED


def edit(scene: Scene, **changes: Any) -> None:
    """Change the order in the store, and run."""
    scene.to_store("orders/1", changes, "PATCH")
    scene.run("orders")


def street(text: str) -> dict[str, Any]:
    """Return the change of the street of an order's shipping address."""
    return {"shipping_addresses": [{"id": 100, "street_1": text}]}


def discard(scene: Scene) -> None:
    """Discard what is open."""
    scene.sql_write(
        "UPDATE sync.rejection SET state = 'discarded', closed_at = now() WHERE state = 'open'"
    )


def without_a_code(scene: Scene) -> None:
    """Send an order, and change its shipping method to one that no setting names."""
    scene.configure(orders=CODES)
    scene.place(order(1, scene.moment(), [("MUG", 3)]))
    scene.run("orders")
    edit(scene, shipping_addresses=[{"id": 100, "shipping_method": "Courier"}])
    assert scene.open_rejections("orders") == {"1": "shipping_method_unknown"}


def test_only_a_change_of_what_is_shipped_is_reported_and_ends_when_it_is_undone(
    scene: Scene,
) -> None:
    """Not the status itself, nor a note; nothing is sent either way."""
    shipped(scene)
    before = [scene.oms_counts()[name] for name in ("saves", "cancels")]
    edit(scene)
    edit(scene, staff_notes="Call first")
    assert scene.open_rejections("orders") == {}
    [address] = order(1, scene.moment())["shipping_addresses"]
    edit(scene, **street("9 New Street"))
    assert scene.open_rejections("orders") == CHANGED
    [(field, message)] = scene.sql("SELECT field, message FROM sync.rejection")
    assert field == "groups[100].address"
    assert "Shipped" in message
    assert "New Street" not in message
    edit(scene, status_id=COMPLETED)
    assert scene.open_rejections("orders") == CHANGED
    edit(scene, **street(address["street_1"]))
    assert scene.open_rejections("orders") == {}
    assert [scene.oms_counts()[name] for name in ("saves", "cancels")] == before


def test_a_changed_line_is_named(scene: Scene) -> None:
    """With its id and what has changed."""
    shipped(scene)
    edit(scene, products=[{"id": 101, "quantity": 5}])
    assert scene.open_rejections("orders") == CHANGED
    assert scene.sql("SELECT field FROM sync.rejection") == [("lines[101].quantity",)]


def test_a_change_to_a_method_without_a_code_is_reported_when_the_order_ships(
    scene: Scene,
) -> None:
    """Its first rejection asks for a setting, and no setting would send the change any more."""
    without_a_code(scene)
    scene.to_oms("orders/1/ship", {})
    scene.run("shipments")
    scene.run("orders")
    assert scene.open_rejections("orders") == CHANGED
    assert scene.sql("SELECT field FROM sync.rejection WHERE state = 'open'") == [
        ("groups[100].shipping_method",)
    ]
    scene.configure(orders=CODES | {"shipping_methods": {}})
    edit(scene, shipping_addresses=[{"id": 100, "shipping_method": "Ground"}])
    assert scene.open_rejections("orders") == {}


def test_what_a_changed_setting_makes_of_a_shipped_order_is_no_change(scene: Scene) -> None:
    """Otherwise a rerun would reject every order that has shipped; a real change is one still."""
    shipped(scene)
    scene.run("orders")
    scene.configure(orders={"shipping_methods": {"Ground": "Express"}})
    scene.run("orders")
    assert scene.open_rejections("orders") == {}
    edit(scene, **street("9 New Street"))
    assert scene.open_rejections("orders") == CHANGED
    [(message,)] = scene.sql("SELECT message FROM sync.rejection")
    assert "shipping_method" not in message


def test_what_an_operator_has_corrected_is_no_change(scene: Scene) -> None:
    """The store still has the wrong SKU when the order has shipped; a real change is one still."""
    scene.place(order(1, scene.moment(), [(NOT_AT_OMS, 3)]))
    scene.run("orders")
    db = scene._db()
    [found] = work_queue.find(db, RejectionFilter())
    changes = operator_actions.planned_edit(db, found, [f"{found.field}=MUG"])
    operator_actions.edit(db, found, changes, "ann", "asked the shop")
    scene.run("orders")
    scene.to_oms("orders/1/ship", {})
    scene.run("shipments")
    scene.run("orders")
    assert scene.store_orders()[1]["status_id"] == SHIPPED
    assert scene.open_rejections("orders") == {}
    edit(scene, **street("9 New Street"))
    assert scene.sql("SELECT field FROM sync.rejection WHERE state = 'open'") == [
        ("groups[100].address",)
    ]


def test_what_an_operator_has_discarded_is_not_reported_again(scene: Scene) -> None:
    """Until it changes once more."""
    shipped(scene)
    edit(scene, **street("9 New Street"))
    discard(scene)
    edit(scene, status_id=COMPLETED)
    assert scene.open_rejections("orders") == {}
    edit(scene, **street("10 New Street"))
    assert scene.open_rejections("orders") == CHANGED


def test_a_discarded_change_that_is_undone_in_the_store_is_reported(scene: Scene) -> None:
    """The OMS may have it by hand; once an order was sent again, what it has is known."""
    shipped(scene)
    [address] = order(1, scene.moment())["shipping_addresses"]
    edit(scene, **street("9 New Street"))
    discard(scene)
    edit(scene, **street(address["street_1"]))
    assert scene.open_rejections("orders") == CHANGED
    [(message,)] = scene.sql("SELECT message FROM sync.rejection WHERE state = 'open'")
    assert "by hand" in message
    assert "Street" not in message
    discard(scene)
    edit(scene, status_id=COMPLETED)
    assert scene.open_rejections("orders") == {}


def test_a_discarded_change_that_could_not_be_sent_is_reported_once_it_is_undone(
    scene: Scene,
) -> None:
    """It was rejected for another reason while the order was open, which has shipped since."""
    without_a_code(scene)
    discard(scene)
    ground = [{"id": 100, "shipping_method": "Ground"}]
    edit(scene, status_id=SHIPPED, shipping_addresses=ground)
    assert scene.open_rejections("orders") == CHANGED
    [(message,)] = scene.sql("SELECT message FROM sync.rejection WHERE state = 'open'")
    assert "by hand" in message
    discard(scene)
    edit(scene, status_id=COMPLETED)
    assert scene.open_rejections("orders") == {}


def test_a_change_that_is_accepted_and_waits_is_sent_although_another_follows(scene: Scene) -> None:
    """The OMS was away while the order was changed, moved on, and was changed again."""
    scene.place(order(1, scene.moment(), [("MUG", 3)]))
    scene.run("orders")
    scene.to_store("orders/1", {"products": [{"id": 101, "quantity": 2}]}, "PATCH")
    scene.run("orders", steps=("captured", "validated"))
    scene.to_store(
        "orders/1", {"status_id": COMPLETED, "products": [{"id": 101, "quantity": 1}]}, "PATCH"
    )
    scene.run("orders")
    assert [line["Quantity"] for line in scene.oms_order(1)["OrderLine"]] == [2]
    assert scene.open_rejections("orders") == CHANGED
    edit(scene, status_id=AWAITING)
    assert [line["Quantity"] for line in scene.oms_order(1)["OrderLine"]] == [1]
    assert scene.open_rejections("orders") == {}
