"""commercetools and Anchanto: the shipment state at ready to ship, at the manifest, delivered."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.local.simulated import Pair
from tests.pairs.pair_scene import OpenPair, PairScene

pytestmark = pytest.mark.slow(seconds=15)

FIRST, SECOND = "1Z5R89390357567127", "1Z8W4R260373687877"


@pytest.fixture
def shop(short_waits: None, open_pair: OpenPair) -> PairScene:
    """Make a connection between a project and an account that no other test uses."""
    pair = Pair("commercetools", "anchanto")
    return open_pair(pair)


def shipment_state(shop: PairScene) -> Any:
    """Return the shipment state of the project's only order."""
    [order] = shop._ask(f"commercetools/{shop.store}/dump/orders")
    return order.get("shipmentState")


def tracking(shop: PairScene) -> list[str]:
    """Return the tracking numbers that the project shows."""
    [order] = shop.truth_of("commercetools")["orders"]
    return [parcel["tracking"] for parcel in order["parcels"]]


def test_an_order_is_ready_shipped_and_delivered_with_its_shipments(shop: PairScene) -> None:
    """Two shipments of one order; the project shows each status that it has."""
    [(_, document)] = shop.simple(1)
    number, line = str(document["id"]), document["products"][0]
    units = sum(each["quantity"] for each in document["products"])
    shop.run("orders")
    if units > 1:
        part = {"lines": [{"sku": line["sku"], "quantity": 1}], "tracking": FIRST}
        shop.to_oms(f"orders/{number}/ready", part)
        shop.run("shipments")
        assert tracking(shop) == [FIRST]
    shop.to_oms(f"orders/{number}/ready", {"tracking": SECOND})
    shop.run("shipments")
    assert tracking(shop)[-1] == SECOND
    assert shipment_state(shop) == "Ready"
    for control, state in (
        ("manifest", "Shipped"),
        ("deliver", "Delivered"),
        ("complete", "Delivered"),
    ):
        shop.to_oms(f"orders/{number}/{control}", {})
        shop.run("shipments")
        assert shipment_state(shop) == state
    assert shop.differences()["shipments"] == []
    before = shop.truth_of("commercetools")
    shop.run("orders", "shipments")
    assert shop.truth_of("commercetools") == before


def test_an_order_is_found_again_by_the_stores_id_after_the_ledger_was_lost(
    shop: PairScene,
) -> None:
    """The project's id is not its number, so the account keeps both."""
    [(store_id, document)] = shop.simple(1)
    shop.run("orders")
    assert shop.lockstep is not None
    source = shop.lockstep.sync("acme", "r").shipments
    [page] = source.read([str(document["id"])])
    origin = source.to_origin(page.records[0].payload)
    assert origin is not None
    assert (origin.order_id, origin.source_id) == (str(document["id"]), store_id)
