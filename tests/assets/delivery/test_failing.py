"""An outage is seen while it lasts, and ends by itself."""

from __future__ import annotations

from typing import Any

import pytest

from assets.health import read_health
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
DOWN: Json = {"kind": "status", "status": 503}


def state(scene: Scene, stream: str = "orders") -> tuple[str, bool]:
    """Return the state of a stream, and whether its heartbeat passes."""
    assert scene.lockstep is not None
    health = read_health(scene.lockstep, NAME)
    heartbeat = health.results((NAME, stream))[0]
    return health.statuses[(NAME, stream)].state, heartbeat.passed


def test_a_target_that_is_down_is_failing_until_the_first_success(scene: Scene) -> None:
    """Red at the first run, with its error; green at the first that gets through."""
    scene.place_many(range(1, 7))
    scene.fault("manhattan", DOWN)
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    # Reading the store does not go through the OMS; only the items are looked up there.
    scene.fault("manhattan")
    scene.run("orders", first=scene.yesterday, steps=("validated",))
    scene.fault("manhattan", DOWN)
    for _ in range(2):
        scene.run("orders", first=scene.yesterday, steps=("delivered",), raise_on_error=False)
    assert state(scene) == ("failing", False)
    (error,) = scene.sql("SELECT delivery_error FROM history.lag WHERE stream = 'orders'")[0]
    assert "503" in error
    scene.fault("manhattan")

    scene.run("orders", first=scene.yesterday)

    assert state(scene)[0] != "failing"


def test_refused_credentials_are_failing(scene: Scene) -> None:
    """Not only an outage: a token that has been revoked stops the whole stream, too."""
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday, steps=("captured", "validated"))
    scene.fault("manhattan", {"kind": "status", "status": 403, "path": "order/save$"})

    scene.run("orders", first=scene.yesterday, steps=("delivered",), raise_on_error=False)

    assert state(scene)[0] == "failing"


def test_a_record_that_is_refused_alone_makes_no_target_failing(scene: Scene) -> None:
    """The OMS answers, and says no: it works."""
    error = {"Type": "ERROR", "Code": "ORD::042", "Description": "Not this one"}
    body = {"success": False, "messages": {"Message": [error]}}
    scene.place_many([1])
    scene.fault("manhattan", {"kind": "status", "status": 200, "body": body, "path": "order/save$"})

    scene.run("orders", first=scene.yesterday)

    assert list(scene.open_rejections("orders")) == ["1"]
    assert state(scene)[0] != "failing"


@pytest.mark.parametrize("category", ["connection", "rate_limit"])
def test_rejections_of_an_outage_are_retried_once_it_has_ended(scene: Scene, category: str) -> None:
    """No mass retry by an operator: the first success queues exactly these records."""
    scene.configure(max_attempts=1)
    scene.place_many([1])
    rule = DOWN | {"path": "order/save$"}
    scene.fault("manhattan", rule)
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    assert scene.open_rejections("orders") == {"1": "delivery_failed"}
    scene.sql("UPDATE sync.rejection SET class = %s RETURNING 1", category)
    scene.sql(
        "UPDATE sync.watermark SET failing_since = now() - interval '1 minute' "
        "WHERE stream = 'orders' RETURNING 1"
    )
    scene.fault("manhattan")
    scene.place_many([2])

    scene.run("orders", steps=("captured", "validated"), first=scene.yesterday)
    new = {"config": {"only_new": True}}
    scene.run(
        "orders",
        first=scene.yesterday,
        steps=("delivered",),
        config={"acme__orders_delivered": new},
    )

    assert scene.sql("SELECT source_ids, mode, outcome FROM sync.rerun") == [
        (["1"], "as_captured", "")
    ]
    assert scene.sql("SELECT state FROM sync.rejection") == [("retried",)]
