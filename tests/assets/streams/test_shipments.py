"""The shipments chain: the OMS's parcels become shipments in the store, then the status follows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets.documents import address, line, order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow(seconds=25)

Json = dict[str, Any]
UPS, UPS_2 = "1Z999AA10123456784", "1Z999AA10123456793"


def _exported(scene: Scene, *documents: Json) -> None:
    scene.place(*(documents or [order(1, scene.moment(), [("MUG", 3), ("LAMP", 1)])]))
    scene.run("orders", first=scene.yesterday)


def _ship(scene: Scene, units: dict[str, int], tracking: str = UPS, **more: Any) -> None:
    lines = [{"line": line_id, "quantity": quantity} for line_id, quantity in units.items()]
    scene.to_oms("orders/1/ship", {"lines": lines, "tracking": tracking} | more)


def _shipped(scene: Scene) -> list[tuple[str, dict[int, int]]]:
    return [
        (row["tracking_number"], {i["order_product_id"]: i["quantity"] for i in row["items"]})
        for row in scene.store_shipments()
    ]


def test_a_split_shipment_becomes_several_shipments_each_once(scene: Scene) -> None:
    """Three parcels with tracking numbers: three shipments with units; the order is shipped."""
    _exported(scene)
    _ship(scene, {"101": 1}, UPS)
    _ship(scene, {"101": 2}, UPS_2)
    _ship(scene, {"102": 1}, "1Z999AA10123456702")

    scene.run("shipments")
    scene.run("shipments")

    assert _shipped(scene) == [(UPS, {101: 1}), (UPS_2, {101: 2}), ("1Z999AA10123456702", {102: 1})]
    assert scene.store_orders()[1]["status_id"] == 2


def test_a_part_goes_out_first_and_the_rest_later(scene: Scene) -> None:
    """The first parcel makes the order partially shipped; the second, later, completes it."""
    _exported(scene)
    _ship(scene, {"101": 2})
    scene.run("shipments")
    assert scene.store_orders()[1]["status_id"] == 3

    _ship(scene, {"101": 1, "102": 1}, UPS_2)
    scene.run("shipments")

    assert _shipped(scene) == [(UPS, {101: 2}), (UPS_2, {101: 1, 102: 1})]
    assert scene.store_orders()[1]["status_id"] == 2


def test_late_duplicate_and_out_of_order_states_change_nothing(scene: Scene) -> None:
    """The OMS answers with an older version and new times without a change: one shipment."""
    _exported(scene)
    _ship(scene, {"101": 3, "102": 1})
    scene.run("shipments")
    before = scene.effects()

    scene.to_oms("orders/1/touch", {"stale": 3})
    scene.run("shipments")
    scene.to_oms("orders/1/touch", {})
    scene.run("shipments")
    scene.run("shipments")

    assert scene.effects() == before
    assert scene.store_orders()[1]["status_id"] == 2
    assert scene.open_rejections("shipments") == {}


def test_the_status_follows_the_milestones_and_never_goes_back(scene: Scene) -> None:
    """Released, shipped, delivered: 9, 2, 10; a late read of 'released' moves nothing back."""
    _exported(scene)
    statuses = []
    for step in ("release", "ship", "deliver"):
        scene.to_oms(
            "advance", {"to": step, "cancel_rate": 0.0, "partial_rate": 0.0, "split_rate": 0.0}
        )
        scene.run("shipments")
        statuses.append(scene.store_orders()[1]["status_id"])
    assert statuses == [9, 2, 10]

    scene.to_oms("orders/1/touch", {"stale": 2})
    scene.run("shipments")

    assert scene.store_orders()[1]["status_id"] == 10


def test_the_carrier_follows_from_the_tracking_number_where_the_oms_names_none(
    scene: Scene,
) -> None:
    """A UPS number without a carrier code is shown as UPS; a named code wins."""
    _exported(scene)
    _ship(scene, {"101": 1}, UPS, carrier=None)
    _ship(scene, {"101": 1}, "LX123456785US", carrier="USPS")

    scene.run("shipments")

    assert [row["tracking_carrier"] for row in scene.store_shipments()] == ["ups", "usps"]


def test_a_carrier_that_is_not_known_goes_out_as_text_with_a_warning(scene: Scene) -> None:
    """A number of Purolator's form makes STARTRACK no Purolator; nothing is lost or rejected."""
    _exported(scene)
    _ship(scene, {"101": 1}, "ABC123456789", carrier="STARTRACK")

    scene.run("shipments")

    [row] = scene.store_shipments()
    assert (row["tracking_carrier"], row["shipping_provider"]) == ("", "")
    assert row["shipping_method"].startswith("STARTRACK")
    [warnings] = scene.sql(
        "SELECT jsonb_path_query_array(warnings, '$[*].code') FROM sync.record "
        "WHERE stream = 'shipments' AND warnings IS NOT NULL"
    )
    assert warnings == (["carrier_unknown"],)


def test_one_parcel_to_two_addresses_is_a_shipment_for_each(scene: Scene) -> None:
    """A shipment at the store belongs to one address, so a parcel of two consignments is split."""
    document = order(1, scene.moment())
    document["shipping_addresses"] = [address(100), address(110)]
    document["products"] = [line(101, "MUG", 2), line(102, "LAMP", 1) | {"order_address_id": 110}]
    _exported(scene, document)
    _ship(scene, {"101": 2, "102": 1})

    scene.run("shipments")

    assert sorted(
        (row["order_address_id"], row["items"][0]["order_product_id"])
        for row in scene.store_shipments()
    ) == [
        (100, 101),
        (110, 102),
    ]
    assert scene.store_orders()[1]["status_id"] == 2


def test_later_parcels_find_the_orders_lines_after_the_orders_partition_was_rerun(
    scene: Scene,
) -> None:
    """The store's own 'shipped' version is skipped; the exported version's lines still count."""
    _exported(scene)
    _ship(scene, {"101": 3, "102": 1})
    scene.run("shipments")
    assert scene.store_orders()[1]["status_id"] == 2

    scene.run("orders")
    scene.to_oms("advance", {"to": "deliver"})
    scene.run("shipments")

    assert scene.open_rejections("shipments") == {}
    assert scene.store_orders()[1]["status_id"] == 10
    assert len(scene.store_shipments()) == 1
    assert scene.sql("SELECT count(*) FROM history.orders WHERE source_id = '1'") == [(1,)], (
        "the data team still sees the order"
    )


def test_an_order_that_the_oms_cancels_is_canceled_in_the_store_and_not_sent_back(
    scene: Scene,
) -> None:
    """The OMS found no stock: the store's order is canceled, and no cancellation is echoed."""
    _exported(scene)
    scene.to_oms("orders/1/cancel", {"reason": {"ReasonId": "Out Of Stock"}})
    scene.run("shipments")
    assert scene.store_orders()[1]["status_id"] == 5

    scene.run("orders", "shipments")

    assert scene.oms_counts()["cancels"] == 0
    assert scene.open_rejections("orders") == {}


def test_a_parcel_of_an_unknown_order_is_rejected_with_what_to_do(scene: Scene) -> None:
    """Lockstep never captured the order, so its addresses are unknown: a rejection."""
    scene.place(order(1, scene.moment()), order(2, scene.moment()))
    scene.run("orders", first=scene.yesterday)
    scene.sql("DELETE FROM sync.order_line WHERE source_id = '1' RETURNING 1")
    for number in (1, 2):
        scene.to_oms(f"orders/{number}/ship", {})

    scene.run("shipments")

    assert scene.open_rejections("shipments") == {"1": "order_not_captured"}
    assert [row["order_id"] for row in scene.store_shipments()] == [2]


@pytest.mark.parametrize(("store", "oms"), [(4, 1), (1, 4), (2, 8)])
def test_writes_to_each_system_obey_its_own_concurrency(scene: Scene, store: int, oms: int) -> None:
    """The store's setting does not slow the OMS down, and the OMS's not the store."""
    scene.configure(platform={"write_concurrency": store}, oms={"push_concurrency": oms})
    slow = {"kind": "delay", "method": "POST", "delay_ms": 100}
    scene.fault("manhattan", slow | {"path": "order/save$"})
    scene.fault("bigcommerce", slow | {"path": "/shipments$"})
    scene.place_many(range(1, 13))
    scene.run("orders", first=scene.yesterday)
    for number in range(1, 13):
        scene.to_oms(f"orders/{number}/ship", {})

    scene.run("shipments")

    assert len(scene.store_shipments()) == 12
    assert (_most_at_once(scene, "/shipments"), _most_at_once(scene, "order/save")) == (store, oms)


def _most_at_once(scene: Scene, endpoint: str) -> int:
    """Return how many requests to an endpoint were open at once."""
    times = scene.sql(
        "SELECT at - milliseconds * interval '1 ms', at FROM sync.message_log "
        "WHERE method = 'POST' AND endpoint LIKE %s",
        f"%{endpoint}",
    )
    return max(sum(start <= begin < end for start, end in times) for begin, _ in times)
