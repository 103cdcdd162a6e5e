"""Per order line, the store's shipments have the units that the OMS has shipped."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from assets.delivery.target_state import Cover, KnownShipment, OrderTargetState
from domain.exchange import ShipmentLine, ShipmentRequest
from tests.assets.documents import order
from tests.assets.reconciliation.comparing import look
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow(seconds=20)

Json = dict[str, Any]
NUMBER, OTHER = "1Z5R89390357567127", "1Z8W4R260373687877"


def _exported(scene: Scene) -> None:
    scene.place(order(1, scene.moment(), [("MUG", 3), ("LAMP", 2)]))
    scene.run("orders", first=scene.yesterday)


def _ship(scene: Scene, units: dict[str, int], **more: Any) -> None:
    lines = [{"line": line_id, "quantity": quantity} for line_id, quantity in units.items()]
    scene.to_oms("orders/1/ship", {"lines": lines, "tracking": NUMBER, "carrier": "UPS"} | more)


def _into_first_parcel(scene: Scene, **changes: Any) -> None:
    """Say at the OMS that all that has left did so in the first parcel."""
    lines = scene.oms_order(1)["OrderLine"]
    details = [entry for line in lines for entry in line.get("FulfillmentDetail") or ()]
    first = details[0]["PackageId"]
    change = {
        "OrderLine": [
            {
                "OrderLineId": line["OrderLineId"],
                "FulfillmentDetail": [
                    entry | {"PackageId": first} | changes
                    for entry in line.get("FulfillmentDetail") or ()
                ],
            }
            for line in lines
        ]
    }
    scene.to_oms("orders/1/tamper", {"change": change, "silent": False})


def _units(scene: Scene) -> dict[int, int]:
    """Return line -> units over all shipments of the store."""
    units: Counter[int] = Counter()
    for shipment in scene.store_shipments():
        for item in shipment["items"]:
            units[item["order_product_id"]] += item["quantity"]
    return dict(units)


def test_a_parcel_that_gets_another_line_later_loses_nothing(scene: Scene) -> None:
    """The line becomes a shipment with the parcel's number, once."""
    _exported(scene)
    _ship(scene, {"101": 3})
    scene.run("shipments", first=scene.today)
    _ship(scene, {"102": 2})
    _into_first_parcel(scene)

    scene.run("shipments", first=scene.today)

    assert _units(scene) == {101: 3, 102: 2}
    assert [row["tracking_number"] for row in scene.store_shipments()] == [NUMBER, NUMBER]
    assert scene.store_orders()[1]["status_id"] == 2
    before = scene.effects()
    scene.run("shipments", first=scene.today)
    assert scene.effects() == before
    assert [drift for drift in look(scene).drifts if drift.stream == "shipments"] == []


def test_a_parcel_that_grows_more_than_once_and_gets_its_number_last(scene: Scene) -> None:
    """Each time the units that are new; then all of its shipments get the number."""
    _exported(scene)
    for units in ({"101": 1}, {"101": 2}, {"102": 2}):
        _ship(scene, units, labelled=False)
        _into_first_parcel(scene)
        scene.run("shipments", first=scene.today)
    assert _units(scene) == {101: 3, 102: 2}
    assert len(scene.store_shipments()) == 3

    _into_first_parcel(scene, TrackingNumber=NUMBER, CarrierCode="UPS")
    scene.run("shipments", first=scene.today)

    assert len(scene.store_shipments()) == 3
    assert scene.open_rejections("shipments") == {}
    sent = [action for _, action, _, _ in scene.deliveries("shipments")]
    assert sent.count("shipment_update") == 3


def test_units_that_the_store_lacks_afterwards_are_a_rejection(scene: Scene) -> None:
    """A shipment was deleted in the store before the rest left: that order is not "delivered"."""
    _exported(scene)
    _ship(scene, {"101": 3})
    scene.run("shipments", first=scene.today)
    url = f"{scene.url}/bigcommerce/{scene.store}/stores/{scene.store}/v2/orders/1/shipments"
    token = {"X-Auth-Token": f"sandbox-token-{scene.store}"}
    [shipment] = scene.http.request("GET", url, headers=token).json()
    assert scene.http.request("DELETE", f"{url}/{shipment['id']}", headers=token).is_success
    _ship(scene, {"102": 2}, tracking=OTHER)

    scene.run("shipments", first=scene.today)

    assert scene.open_rejections("shipments") == {"1": "shipped_units_missing"}


def _known(number: str, **units: int) -> KnownShipment:
    return KnownShipment(number, "", None, "100", units)


def _request(**units: int) -> ShipmentRequest:
    lines = tuple(ShipmentLine(line, quantity) for line, quantity in units.items())
    return ShipmentRequest("1", "100", lines, NUMBER)


@pytest.mark.parametrize(
    ("held", "parcels", "expected"),
    [
        pytest.param(
            {"P/100": _known("7", a=2)},
            {"P/100": _request(a=3, b=1)},
            {"P/100": Cover(["P/100"], (ShipmentLine("a", 1), ShipmentLine("b", 1)))},
            id="grown",
        ),
        pytest.param(
            {"F/100": _known("7", a=2)},
            {"N/100": _request(a=3)},
            {"N/100": Cover(["F/100"], (ShipmentLine("a", 1),))},
            id="grown under a new key",
        ),
        pytest.param(
            {"P/100": _known("7", a=2), "P/100+1": _known("8", a=1)},
            {"P/100": _request(a=3), "Q/100": _request(a=1)},
            {
                "P/100": Cover(["P/100", "P/100+1"], ()),
                "Q/100": Cover([], (ShipmentLine("a", 1),)),
            },
            id="a later part is not another parcel's",
        ),
        pytest.param(
            {"P/100": _known("7", a=2), "Q/100": _known("8", a=1)},
            {"P/100": _request(a=3), "Q/100": _request(a=1)},
            {
                "P/100": Cover(["P/100"], (ShipmentLine("a", 1),)),
                "Q/100": Cover(["Q/100"], ()),
            },
            id="another parcel keeps its own",
        ),
        pytest.param(
            {"P/100": KnownShipment("7")},
            {"P/100": _request(a=3)},
            {"P/100": Cover(["P/100"], ())},
            id="an older ledger without units",
        ),
        pytest.param(
            {"P/100": _known("7", a=3)},
            {"P/100": _request(a=2)},
            {"P/100": Cover(["P/100"], ())},
            id="shrunk",
        ),
    ],
)
def test_missing_units_are_those_that_no_shipment_has(
    held: dict[str, KnownShipment],
    parcels: dict[str, ShipmentRequest],
    expected: dict[str, Cover],
) -> None:
    """No unit twice, and none of a parcel that has its own shipment."""
    assert OrderTargetState(held).cover(parcels) == expected


def test_a_parcels_next_shipment_has_a_name_of_its_own() -> None:
    """The first has the parcel's key; further ones are numbered."""
    state = OrderTargetState()
    assert state.new_name("P/100") == "P/100"
    state.shipments["P/100"] = _known("7", a=1)
    assert state.new_name("P/100") == "P/100+1"
    state.shipments["P/100+1"] = _known("8", a=1)
    assert state.new_name("P/100") == "P/100+2"
