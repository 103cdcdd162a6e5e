"""A step that waits for a used-up quota says so: for which system, and for how long."""

from __future__ import annotations

import pytest

from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow
WAITED = "waited for quota: "


def waited(scene: Scene, step: str) -> dict[str, float]:
    """Run yesterday's orders; return the seconds that a step has waited, by bucket."""
    ended = scene.run("orders", first=scene.yesterday)
    (event,) = ended.asset_materializations_for_node(f"{NAME}__orders_{step}")
    return {
        name.removeprefix(WAITED): float(str(value.value))
        for name, value in event.metadata.items()
        if name.startswith(WAITED)
    }


def throttle(scene: Scene, system: str, path: str = "") -> None:
    """Let a system answer once that its quota is used up for a second."""
    rule = {"kind": "status", "status": 429, "times": 1, "headers": {"Retry-After": "1"}}
    scene.fault(system, rule | {"path": path})


def test_waiting_for_the_oms_is_shown_where_it_delivers(scene: Scene) -> None:
    """The step that waited names the OMS's bucket and about a second."""
    scene.place_many([1])
    throttle(scene, "manhattan", "order/save$")

    found = waited(scene, "delivered")

    assert len(found) == 1
    assert 0.9 <= next(iter(found.values())) < 10


def test_waiting_for_the_store_is_shown_where_it_reads(scene: Scene) -> None:
    """Another system, another bucket; the step that sends to the OMS did not wait."""
    scene.place_many([1])
    throttle(scene, "bigcommerce")

    assert len(waited(scene, "captured")) == 1


def test_a_step_that_did_not_wait_says_nothing(scene: Scene) -> None:
    """The waits of an earlier step of the same process are not its own."""
    scene.place_many([1])
    throttle(scene, "bigcommerce")

    assert waited(scene, "delivered") == {}
