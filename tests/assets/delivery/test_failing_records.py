"""A record at which its target always fails costs its partition nothing, in whatever stream."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.identity import correlation_id
from tests.assets import documents
from tests.assets.customers import STREAMS, customer, held, register
from tests.assets.scene import NAME, Json, Scene

pytestmark = pytest.mark.slow(seconds=15)

FAILS: Json = {"kind": "status", "status": 500}


def _shipped(scene: Scene, *numbers: int) -> None:
    scene.place_many(numbers)
    scene.run("orders", first=scene.yesterday)
    for number in numbers:
        scene.to_oms(f"orders/{number}/ship", {})


def _registered(scene: Scene, *numbers: int) -> None:
    register(scene, *[customer(number) for number in numbers])


CASES: dict[str, tuple[str, str, Json, Callable[..., None]]] = {
    "a shipment": ("shipments", "bigcommerce", {"path": "orders/1/shipments$"}, _shipped),
    "a status": ("shipments", "bigcommerce", {"path": "v2/orders/1$"}, _shipped),
    "a customer": (
        "customers",
        "manhattan",
        {"path": "customer/save$", "correlation": correlation_id(NAME, "customer", "1")},
        _registered,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_others_go_out_and_it_is_a_rejection_after_its_attempts(
    scene: Scene, case: str
) -> None:
    """Each run is green; once the target takes it, it is delivered, and once only."""
    stream, system, rule, make = CASES[case]
    scene.configure(max_attempts=3, streams=STREAMS)
    make(scene, 1, 2)
    scene.fault(system, FAILS | rule)
    for number in (3, 4, 5, 6):
        assert scene.run(stream).success
        make(scene, number)  # another one gets through, so that its attempts count
    assert set(scene.open_rejections(stream)) == {"1"}
    assert len(_delivered(scene, stream)) == 4, "of 2 to 5"

    scene.fault(system)
    scene.run(stream)

    assert scene.open_rejections(stream) == {}
    assert _delivered(scene, stream) == [str(number) for number in range(1, 7)]
    if stream == "shipments":
        assert len(scene.store_shipments()) == 6
    else:
        assert {row["creates"] for row in held(scene).values()} == {1}


def _delivered(scene: Scene, stream: str) -> list[str]:
    return sorted(
        number for number, found in scene.outcomes(stream).items() if found[1] == "delivered"
    )


def test_an_item_whose_tracking_fails_keeps_no_other_level_back(scene: Scene) -> None:
    """It is sold without limit, and the store fails to switch its tracking off."""
    scene.configure(inventory={"infinite": "stop_tracking"}, max_attempts=3)
    scene.to_oms("supply", [{"item": "MUG", "location": documents.DEPOT, "infinite": True}])
    scene.fault("bigcommerce", FAILS | {"method": "PUT", "path": "catalog/products"})
    for quantity in (5, 6, 7, 8):
        scene.to_oms("supply", [documents.supply(quantity)[1]])
        assert scene.run("inventory", first=scene.today).success
    assert scene.open_rejections("inventory")
    assert scene.store_stock()["LAMP"]["quantity"] == 8
