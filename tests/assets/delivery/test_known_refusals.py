"""Refusals that are known and open fail no rerun; the share of a step counts what is new."""

from __future__ import annotations

from typing import Any

import pytest

from domain.identity import correlation_id
from tests.assets.documents import address, order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
SAVE = "order/save$"
MANY = range(1, 26)
ERROR = {"Type": "ERROR", "Code": "ORD::042", "Description": "Not this one"}
REFUSED = {"success": False, "messages": {"Message": [ERROR]}}


def refuse(scene: Scene, numbers: range) -> None:
    """Let the OMS refuse these orders by its business rules."""
    ids = [correlation_id(NAME, "order", str(number)) for number in numbers]
    rule: Json = {"kind": "status", "status": 200, "body": REFUSED, "path": SAVE}
    rule["correlation"] = "|".join(ids)
    scene.fault("manhattan", rule)


def by_boat(scene: Scene, numbers: range) -> None:
    """Place orders with an unmapped shipping method."""
    scene.place(
        *[
            order(
                n,
                scene.moment(),
                shipping_addresses=[address(n * 100, shipping_method="Slow boat")],
            )
            for n in numbers
        ]
    )


def test_a_rerun_of_refusals_that_are_open_is_green(scene: Scene) -> None:
    """The first run is red: most of it was refused. The rerun meets the same, and is not."""
    scene.place_many(MANY)
    refuse(scene, MANY)
    assert not scene.run("orders", first=scene.yesterday, raise_on_error=False).success
    refused = scene.open_rejections("orders")
    assert len(refused) == len(MANY)

    scene.place_many(range(26, 31))
    assert scene.run("orders", first=scene.yesterday).success

    assert scene.open_rejections("orders") == refused
    assert set(scene.oms_orders()) == {str(number) for number in range(26, 31)}


def test_a_backfill_over_cancellations_that_were_refused_is_green(scene: Scene) -> None:
    """They came too late: the OMS ships these orders, and no other day's order waits for that."""
    scene.place_many(MANY)
    scene.run("orders", first=scene.yesterday)
    lines = {"to": "ship", "cancel_rate": 0, "partial_rate": 0, "split_rate": 0}
    scene.to_oms("advance", lines)
    for number in MANY:
        scene.to_store(f"orders/{number}/status", {"status_id": 5})
    scene.run("orders", raise_on_error=False)
    open_ones = scene.open_rejections("orders")
    assert set(open_ones.values()) == {"cancel_refused"}
    assert len(open_ones) == len(MANY)
    scene.place_many(range(26, 29))

    assert scene.run("orders", first=scene.yesterday).success

    assert scene.open_rejections("orders") == open_ones
    assert set(scene.oms_orders()) == {str(number) for number in range(1, 29)}


def test_new_refusals_beside_known_ones_are_red(scene: Scene) -> None:
    """The share is that of the new ones: 20 of 20."""
    scene.place_many(MANY)
    refuse(scene, MANY)
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    scene.place_many(range(26, 46))
    refuse(scene, range(1, 46))

    assert not scene.run("orders", first=scene.yesterday, raise_on_error=False).success


def test_discarded_refusals_do_not_fail_a_rerun(scene: Scene) -> None:
    """An operator has decided them; they open nothing, and count for nothing."""
    scene.place_many(MANY)
    refuse(scene, MANY)
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    scene.sql("UPDATE sync.rejection SET state = 'discarded' RETURNING 1")

    assert scene.run("orders", first=scene.yesterday).success

    assert scene.open_rejections("orders") == {}


def test_a_rerun_of_invalid_records_that_are_open_delivers_the_others(scene: Scene) -> None:
    """Validation counts in the same way: old rejections keep no good order from the OMS."""
    by_boat(scene, MANY)
    assert not scene.run("orders", first=scene.yesterday, raise_on_error=False).success
    scene.place_many([26])

    assert scene.run("orders", first=scene.yesterday).success

    assert set(scene.oms_orders()) == {"26"}
    assert len(scene.open_rejections("orders")) == len(MANY)


def test_the_same_records_rejected_for_another_reason_are_red(scene: Scene) -> None:
    """A mapping that breaks meets known records, and is a new fault all the same."""
    by_boat(scene, MANY)
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    scene.sql("UPDATE sync.rejection SET code = 'city_missing' RETURNING 1")

    assert not scene.run("orders", first=scene.yesterday, raise_on_error=False).success

    assert set(scene.open_rejections("orders").values()) == {"shipping_method_unknown"}
