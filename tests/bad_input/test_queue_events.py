"""Bad messages of a subscription's queue: an event, of no use, or kept with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import cast

import orjson
import psycopg
import pytest

from domain.exchange import QueuedMessage
from resources.http.sqs import SqsMessage, SqsQueue
from resources.ledger.captures import inbox, unread_events
from resources.platforms.commercetools.events import SubscriptionQueue
from tests.assets.scene import NAME
from tests.bad_input.counts import QUEUE_EVENTS
from tests.bad_input.growth import grows_too_fast
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import assert_is_bounded
from tests.resources.platforms.commercetools.test_events import change, cloud, notification

pytestmark = pytest.mark.slow

PERSONAL = ("jane.doe", "Jane", "Main Street")
QUEUE = SubscriptionQueue(cast("SqsQueue", None), "acme", ("orders", "customers"))
AT_ONCE = 500
"""Messages that are stored together."""


def documents() -> list[bytes]:
    """Return notifications of both formats and of every kind."""
    order = {"customerEmail": "jane.doe@example.com", "shippingAddress": {"firstName": "Jane"}}
    left_out = {"reason": "Payload too large.", "payloadType": "OrderCreated"}
    customer = {"typeId": "customer", "id": "5f1d3c57-8f4c-4b63-9d0a-000000000009"}
    plain = [
        notification(order=order),
        notification(order=None, payloadNotIncluded=left_out),
        notification(type="CustomerDeleted", resource=customer),
        change("ResourceCreated"),
        change("ResourceDeleted", dataErasure=True),
        notification(notificationType="Event", type="ImportContainerCreated"),
    ]
    return [orjson.dumps(each) for each in (*plain, *map(cloud, plain))]


def read(body: bytes, number: int = 0) -> QueuedMessage:
    """Reduce a message as the queue hands it out: a text, whatever it holds."""
    text = body.decode(errors="replace")
    return QUEUE.to_message(SqsMessage(f"message-{number}", "receipt", text))


def check(message: QueuedMessage, body: bytes) -> str:
    """Return the outcome of a message, after checking that nothing of it is lost or shown."""
    if message.unread is not None:
        assert message.events == ()
        assert_is_bounded(message.unread.problem)
        assert message.unread.body == body.decode(errors="replace").encode()
        assert not any(text in message.unread.problem for text in PERSONAL)
        return "kept"
    for one in message.events:
        texts = (one.event_id, one.stream, one.source_id, one.scope)
        assert all(
            text.isascii() and text.isprintable() and 0 < len(text) <= 200 for text in texts
        ), one
        assert one.stream in ("orders", "customers")
        assert one.occurred_at is None or one.occurred_at.tzinfo is not None
    return "event" if message.events else "of no use"


def test_every_spoilt_message_is_an_event_or_of_no_use_or_kept(database: str) -> None:
    """All of them are stored, so no text of any is refused by the database."""
    outcomes, expected = Counter[str](), set[str]()
    waiting: list[QueuedMessage] = []
    with psycopg.connect(database, autocommit=True) as db:
        for number, payload in enumerate(Mutator(documents()).payloads(QUEUE_EVENTS, seed=77_000)):
            try:
                message = read(payload.body, number)
                outcomes[check(message, payload.body)] += 1
            except Exception as error:
                raise AssertionError(f"seed {payload.seed} ({payload.kinds}): {error}") from error
            expected |= {event.event_id for event in message.events}
            waiting.append(message)
            if len(waiting) == AT_ONCE:
                _store(db, waiting)
                waiting.clear()
        _store(db, waiting)
        stored = db.execute("SELECT event_id FROM sync.inbox").fetchall()
        kept = db.execute("SELECT count(*) FROM sync.unread_event").fetchone()
    assert {event_id for (event_id,) in stored} == expected
    assert kept == (outcomes["kept"],)
    assert outcomes.total() == QUEUE_EVENTS
    assert min(outcomes["event"], outcomes["kept"], outcomes["of no use"]) > QUEUE_EVENTS // 50


def _store(db: psycopg.Connection[tuple[object, ...]], messages: list[QueuedMessage]) -> None:
    events = {event.event_id: event for message in messages for event in message.events}
    with db.transaction():
        inbox.put(db, NAME, "platform", list(events.values()))
        unread_events.keep(
            db, NAME, "platform", [m.unread for m in messages if m.unread is not None]
        )


def test_a_message_of_many_values_takes_no_more_than_linear_time() -> None:
    """The queue's own limit is 1 MiB."""

    def reading(lines: int) -> Callable[[], object]:
        body = orjson.dumps(notification(order={"lineItems": [{"id": "x"}] * lines}))
        return lambda: read(body)

    assert grows_too_fast(reading, 8_000) == ""
