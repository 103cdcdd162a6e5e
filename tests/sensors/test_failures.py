"""Failed runs: the first in a row is alerted at once, with its reason and no personal data."""

from __future__ import annotations

import dagster as dg
import pytest

from domain.errors import PermanentError, TransientError
from domain.exchange import Alert
from resources.notifications import WebhookNotifier
from sensors.failures import build_failure_sensor, in_a_row, is_alerted
from tests.assets.scene import NAME, Scene
from tests.sensors.receiver import Receiver, receiver

pytestmark = pytest.mark.slow

__all__ = ["receiver"]

STEP = f"sync_{NAME}"


def _fail(scene: Scene) -> dg.DagsterRun:
    result = scene.run_in_dagster("orders", first=scene.yesterday, raise_on_error=False)
    assert not result.success
    return result.dagster_run


def _hear(scene: Scene, run: dg.DagsterRun, receiver: Receiver) -> None:
    (event,) = [
        e.event_log_entry.dagster_event
        for e in scene.instance.get_records_for_run(
            run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE
        ).records
    ]
    context = dg.build_run_status_sensor_context(
        "failures", event, scene.instance, scene.instance.get_run_by_id(run.run_id)
    )
    build_failure_sensor(lambda: WebhookNotifier(receiver.url))(context.for_run_failure())


def test_the_first_failure_is_alerted_with_its_reason(scene: Scene, receiver: Receiver) -> None:
    """The alert names the job, the partition, the run and what the system answered."""
    scene.fault("bigcommerce", {"kind": "status", "status": 403, "path": "/v2/orders"})
    run = _fail(scene)

    _hear(scene, run, receiver)

    (alert,) = receiver.posted
    assert "403" in str(alert["text"])
    assert alert["lockstep"]["job"] == STEP
    assert alert["lockstep"]["run_id"] == run.run_id
    assert alert["lockstep"]["partition"] == scene.yesterday.isoformat()


def test_a_repeated_attempt_is_no_first_failure(scene: Scene, receiver: Receiver) -> None:
    """Other chains' runs succeed between the attempts of a failing one: it is alerted once."""
    scene.fault("bigcommerce", {"kind": "status", "status": 403, "path": "/v2/orders"})
    for number in ("1", "2", "3"):
        run = _fail(scene)
        scene.instance.add_run_tags(run.run_id, {"sync/attempt": number})
        assert scene.run_in_dagster("shipments", first=scene.yesterday).success

        _hear(scene, run, receiver)

    assert len(receiver.posted) == 1


def test_the_second_failure_in_a_row_is_not_alerted_and_one_after_a_success_is(
    scene: Scene, receiver: Receiver
) -> None:
    """A store that is down for an hour must not fill the pager; a new fault must."""
    scene.fault("bigcommerce", {"kind": "status", "status": 403, "path": "/v2/orders"})
    runs = [_fail(scene), _fail(scene)]
    scene.fault("bigcommerce")
    assert scene.run_in_dagster("orders", first=scene.yesterday).success
    scene.fault("bigcommerce", {"kind": "status", "status": 403, "path": "/v2/orders"})
    runs.append(_fail(scene))

    assert [in_a_row(scene.instance, run) for run in runs] == [1, 2, 1]
    for run in runs:
        _hear(scene, run, receiver)
    assert [alert["lockstep"]["run_id"] for alert in receiver.posted] == [
        runs[0].run_id,
        runs[2].run_id,
    ]


def test_only_powers_of_ten_are_alerted() -> None:
    """The 1st, 10th and 100th failure in a row."""
    assert [number for number in range(1, 1001) if is_alerted(number)] == [1, 10, 100, 1000]


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, TransientError), (429, TransientError), (404, PermanentError), (302, PermanentError)],
)
def test_an_undelivered_alert_is_an_error_without_the_address(
    receiver: Receiver, status: int, error: type[Exception]
) -> None:
    """The tick fails and is repeated; the address is a secret and stays out of it."""
    receiver.status = status
    with pytest.raises(error) as caught:
        WebhookNotifier(receiver.url).send(Alert("A title", "A text"))
    assert "a-secret-path" not in str(caught.value)


def test_a_dead_receiver_is_a_transient_error(receiver: Receiver) -> None:
    """No answer: it is tried again, and the address is not shown."""
    receiver.server.shutdown()
    receiver.server.server_close()
    with pytest.raises(TransientError) as caught:
        WebhookNotifier(receiver.url).send(Alert("A title", "A text"))
    assert "a-secret-path" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "ftp://example.com/hook",
        "not a url",
        "http://localhost.example.com/",
    ],
)
def test_an_address_in_the_clear_is_refused(url: str) -> None:
    """Alerts name orders and stores: they go out over https only."""
    with pytest.raises(PermanentError, match="https"):
        WebhookNotifier(url)
