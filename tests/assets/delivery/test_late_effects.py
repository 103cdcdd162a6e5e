"""A request of a dead run may still act: nothing is created beside it, and it wins over nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from resources.http.policy import ClientPolicy
from tests.assets import documents
from tests.assets.scene import Json, Scene

pytestmark = pytest.mark.slow(seconds=12)

TIME_OUT, LATE = 0.7, 2.0
"""Seconds for an answer, and after which a request takes effect all the same."""


def _ship(scene: Scene) -> None:
    scene.place(documents.order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders", first=scene.yesterday)
    scene.to_oms("orders/1/ship", {"lines": [{"line": "101", "quantity": 2}]})


@pytest.mark.parametrize("fate", ["drop_after", "drop_before"], ids=["acts", "was lost"])
def test_a_shipment_is_looked_for_once_a_dead_runs_request_can_no_longer_act(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, fate: str
) -> None:
    """Until then its order waits, without a failure; then it is found, or created, once."""
    monkeypatch.setattr(ClientPolicy, "acts_for", 60.0)
    scene.configure()
    _ship(scene)
    answers = [
        {"kind": fate, "method": "POST", "path": "/shipments$"},
        {"kind": "status", "status": 503, "method": "GET", "path": "/shipments$"},
    ]
    scene.fault("bigcommerce", *answers)
    scene.run("shipments", first=scene.today, raise_on_error=False)
    # What a killed run leaves: claimed, without an outcome; when it was sent is not known.
    scene.sql_write(
        """UPDATE sync.delivery SET state = 'in_flight', is_uncertain = false, may_act_until = NULL
           WHERE stream = 'shipments' AND action = 'shipment'"""
    )
    scene.fault("bigcommerce")
    there = len(scene.store_shipments())
    assert there == (fate == "drop_after")
    for _ in range(2):
        assert scene.run("shipments", first=scene.today).success
    assert len(scene.store_shipments()) == there
    assert scene.open_rejections("shipments") == {}

    scene.sql_write(
        """UPDATE sync.delivery SET claimed_at = claimed_at - interval '2 minutes',
                  may_act_until = may_act_until - interval '2 minutes'"""
    )
    scene.run("shipments", first=scene.today)

    assert len(scene.store_shipments()) == 1
    assert scene.store_orders()[1]["status_id"] == 2
    assert scene.outcomes("shipments")["1"] == ("accepted", "delivered")


def _edit(scene: Scene, text: str) -> None:
    scene.to_store("orders/1", {"customer_message": text}, "PATCH")


def _order(scene: Scene) -> tuple[str, str, Json, Callable[[], Any], Callable[[], Any], Any]:
    scene.place(documents.order(1, scene.moment(), customer_message="A"))
    scene.run("orders", first=scene.yesterday)
    _edit(scene, "B")

    def shown() -> list[str]:
        return [note["NoteText"] for note in scene.oms_order(1)["OrderNote"]]

    return "orders", "manhattan", {"path": "order/save$"}, lambda: _edit(scene, "C"), shown, ["C"]


def _status(scene: Scene) -> tuple[str, str, Json, Callable[[], Any], Callable[[], Any], Any]:
    scene.place(documents.order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders", first=scene.yesterday)
    scene.to_oms("advance", {"to": "release", "orders": ["1"]})

    def shown() -> int:
        status: int = scene.store_orders()[1]["status_id"]
        return status

    rule = {"method": "PUT", "path": "v2/orders/1$"}
    return "shipments", "bigcommerce", rule, lambda: scene.to_oms("orders/1/ship", {}), shown, 2


@pytest.mark.parametrize("case", [_order, _status], ids=["an order", "a status"])
def test_an_older_version_that_takes_effect_late_does_not_win(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, case: Callable[..., Any]
) -> None:
    """Its request gets no answer, and arrives behind the one of the version after it."""
    monkeypatch.setattr(ClientPolicy, "acts_for", LATE)
    stream, system, path, change, shown, wanted = case(scene)
    scene.configure(platform={"timeout": TIME_OUT}, oms={"timeout": TIME_OUT})
    slow = {"kind": "delay", "delay_ms": int(LATE * 1000), "times": 1}
    scene.fault(system, slow | path)
    scene.run(stream, raise_on_error=False)
    change()
    scene.configure()
    until = time.monotonic() + LATE + 0.5
    while time.monotonic() < until:
        scene.run(stream, raise_on_error=False)
        time.sleep(0.3)

    scene.run(stream)

    assert shown() == wanted
