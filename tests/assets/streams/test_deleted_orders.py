"""Orders that the store deletes or archives: withdrawn, canceled or an operator's to decide."""

from __future__ import annotations

from uuid import uuid4

import pytest

from assets.streams.orders import header, stream
from domain.exchange import WebhookEvent
from domain.sources import OrderSource
from resources.ledger.captures import inbox
from tests.assets.documents import order
from tests.assets.reconciliation.comparing import look
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=15)

ARCHIVED = "store/order/archived"


def archive(scene: Scene, number: int = 1) -> None:
    """Archive an order; its event arrives, and no list shows it any more."""
    scene.to_store(f"orders/{number}", {"is_deleted": True}, "PATCH")
    event = WebhookEvent(str(uuid4()), "orders", str(number), ARCHIVED, None)
    assert scene.lockstep is not None
    with scene.lockstep.ledger.connect() as db:
        assert inbox.put(db, NAME, "platform", [event]) == 1


def configure(scene: Scene, deleted: str | None) -> None:
    """Choose what becomes of such orders."""
    orders = scene.installation.connections[NAME].orders.model_dump(mode="json")
    scene.configure(orders=orders | {"deleted": deleted})


def test_an_archived_order_is_found_by_its_event_and_canceled(scene: Scene) -> None:
    """Once: its window is read again with the same event."""
    scene.place_many([1, 2])
    scene.run("orders")
    archive(scene)
    scene.run("orders")
    assert scene.oms_orders()["1"]["canceled"]
    assert not scene.oms_orders()["2"]["canceled"]
    before = scene.effects()
    scene.run("orders")
    assert scene.effects() == before
    assert scene.open_rejections("orders") == {}


def test_named_orders_are_decoded_for_their_channel_only_where_there_is_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that serves the whole store would decode each of them twice."""
    asked: list[bytes] = []

    def is_of_other_part(source: OrderSource, payload: bytes) -> bool:
        asked.append(payload)
        return header.is_of_other_part(source, payload)

    monkeypatch.setattr(stream, "is_of_other_part", is_of_other_part)
    scene.place_many([1])
    archive(scene)
    scene.run("orders")
    assert asked == []
    scene.configure(platform={"channel_id": 1})
    archive(scene)
    scene.run("orders")
    assert len(asked) > 0


def test_an_archived_order_is_reported_where_the_policy_says_so(scene: Scene) -> None:
    """Until an operator decides; another policy decides by itself."""
    configure(scene, "report")
    scene.place_many([1])
    scene.run("orders")
    archive(scene)
    for _ in range(2):
        scene.run("orders")
        assert scene.open_rejections("orders") == {"1": "order_deleted_in_store"}
    assert not scene.oms_orders()["1"]["canceled"]
    configure(scene, "cancel")
    scene.run("orders")
    assert scene.oms_orders()["1"]["canceled"]
    assert scene.open_rejections("orders") == {}


@pytest.mark.parametrize("deleted", ["report", "cancel"])
def test_an_order_that_has_left_may_be_archived(scene: Scene, deleted: str) -> None:
    """Stores are tidied up: no operator is asked, and nothing is canceled."""
    configure(scene, deleted)
    scene.place_many([1])
    scene.run("orders")
    scene.to_oms("orders/1/ship", {})
    scene.run("shipments")
    archive(scene)
    scene.run("orders")
    assert scene.open_rejections("orders") == {}
    assert scene.outcomes("orders")["1"] == ("skipped", "deleted_after_end")
    assert look(scene).drifts == []
    assert scene.oms_counts()["cancels"] == 0


def test_an_order_that_is_archived_before_it_is_sent_is_withdrawn(scene: Scene) -> None:
    """Its rejection ends, and it is not sent by a retry of its day."""
    scene.place(order(1, scene.moment(), [("NOSUCH", 1)]))
    scene.run("orders")
    assert scene.open_rejections("orders") == {"1": "sku_unknown"}
    archive(scene)
    scene.run("orders")
    assert scene.open_rejections("orders") == {}
    assert scene.outcomes("orders")["1"] == ("skipped", "deleted_in_store")
    assert scene.oms_orders() == {}
