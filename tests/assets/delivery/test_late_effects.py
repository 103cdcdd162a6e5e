"""A request without an answer may take effect late, and wins over no newer version."""

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
