"""Events of commercetools from a queue of others to a run: each once in effect, none lost."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest

from assets.event_checks import queue_checks
from resources.http import sqs
from resources.ledger.captures import unread_events
from sensors import queues
from sensors.queues import pull_queues
from tests.assets.scene import NAME
from tests.pairs.commercetools import ProjectScene
from tests.queues import REGION, Sqs, Waiting, running_sqs
from tests.sandbox.simulated_project import an_order
from tests.sensors.test_changes import requests_of, run_request, tick

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sqs")]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def server() -> Iterator[Sqs]:
    """One server for the module: each test has a queue of its own."""
    with running_sqs() as found:
        yield found


@pytest.fixture
def waiting(project: ProjectScene, server: Sqs) -> Waiting:
    """A queue of the project's subscription; the connection polls rarely, and has no webhooks."""
    made = server.queue()
    secret = {"file": project.secret_file("queue", server.secret_key)}
    access = {"file": project.secret_file("queue-key", server.access_key)}
    section = {"url": made.url, "region": REGION, "access_key": access, "secret_key": secret}
    project.configure(streams=("orders",), poll_interval="PT1H", platform={"queue": section})
    return made


def place_now(project: ProjectScene, number: int) -> str:
    """Place an order a moment ago, let its second pass, and return its id."""
    moment = datetime.now(UTC)
    [order_id] = project.to_store("orders", [an_order(str(number), moment.isoformat())])["ids"]
    time.sleep(1.2 - moment.microsecond / 1_000_000)
    return str(order_id)


def created(project: ProjectScene, order_id: str, **changes: Any) -> Json:
    """Return the message of a new order, with the order in it as the vendor sends it."""
    return {
        "notificationType": "Message",
        "projectKey": project.store,
        "id": str(uuid4()),
        "version": 1,
        "sequenceNumber": 1,
        "resource": {"typeId": "order", "id": order_id},
        "resourceVersion": 1,
        "type": "OrderCreated",
        "order": project.order(order_id),
        "createdAt": datetime.now(UTC).isoformat(),
    } | changes


def inbox(project: ProjectScene) -> list[str]:
    """Return the ids of the records that the inbox's events name."""
    return [
        str(row[0]) for row in project.sql("SELECT source_id FROM sync.inbox ORDER BY inbox_id")
    ]


def unread(project: ProjectScene) -> list[tuple[str, bytes]]:
    """Return why messages could not be read, and their bodies."""
    rows = project.sql("SELECT problem, body FROM sync.unread_event ORDER BY received_at")
    return [(problem, bytes(body)) for problem, body in rows]


def pull(project: ProjectScene) -> queues.Pulled:
    """Pull the connection's queue."""
    assert project.lockstep is not None
    return pull_queues(project.lockstep, [NAME])


def test_a_message_leads_to_one_run_that_delivers_its_order(
    project: ProjectScene, waiting: Waiting
) -> None:
    """Without waiting for the poll interval; afterwards the queue is empty."""
    first = tick(project)
    assert isinstance(first, dg.SensorResult)
    order_id = place_now(project, 1001)
    assert requests_of(tick(project, first.cursor)) == []
    waiting.send(created(project, order_id))
    [request] = requests_of(tick(project, first.cursor))
    assert run_request(project, request).success
    assert set(project.oms_orders()) == {"1001"}
    assert waiting.counts() == (0, 0)


def test_repeated_and_reordered_messages_deliver_an_order_once(
    project: ProjectScene, waiting: Waiting
) -> None:
    """A change before its creation, each of them twice, and one without its payload."""
    first = tick(project)
    assert isinstance(first, dg.SensorResult)
    order_id = place_now(project, 1001)
    message = created(project, order_id)
    changed = message | {"id": str(uuid4()), "type": "OrderStateChanged", "sequenceNumber": 2}
    left_out = {"reason": "Payload too large.", "payloadType": "OrderStateChanged"}
    changed |= {"payloadNotIncluded": left_out, "order": None}
    waiting.send(changed, message, message, changed)
    [request] = requests_of(tick(project, first.cursor))
    assert run_request(project, request).success
    waiting.send(message)
    assert requests_of(tick(project, first.cursor)) == []
    assert inbox(project) == [order_id, order_id]
    assert (project.oms_counts()["creates"], waiting.counts()) == (1, (0, 0))


def test_a_message_that_can_not_be_read_is_kept_and_shown_and_does_not_come_again(
    project: ProjectScene, waiting: Waiting
) -> None:
    """It holds up none of the others, and the operator sees it in ``lockstep doctor``."""
    order_id = place_now(project, 1001)
    poison = "no JSON: \u00e9"
    foreign = created(project, order_id, projectKey="other")
    waiting.send(poison, created(project, order_id), foreign)
    pulled = pull(project)
    assert (pulled.failures, len(pulled.unread)) == ({}, 2)
    assert all(text.startswith(f"{NAME}/platform: message ") for text in pulled.unread)
    assert (inbox(project), waiting.counts()) == ([order_id], (0, 0))
    other = f"it is of another project than {project.store}: give each connection a queue"
    assert dict(unread(project)) == {
        "the body is not JSON in a subscription's format": poison.encode(),
        f"{other} of its own": json.dumps(foreign).encode(),
    }
    assert pull(project).unread == []
    assert project.lockstep is not None
    [check] = queue_checks(project.lockstep, NAME)
    assert (check.name, check.ok) == ("platform queue events", False)
    assert "2 messages" in check.detail
    assert "jane" not in check.detail
    with project.lockstep.ledger.connect() as db:
        [first, second] = unread_events.find(db)
        assert unread_events.discard(db, [first], "ann", "sent by hand") == [first]
        assert unread_events.discard(db, [first], "bob", "again") == []
    [check] = queue_checks(project.lockstep, NAME)
    assert check.detail.startswith("1 message of")
    assert second.problem in check.detail
    project.sql_write("UPDATE sync.unread_event SET received_at = now() - interval '8 days'")
    assert [check.ok for check in queue_checks(project.lockstep, NAME)] == [True]


def test_a_crash_between_store_and_delete_stores_no_event_twice(
    project: ProjectScene, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue hands the messages out again after their visibility time-out."""
    monkeypatch.setattr(sqs, "VISIBILITY_SECONDS", 1)
    order_id = place_now(project, 1001)
    waiting.send(created(project, order_id), "no JSON")
    with monkeypatch.context() as crash:
        crash.setattr(sqs.SqsQueue, "delete", _crashed)
        assert "KeyError" in pull(project).failures[f"{NAME}/platform"]
    assert (inbox(project), len(unread(project)), waiting.counts()) == ([order_id], 1, (0, 2))
    assert pull(project).failures == {}
    time.sleep(1.1)
    assert pull(project).failures == {}
    assert (inbox(project), len(unread(project)), waiting.counts()) == ([order_id], 1, (0, 0))


def _crashed(*_: object) -> None:
    raise KeyError("killed")


def test_messages_that_can_not_be_stored_stay_in_the_queue(
    project: ProjectScene, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the commit counts: neither an event nor what can't be read is lost."""
    monkeypatch.setattr(sqs, "VISIBILITY_SECONDS", 1)
    order_id = place_now(project, 1001)
    waiting.send(created(project, order_id), "no JSON")
    project.sql_write("ALTER TABLE sync.unread_event RENAME TO unread_event_away")
    assert pull(project).failures
    project.sql_write("ALTER TABLE sync.unread_event_away RENAME TO unread_event")
    assert (inbox(project), waiting.counts()) == ([], (0, 2))
    time.sleep(1.1)
    assert pull(project).failures == {}
    assert (inbox(project), len(unread(project)), waiting.counts()) == ([order_id], 1, (0, 0))


def test_a_long_queue_is_pulled_in_several_ticks(
    project: ProjectScene, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten messages a call, and a bound on the calls of a tick."""
    monkeypatch.setattr(queues, "MOST_PULLS", 2)
    order_id = place_now(project, 1001)
    waiting.send(*(created(project, order_id) for _ in range(25)))
    pull(project)
    assert (len(inbox(project)), waiting.counts()) == (20, (5, 0))
    pull(project)
    assert (len(inbox(project)), waiting.counts()) == (25, (0, 0))


def test_a_queue_that_can_not_be_read_hides_no_change(
    project: ProjectScene, waiting: Waiting, server: Sqs
) -> None:
    """The project is polled all the same; the preflight names the queue."""
    wrong = {"file": project.secret_file("wrong", "no such secret")}
    access = {"file": project.secret_file("queue-key", server.access_key)}
    section = {"url": waiting.url, "region": REGION, "access_key": access, "secret_key": wrong}
    project.configure(streams=("orders",), poll_interval="PT1S", platform={"queue": section})
    place_now(project, 1001)
    assert "credentials" in pull(project).failures[f"{NAME}/platform"]
    assert len(requests_of(tick(project))) == 1
    assert project.lockstep is not None
    checks = {c.name: c for c in project.lockstep.sync(NAME, "").platform.preflight()}
    assert not checks["queue"].ok
    assert "no such secret" not in checks["queue"].detail


def test_the_preflight_says_how_many_messages_wait(project: ProjectScene, waiting: Waiting) -> None:
    """And receives none of them."""
    waiting.send("one", "two")
    assert project.lockstep is not None
    checks = {c.name: c for c in project.lockstep.sync(NAME, "").platform.preflight()}
    assert checks["queue"].ok
    assert "about 2 messages wait" in checks["queue"].detail
    assert waiting.counts() == (2, 0)
