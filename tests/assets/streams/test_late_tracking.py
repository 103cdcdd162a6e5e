"""Parcels whose tracking number arrives, or changes, after they became shipments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest

from assets.delivery.target_state import KnownShipment, OrderTargetState
from domain.exchange import ShipmentLine, ShipmentRequest
from resources.ledger.rows import TargetRow
from tests.assets.documents import order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
NUMBER, OTHER = "1Z5R89390357567127", "1Z8W4R260373687877"


def in_store(scene: Scene, number: int) -> list[Json]:
    """Return the order's shipments as the store's own API shows them."""
    url = f"{scene.url}/bigcommerce/{scene.store}/stores/{scene.store}/v2/orders/{number}/shipments"
    answer = httpx.get(url, headers={"X-Auth-Token": f"sandbox-token-{scene.store}"})
    return orjson.loads(answer.content) if answer.content else []


def said(scene: Scene, number: int) -> list[tuple[str, str]]:
    """Return tracking number and carrier of each of the order's shipments."""
    return [
        (entry["tracking_number"], entry["tracking_carrier"]) for entry in in_store(scene, number)
    ]


@pytest.fixture
def shipped(scene: Scene) -> Scene:
    """Order 1 has left without a tracking number, and is a shipment in the store."""
    scene.place_many([1])
    scene.run("orders")
    scene.to_oms("orders/1/ship", {"labelled": False, "carrier": None})
    scene.run("shipments")
    assert said(scene, 1) == [("", "")]
    return scene


def test_a_late_tracking_number_changes_the_shipment_and_makes_no_other(shipped: Scene) -> None:
    """The store's one shipment gets number and carrier, once, and a rerun sends nothing."""
    first = in_store(shipped, 1)[0]["id"]
    shipped.to_oms("orders/1/track", {"tracking": NUMBER, "carrier": "UPS"})
    shipped.run("shipments")
    assert [entry["id"] for entry in in_store(shipped, 1)] == [first]
    assert said(shipped, 1) == [(NUMBER, "ups")]
    actions = [(action, state) for _, action, state, _ in shipped.deliveries("shipments")]
    assert sorted(actions) == [
        ("shipment", "delivered"),
        ("shipment_update", "delivered"),
        ("status", "delivered"),
    ]
    requests = shipped.store_counts()["requests"]

    shipped.run("shipments")

    assert shipped.store_counts()["requests"] == requests


def test_a_number_may_change_more_than_once_and_back(shipped: Scene) -> None:
    """Each change is an effect of its own; an OMS that names no number any more takes none away."""
    for tracking, expected in ((NUMBER, NUMBER), (OTHER, OTHER), (NUMBER, NUMBER), (None, NUMBER)):
        shipped.to_oms("orders/1/track", {"tracking": tracking, "carrier": "UPS"})
        shipped.run("shipments")
        assert said(shipped, 1) == [(expected, "ups")]
    assert shipped.store_counts()["shipments"] == 1


def test_a_lost_answer_to_an_update_is_simply_repeated(shipped: Scene) -> None:
    """The change is an upsert: the client sends it again by itself."""
    shipped.to_oms("orders/1/track", {"tracking": NUMBER, "carrier": "UPS"})
    shipped.fault(
        "bigcommerce", {"kind": "drop_after", "method": "PUT", "path": "/shipments/", "times": 1}
    )
    shipped.run("shipments")
    assert said(shipped, 1) == [(NUMBER, "ups")]
    assert shipped.outcomes("shipments")["1"] == ("accepted", "delivered")


def test_a_ledger_that_kept_ids_alone_still_finds_its_shipments() -> None:
    """Older target state has no tracking numbers: the shipment is updated, and none is created."""
    old = TargetRow(
        "1",
        "1",
        orjson.dumps({"shipments": {"P1/100": "7"}, "status": "2", "applied_at": ""}),
        b"",
        "shipped",
        2,
        _NOW,
    )
    state = OrderTargetState.from_ledger(old, {})
    assert state.shipments == {"P1/100": KnownShipment("7")}
    assert state.shipments["P1/100"].is_outdated(_request(NUMBER, ("1", 2)))
    assert not state.shipments["P1/100"].is_outdated(_request("", ("1", 2)))


_NOW = datetime(2026, 3, 4, tzinfo=UTC)


def _request(tracking: str, *lines: tuple[str, int]) -> ShipmentRequest:
    return ShipmentRequest("1", "100", tuple(ShipmentLine(*line) for line in lines), tracking)


def test_a_parcel_that_is_named_anew_is_the_shipments_with_its_units() -> None:
    """An OMS without package ids names a parcel by its number: it is matched by its units."""
    first, second = (
        KnownShipment("7", "", None, "100", {"1": 2}),
        KnownShipment("8", "", None, "100", {"2": 1}),
    )
    state = OrderTargetState({"F1/100": first, "F2/100": second})
    assert state.match_parcels({"N/100": _request(NUMBER, ("1", 2), ("2", 1))}) == {
        "N/100": ["F1/100", "F2/100"]
    }
    assert state.match_parcels({"N/100": _request(NUMBER, ("1", 2))}) == {"N/100": ["F1/100"]}
    assert (
        state.match_parcels(
            {"F1/100": _request("", ("1", 2)), "N/100": _request(NUMBER, ("1", 2))}
        )["N/100"]
        == []
    )
    assert state.match_parcels({"N/100": _request(NUMBER, ("1", 3))}) == {"N/100": []}, (
        "not its units"
    )


def test_an_order_that_is_past_its_retention_is_a_rejection_only_if_something_is_missing(
    scene: Scene,
) -> None:
    """An OMS touches old orders, as it archives them: the store has all that they ask for."""
    scene.place(*(order(n, scene.moment(), [("MUG", 2)]) for n in (1, 2)))
    scene.run("orders")
    for number in (1, 2):
        scene.to_oms(f"orders/{number}/ship", {"labelled": False})
    scene.run("shipments")
    for table in ("capture", "record", "order_header", "order_line"):
        scene.sql_write(f"DELETE FROM sync.{table}")  # noqa: S608 - a name of this test
    scene.to_oms("orders/1/touch", {})
    scene.to_oms("orders/2/track", {"tracking": "1Z999AA10123456784", "carrier": "UPS"})

    scene.run("shipments", first=scene.today)

    assert scene.open_rejections("shipments") == {"2": "order_not_captured"}
    assert scene.outcomes("shipments")["1"] == ("accepted", "unchanged")
