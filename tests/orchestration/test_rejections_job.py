"""Tests of the job ``rejections``, as launched from the UI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest

from domain.rejection_codes.entry import CLASSES
from orchestration.rejections_job import RejectionClass, RejectionsConfig, rejections_job
from sandbox.app import RunningSandbox
from sensors.reruns import tick
from tests.assets.dagster_run import QUIET
from tests.assets.documents import address, order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow


@pytest.fixture
def rejected(sandbox: RunningSandbox, database: str, tmp_path: Path) -> Iterator[Scene]:
    """Return a scene with two orders whose shipping method is not mapped."""
    scene = Scene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path)
    scene.place(
        *[
            order(
                n,
                scene.moment(),
                shipping_addresses=[address(n * 100, shipping_method="Slow boat")],
            )
            for n in (1, 2)
        ]
    )
    scene.run("orders", first=scene.yesterday)
    yield scene
    scene.close()


def work(scene: Scene, **config: Any) -> dict[str, Any]:
    """Launch the job; return the metadata of its output."""
    ops = {"ops": {"work_rejections": {"config": config}}}
    result = scene.job("rejections").execute_in_process(
        instance=scene.instance, run_config=QUIET | ops
    )
    (event,) = [e for e in result.all_events if e.event_type is dg.DagsterEventType.STEP_OUTPUT]
    return {name: value.value for name, value in event.step_output_data.metadata.items()}


def run_queued(scene: Scene) -> None:
    """Run what the sensor requests for the queue."""
    assert scene.lockstep is not None
    context = dg.build_sensor_context(instance=scene.instance)
    result = tick(context, scene.installation, scene.lockstep, {NAME})
    assert isinstance(result, dg.SensorResult)
    for request in result.run_requests or []:
        scene.job(str(request.job_name)).execute_in_process(
            instance=scene.instance,
            partition_key=request.partition_key,
            asset_selection=list(request.asset_selection or []),
            run_config=request.run_config | QUIET,
            tags=request.tags,
        )


def test_a_class_is_retried_from_the_ui(rejected: Scene) -> None:
    """One launch queues these records only, and the sensor's run delivers them."""
    rejected.configure(orders={"shipping_methods": {"Ground": "Ground", "Slow boat": "Standard"}})
    output = work(rejected, action="retry", who="ann", reason="mapped", rejection_class="mapping")
    assert (output["rejections"], output["reruns"]) == (2, 1)
    assert {record.data["record"] for record in output["table"].records} == {"1", "2"}
    run_queued(rejected)
    assert sorted(rejected.oms_orders()) == ["1", "2"]
    assert rejected.open_rejections("orders") == {}
    kept = rejected.sql("SELECT DISTINCT who, action, mode, why FROM sync.rejection_action")
    assert kept == [("ann", "retry", "as_captured", "mapped")]


def test_an_edit_from_the_ui_is_delivered_and_not_repeated_in_its_output(rejected: Scene) -> None:
    """The value is applied and the diff kept; the output has the record but no value."""
    (first,) = rejected.sql("SELECT rejection_id FROM sync.rejection WHERE source_id = '1'")
    wanted = [
        "consignments.shipping[0].shipping_method=Ground",
        "consignments.shipping[0].first_name=Wilhelmina",
    ]
    output = work(rejected, action="edit", who="ann", ids=[first[0]], set=wanted)
    assert "Wilhelmina" not in repr(output)
    run_queued(rejected)
    assert list(rejected.oms_orders()) == ["1"]
    ((paths,),) = rejected.sql("SELECT paths FROM history.rejection_actions WHERE action = 'edit'")
    assert [path.rpartition(".")[2] for path in paths] == ["shipping_method", "first_name"]


def test_a_discard_from_the_ui_closes_for_good(rejected: Scene) -> None:
    """The name and the reason are kept, and nothing is queued."""
    output = work(
        rejected,
        action="discard",
        who="ann",
        reason="test orders",
        code="shipping_method_unknown",
        connection=NAME,
    )
    assert (output["rejections"], output["reruns"]) == (2, 0)
    assert set(rejected.sql("SELECT state, closed_by, closed_why FROM sync.rejection")) == {
        ("discarded", "ann", "test orders")
    }
    assert (
        work(rejected, action="retry", who="ann", code="shipping_method_unknown")["rejections"] == 0
    )


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"action": "retry"}, "No filter is given"),
    ({"action": "retry", "ids": [999_999]}, "Not open"),
    ({"action": "edit", "code": "shipping_method_unknown", "set": ["a=b"]}, "one id"),
    ({"action": "retry", "ids": [1], "set": ["a=b"]}, "only for the action edit"),
    ({"action": "edit", "ids": [1], "set": ["consignments.shipping[0].zipp=1"]}, "There is no"),
    ({"action": "discard", "ids": [1]}, "needs a reason"),
    ({"action": "retry", "ids": [1], "first_day": "yesterday"}, "YYYY-MM-DD"),
    ({"action": "retry", "ids": [1], "who": "  "}, "who is empty"),
]


def test_an_invalid_launch_changes_nothing_and_says_why(rejected: Scene) -> None:
    """The run fails with one sentence, and no rejection has changed."""
    for config, message in INVALID:
        with pytest.raises(dg.Failure, match=r".*") as error:
            work(rejected, **({"who": "ann"} | config))
        assert message in str(error.value.description)
    assert set(rejected.sql("SELECT state FROM sync.rejection")) == {("open",)}
    assert rejected.sql("SELECT count(*) FROM sync.rerun") == [(0,)]


def test_every_field_of_the_launchpad_has_a_description() -> None:
    """An operator without a shell has no other help."""
    assert [
        name for name, field in RejectionsConfig.model_fields.items() if not field.description
    ] == []
    assert tuple(one.value for one in RejectionClass) == CLASSES
    assert rejections_job.description
