"""A rejection ends when its record is delivered, discarded or withdrawn, and not before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets.documents import address, order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
BOATS = {"shipping_methods": {"Ground": "Ground", "Slow boat": "Standard"}}
ERROR = {"Type": "ERROR", "Code": "ORD::042", "Description": "Not this one"}
REFUSED = {"success": False, "messages": {"Message": [ERROR]}}
SHIPPED, CANCELLED = 2, 5


def by_boat(scene: Scene, number: int) -> None:
    """Place an order with an unmapped shipping method; it is rejected by validation."""
    away = address(number * 100, shipping_method="Slow boat")
    scene.place(order(number, scene.moment(), shipping_addresses=[away]))
    scene.run("orders", first=scene.yesterday)
    assert list(scene.open_rejections("orders")) == [str(number)]


def refused(scene: Scene, number: int) -> None:
    """Place an order that the OMS refuses."""
    scene.place_many([number])
    scene.fault(
        "manhattan", {"kind": "status", "status": 200, "body": REFUSED, "path": "order/save$"}
    )
    scene.run("orders", first=scene.yesterday)
    scene.fault("manhattan")
    assert list(scene.open_rejections("orders")) == [str(number)]


def move(scene: Scene, number: int, status: int) -> None:
    """Give an order another status in the store, today, and run today's partition."""
    scene.to_store(f"orders/{number}/status", {"status_id": status})
    scene.run("orders", first=scene.today)


def retry(scene: Scene, *records: str) -> None:
    """Validate and deliver the records' versions of yesterday as they were captured."""
    only = {"config": {"only_records": list(records)}}
    config = {"acme__orders_validated": only, "acme__orders_delivered": only}
    scene.run("orders", first=scene.yesterday, steps=("validated", "delivered"), config=config)


def ends(scene: Scene) -> list[tuple[Any, ...]]:
    """Return state and reason of each rejection."""
    return scene.sql("SELECT state, closed_why FROM sync.rejection ORDER BY rejection_id")


@pytest.mark.parametrize("reject", [by_boat, refused])
def test_an_order_that_is_cancelled_before_export_has_no_open_rejection(
    scene: Scene, reject: Any
) -> None:
    """The store has withdrawn it, whether validation or the OMS had refused it."""
    reject(scene, 1)

    move(scene, 1, CANCELLED)

    assert ends(scene) == [("resolved", "obsolete: cancelled_before_export")]
    assert scene.oms_orders() == {}


@pytest.mark.parametrize("reject", [by_boat, refused])
def test_a_retry_after_the_cancellation_ends_a_rejection_that_was_left_open(
    scene: Scene, reject: Any
) -> None:
    """Rejections from before this rule: the retry was "done", and they stayed open forever."""
    reject(scene, 1)
    move(scene, 1, CANCELLED)
    scene.sql("UPDATE sync.rejection SET state = 'open', closed_why = '' RETURNING 1")

    retry(scene, "1")

    assert ends(scene) == [("resolved", "obsolete: cancelled_before_export")]


def test_an_order_that_was_rejected_is_owed_although_its_status_has_moved_on(scene: Scene) -> None:
    """Staff went on working in the store; the corrected mapping lets the rejected version out."""
    by_boat(scene, 1)
    move(scene, 1, SHIPPED)
    assert list(scene.open_rejections("orders")) == ["1"]
    scene.configure(orders=BOATS)

    retry(scene, "1")

    assert ends(scene) == [("resolved", "a later validation accepted the record")]
    assert list(scene.oms_orders()) == ["1"]


def test_an_order_that_the_oms_refused_is_owed_although_its_status_has_moved_on(
    scene: Scene,
) -> None:
    """It stays open until the OMS has taken it."""
    refused(scene, 1)
    move(scene, 1, SHIPPED)
    assert list(scene.open_rejections("orders")) == ["1"]

    retry(scene, "1")

    assert ends(scene) == [("resolved", "the target accepted the record")]
    assert list(scene.oms_orders()) == ["1"]


def test_a_rejected_order_that_moved_on_stays_rejected_while_nothing_is_corrected(
    scene: Scene,
) -> None:
    """A retry or a backfill changes nothing, and must not hide it behind a superseded version."""
    by_boat(scene, 1)
    move(scene, 1, SHIPPED)

    retry(scene, "1")
    scene.run("orders")

    assert scene.open_rejections("orders") == {"1": "shipping_method_unknown"}
    states = "SELECT DISTINCT state FROM sync.record WHERE source_day = %s"
    assert scene.sql(states, scene.yesterday) == [("rejected",)]
