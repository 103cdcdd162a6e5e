"""Events of a subscription: both formats, what is of no use, and what can't be read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import orjson
import pytest

from domain.exchange import QueuedMessage, WebhookEvent
from resources.http.sqs import SqsMessage, SqsQueue
from resources.platforms.commercetools.events import SubscriptionQueue
from tests.shared import shared_path

Json = dict[str, Any]
ORDER, MESSAGE_ID = "5f1d3c57-8f4c-4b63-9d0a-000000000001", "81ee6da8-5bc2-471b-9159-89bac735a45d"
AT = "2026-03-04T10:00:00.123Z"
STREAMS = ("orders", "shipments", "customers")


def notification(**changes: Any) -> Json:
    """Return a message of an order, in the format ``Platform``."""
    return {
        "notificationType": "Message",
        "projectKey": "acme",
        "id": MESSAGE_ID,
        "version": 1,
        "sequenceNumber": 2,
        "resource": {"typeId": "order", "id": ORDER},
        "resourceVersion": 3,
        "type": "OrderCreated",
        "order": {"id": ORDER},
        "createdAt": AT,
        "lastModifiedAt": AT,
    } | changes


def change(kind: str = "ResourceUpdated", **changes: Any) -> Json:
    """Return a change of an order, in the format ``Platform``."""
    return {
        "notificationType": kind,
        "projectKey": "acme",
        "version": 3,
        "oldVersion": 2,
        "resource": {"typeId": "order", "id": ORDER},
        "modifiedAt": AT,
    } | changes


def cloud(data: Json, **changes: Any) -> Json:
    """Return a notification in the format ``CloudEvents``."""
    return {
        "specversion": "1.0",
        "id": MESSAGE_ID,
        "type": "com.commercetools.order.message.X",
        "source": "/acme/orders",
        "subject": ORDER,
        "time": AT,
        "data": data,
    } | changes


def read(body: object, streams: tuple[str, ...] = STREAMS) -> QueuedMessage:
    """Reduce a message."""
    queue = SubscriptionQueue(cast("SqsQueue", None), "acme", streams)
    text = body if isinstance(body, str) else orjson.dumps(body).decode()
    return queue.to_message(SqsMessage("queue-1", "receipt-1", text))


def event_of(body: object) -> WebhookEvent:
    """Reduce a message that has one event."""
    message = read(body)
    assert message.unread is None
    [event] = message.events
    assert message.receipt == "receipt-1"
    return event


@pytest.mark.parametrize("wrap", [lambda data: data, cloud])
@pytest.mark.parametrize("body", [notification(), change()])
def test_both_formats_and_both_kinds_name_the_record(body: Json, wrap: Any) -> None:
    """With the vendor's time, by which the event is settled."""
    event = event_of(wrap(body))
    assert (event.stream, event.source_id) == ("orders", ORDER)
    assert event.occurred_at == datetime(2026, 3, 4, 10, 0, 0, 123_000, UTC)
    assert event.scope in ("OrderCreated", "ResourceUpdated")


def test_a_repeated_event_has_the_same_id_and_another_one_has_not() -> None:
    """Messages have ids; changes are known by their record's version."""
    assert event_of(notification()).event_id == event_of(notification(order=None)).event_id
    assert event_of(notification()).event_id == event_of(cloud(notification())).event_id
    ids = [
        event_of(body).event_id
        for body in (
            change(),
            change(),
            change(version=4),
            change("ResourceDeleted"),
            change(resource={"typeId": "order", "id": ORDER[:-1] + "2"}),
        )
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def test_a_message_without_its_payload_is_a_hint_all_the_same() -> None:
    """The order is read from the project, in any case."""
    body = notification()
    del body["order"]
    body["payloadNotIncluded"] = {"reason": "Payload too large.", "payloadType": "OrderCreated"}
    assert event_of(body).source_id == ORDER


@pytest.mark.parametrize(
    "body",
    [
        notification(resource={"typeId": "product", "id": ORDER}),
        notification(resource={"typeId": "inventory-entry", "id": ORDER}),
        change("ResourceCreated", resource={"typeId": "subscription", "id": ORDER}),
        {
            "notificationType": "Event",
            "id": MESSAGE_ID,
            "type": "ImportContainerCreated",
            "resourceType": "import-api",
            "data": {"key": "k"},
            "createdAt": AT,
        },
        {"notificationType": "Event", "data": "a text", "createdAt": AT},
    ],
)
def test_what_no_stream_uses_is_taken_off_the_queue(body: Json) -> None:
    """Also the test notification of a new subscription."""
    assert read(body) == QueuedMessage("receipt-1")
    assert read(cloud(body)) == QueuedMessage("receipt-1")


def test_an_event_of_a_stream_that_the_connection_lacks_is_of_no_use() -> None:
    """Customers are synced only if they are listed."""
    body = notification(type="CustomerDeleted", resource={"typeId": "customer", "id": ORDER})
    assert read(body).events[0].stream == "customers"
    assert read(body, ("orders",)) == QueuedMessage("receipt-1")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "not JSON"),
        ("not JSON: jane.doe@example.com", "not JSON"),
        ("[1]", "not JSON"),
        ('"text"', "not JSON"),
        ("[" * 5_000, "not JSON"),
        ({}, "notificationType"),
        ({"notificationType": 5}, "notificationType"),
        (notification(resource="jane"), "not JSON"),
        (notification(resource=None), r"resource\.typeId"),
        (notification(resource={"id": ORDER}), r"resource\.typeId"),
        (notification(resource={"typeId": "order"}), r"resource\.id"),
        (notification(resource={"typeId": "order", "id": "../x"}), r"resource\.id"),
        (notification(projectKey="other"), "another project than acme"),
        (cloud({}), "notificationType"),
        ({"specversion": "1.0", "id": MESSAGE_ID}, "not JSON"),
    ],
)
def test_what_can_not_be_read_is_kept_with_the_reason(body: object, problem: str) -> None:
    """Its bytes as they came, and no word of them in the reason."""
    message = read(body)
    assert message.events == ()
    assert message.unread is not None
    assert message.unread.message_id == "queue-1"
    assert message.unread.body == (body.encode() if isinstance(body, str) else orjson.dumps(body))
    assert problem.replace("\\", "") in message.unread.problem
    assert "jane" not in message.unread.problem


def test_a_time_that_can_not_be_read_is_left_out() -> None:
    """The event counts from when it was received."""
    assert event_of(notification(createdAt="yesterday")).occurred_at is None
    assert event_of(cloud(change(), time=5)).occurred_at is None


def test_texts_of_an_event_are_short_and_printable() -> None:
    """They are shown to operators."""
    event = event_of(notification(type="Order\u00e9\n" * 100, id="not a uuid\n" * 99))
    assert event.scope.isascii()
    assert event.scope.isprintable()
    assert len(event.scope) <= 80
    assert len(event.event_id) == 64


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("message-payload", "Message"),
        ("resource-created-payload", "ResourceCreated"),
        ("resource-updated-payload", "ResourceUpdated"),
        ("resource-deleted-payload", "ResourceDeleted"),
        ("cloudevents-payload", "Message"),
        ("event-payload", "Event"),
    ],
)
def test_the_official_examples_are_read(name: str, kind: str) -> None:
    """As examples of an order, since most are of products, with an id instead of the brackets."""
    folder = shared_path("contracts/commercetools/examples/Subscription")
    example = orjson.loads((folder / f"{name}.example.json").read_bytes())
    data: Json = example["data"] if "specversion" in example else example
    assert data["notificationType"] == kind
    if kind == "Event":
        assert read(example) == QueuedMessage("receipt-1")
        return
    assert read(example).unread is not None, "it is of another project"
    data |= {"projectKey": "acme", "resource": {"typeId": "order", "id": ORDER}}
    event = event_of(example)
    assert (event.stream, event.source_id) == ("orders", ORDER)
    assert event.occurred_at is not None
