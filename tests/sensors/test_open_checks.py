"""Results of checks stay true between runs, and a repeated one is neither new nor out of date."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from assets.chain.checks import ALL_DELIVERED, NO_REJECTIONS
from assets.health import HEARTBEAT, check_name
from sensors import health
from tests.assets.documents import order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow


def beat(scene: Scene, cursor: str = "") -> tuple[dict[str, dg.AssetCheckEvaluation], str]:
    """Evaluate the heartbeat once; return its results by asset and check, and its cursor."""
    assert scene.lockstep is not None
    with dg.build_sensor_context(instance=scene.instance, cursor=cursor) as context:
        result = health.tick(context, scene.lockstep.installation, scene.lockstep)
    found = [e for e in result.asset_events if isinstance(e, dg.AssetCheckEvaluation)]
    return {f"{e.asset_key.path[-1]}/{e.check_name}": e for e in found}, str(result.cursor)


def test_the_check_on_rejections_follows_an_operator_who_discards_the_last(scene: Scene) -> None:
    """No run of the stream is needed for it to be green."""
    scene.place(order(1, scene.moment(), [("NO-SUCH-SKU", 1)]))
    scene.run_in_dagster("orders", first=scene.yesterday)
    _, cursor = beat(scene)
    scene.sql("UPDATE sync.rejection SET state = 'discarded', closed_at = now() RETURNING 1")

    found, cursor = beat(scene, cursor)

    result = found[f"orders_validated/{NO_REJECTIONS}"]
    assert result.passed
    assert result.metadata["open"].value == 0
    assert beat(scene, cursor)[0] == {}


def test_the_check_on_rejections_counts_those_that_come_without_a_run_of_its_step(
    scene: Scene,
) -> None:
    """Two orders that the OMS refuses: the step that validated them has reported none."""
    scene.place_many([1, 2])
    scene.run_in_dagster("orders", first=scene.yesterday, steps=("captured", "validated"))
    _, cursor = beat(scene)
    error = {"Type": "ERROR", "Code": "ORD::042", "Description": "Not this one"}
    body = {"success": False, "messages": {"Message": [error]}}
    scene.fault("manhattan", {"kind": "status", "status": 200, "body": body, "path": "order/save$"})
    scene.run_in_dagster("orders", first=scene.yesterday, steps=("delivered",))

    found, _ = beat(scene, cursor)

    result = found[f"orders_validated/{NO_REJECTIONS}"]
    assert (result.passed, result.metadata["open"].value) == (False, 2)


def test_the_check_on_what_is_due_ends_with_the_last_that_is_due(scene: Scene) -> None:
    """What was due is superseded, and no step of the stream runs."""
    scene.place_many([1])
    scene.run_in_dagster("orders", first=scene.yesterday, steps=("captured", "validated"))
    _, cursor = beat(scene)
    scene.sql("UPDATE sync.record SET outcome = 'superseded' RETURNING 1")

    found, cursor = beat(scene, cursor)

    assert found[f"orders_delivered/{ALL_DELIVERED}"].passed
    assert beat(scene, cursor)[0] == {}


def test_a_repeated_result_says_since_when_it_holds(scene: Scene) -> None:
    """An hour later it is confirmed: the same result, not a new one, and not an old one."""
    first, cursor = beat(scene)
    place = f"health/{check_name('orders', HEARTBEAT)}"
    assert "Unchanged" not in str(first[place].description)
    memory = json.loads(cursor)
    hour_ago = (datetime.now(UTC) - timedelta(hours=1, minutes=1)).isoformat()
    memory["since"] = dict.fromkeys(memory["since"], hour_ago)
    memory["reported"] = {
        name: [signature, hour_ago] for name, (signature, _) in memory["reported"].items()
    }

    again, cursor = beat(scene, json.dumps(memory))

    assert "Unchanged since" in str(again[place].description)
    since = again[place].metadata["holds since"].value
    assert since == pytest.approx(datetime.fromisoformat(hour_ago).timestamp(), abs=1)
    assert beat(scene, cursor)[0] == {}
