"""Orders that another program has sent, and that have shipped when a connection starts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resources.ledger.monitoring.activation import OVERLAP
from tests.assets import documents
from tests.assets.delivery.test_adoption import start_anew
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow(seconds=15)

UPS = "1Z999AA10123456784"
SKIPPED = {"1": ("skipped", "shipped_before_start")}


def shipped(scene: Scene, *, in_store: bool = True) -> None:
    """Let another program have sent an order, and shown its parcel in the store."""
    scene.place(documents.order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders")
    scene.to_oms("orders/1/ship", {"tracking": UPS})
    if in_store:
        scene.run("shipments")
    start_anew(scene)


@pytest.mark.parametrize("streams", [("orders", "shipments"), ("shipments",)])
def test_what_both_systems_have_shipped_is_left_alone(
    scene: Scene, streams: tuple[str, ...]
) -> None:
    """It was a rejection for each, which no repair ended; the store's day may be read later."""
    shipped(scene)
    before = scene.effects()
    scene.run(*streams)
    scene.to_oms("orders/1/touch", {})
    scene.run(*streams)
    assert scene.outcomes("shipments") == SKIPPED
    assert (scene.open_rejections("shipments"), scene.effects()) == ({}, before)


def test_a_rejection_of_an_earlier_version_ends_with_a_rerun(scene: Scene) -> None:
    """As after an upgrade of a connection that has one for each of such orders."""
    shipped(scene)
    start = scene.moment() - OVERLAP - timedelta(minutes=1)
    scene.sql_write("UPDATE sync.activation SET started_at = %s", start)
    scene.run("orders", "shipments")
    assert scene.open_rejections("shipments") == {"1": "order_not_linked"}
    scene.sql_write("UPDATE sync.activation SET started_at = now()")
    scene.run("shipments", steps=("validated", "delivered"))
    assert scene.open_rejections("shipments") == {}


def test_what_the_store_does_not_show_as_shipped_is_not_passed_over(scene: Scene) -> None:
    """The shopper waits for a tracking number, and the status was set by hand."""
    shipped(scene, in_store=False)
    scene.to_store("orders/1/status", {"status_id": 2})
    scene.run("orders", "shipments")
    assert scene.open_rejections("shipments") == {"1": "order_not_linked"}
