"""Events that a system keeps in a queue: stored before they are acknowledged, and never twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg
import pytest

from domain.errors import TransientError
from domain.exchange import QueuedMessage, WebhookEvent
from sensors import queues
from sensors.queues import pull_queues
from tests.assets.scene import NAME, Scene
from tests.sensors.test_changes import place_now, requests_of, run_request, tick

pytestmark = pytest.mark.slow


class Queue:
    """A queue of events that hands messages out until they are acknowledged, two at a time."""

    def __init__(self, scene: Scene, *messages: QueuedMessage) -> None:
        self.scene, self.waiting = scene, list(messages)
        self.stored: list[int] = []
        """How many events were in the inbox at each acknowledgement."""
        self.fails_to_pull = self.fails_to_acknowledge = False

    def pull(self) -> Sequence[QueuedMessage]:
        """Return the oldest two."""
        if self.fails_to_pull:
            raise TransientError("the queue does not answer")
        return self.waiting[:2]

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """Remove the messages."""
        self.stored.append(len(inbox(self.scene)))
        if self.fails_to_acknowledge:
            raise TransientError("the queue does not answer")
        self.waiting = [m for m in self.waiting if m.receipt not in receipts]


def message(number: int, *, used: bool = True) -> QueuedMessage:
    """Return a message about an order, or about something that no stream uses."""
    event = WebhookEvent(f"event-{number}", "orders", str(number), "OrderCreated")
    return QueuedMessage(f"receipt-{number}", (event,) if used else ())


def inbox(scene: Scene) -> list[tuple[str, str]]:
    """Return system and order of the events in the inbox."""
    rows = scene.sql("SELECT system, source_id FROM sync.inbox ORDER BY event_id")
    return [(system, source_id) for system, source_id in rows]


def with_queue(scene: Scene, *messages: QueuedMessage, **sections: Any) -> Queue:
    """Give the store a queue; the connection has no webhooks, and polls rarely."""
    scene.configure(streams=("orders",), **{"poll_interval": "PT1H", **sections})
    queue = Queue(scene, *messages)
    assert scene.lockstep is not None
    platform: Any = scene.lockstep.sync(NAME, "").platform
    platform.events = queue
    return queue


def pull(scene: Scene) -> queues.Pulled:
    """Pull the connection's queues."""
    assert scene.lockstep is not None
    return pull_queues(scene.lockstep, [NAME])


def test_events_are_stored_before_they_are_acknowledged(scene: Scene) -> None:
    """Batch by batch; a message without a use is taken off the queue as well."""
    queue = with_queue(scene, message(1), message(2, used=False), message(3))
    assert pull(scene) == (frozenset({NAME}), {}, [])
    assert (queue.waiting, queue.stored) == ([], [1, 2])
    assert inbox(scene) == [("platform", "1"), ("platform", "3")]


def test_a_crash_before_the_acknowledgement_stores_no_event_twice(scene: Scene) -> None:
    """The message is handed out again, and its event is known."""
    queue = with_queue(scene, message(1))
    queue.fails_to_acknowledge = True
    assert pull(scene).failures == {f"{NAME}/platform": "the queue does not answer"}
    assert (len(queue.waiting), inbox(scene)) == (1, [("platform", "1")])
    queue.fails_to_acknowledge = False
    assert pull(scene).failures == {}
    assert (queue.waiting, inbox(scene)) == ([], [("platform", "1")])


def test_events_that_cannot_be_stored_stay_in_the_queue(scene: Scene) -> None:
    """Only the commit counts."""
    queue = with_queue(scene, message(1))
    scene.sql_write("ALTER TABLE sync.inbox RENAME TO inbox_away")
    assert pull(scene).failures
    scene.sql_write("ALTER TABLE sync.inbox_away RENAME TO inbox")
    assert (len(queue.waiting), queue.stored, inbox(scene)) == (1, [], [])


def test_a_long_queue_is_left_for_the_next_tick(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tick must end in time, however much waits."""
    monkeypatch.setattr(queues, "MOST_PULLS", 2)
    queue = with_queue(scene, *map(message, range(1, 6)))
    pull(scene)
    assert ([m.receipt for m in queue.waiting], len(inbox(scene))) == (["receipt-5"], 4)
    pull(scene)
    assert (queue.waiting, len(inbox(scene))) == ([], 5)


def test_a_pulled_event_is_probed_without_waiting_for_the_poll_interval(scene: Scene) -> None:
    """As one that a webhook brought; without the event the tick asks nothing."""
    queue = with_queue(scene)
    first = tick(scene)
    assert isinstance(first, dg.SensorResult)
    place_now(scene, 1001)
    assert requests_of(tick(scene, first.cursor)) == []
    queue.waiting.append(message(1001))
    [request] = requests_of(tick(scene, first.cursor))
    assert run_request(scene, request).success
    assert set(scene.oms_orders()) == {"1001"}


def test_a_queue_that_fails_hides_no_change(scene: Scene) -> None:
    """The source is polled all the same, and the tick succeeds."""
    queue = with_queue(scene, message(1001), poll_interval="PT1S")
    queue.fails_to_pull = True
    place_now(scene, 1001)
    assert len(requests_of(tick(scene))) == 1
    assert inbox(scene) == []
