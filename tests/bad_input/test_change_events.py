"""Bad change events of an org: a hint, of no use, or kept with the reason; never a crash."""

from __future__ import annotations

import random
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from resources.http.oauth import OAuthTokens
from resources.platforms.salesforce.events.queue import MOST, ChangeEvents
from resources.platforms.salesforce.settings import EventSettings
from tests.bad_input.counts import CHANGE_EVENTS
from tests.bad_input.outcomes import assert_is_bounded
from tests.pubsub import encoded, schema_of

pytestmark = pytest.mark.slow

IDS = ("1OsLk0000000001AAA", "001Lk0000000001AAA", "0" * 18, "jane.doe@example.com")
KINDS = ("OrderSummary", "Account", "Shipment", "Contact", "Lead", "")
ORIGINS = (None, "", "com/salesforce/api/rest/66.0;client=lockstep", "com/salesforce")
STREAMS = {"orders", "customers", "actions"}


def queue() -> ChangeEvents:
    """Return a queue that is never opened; it knows the schemas."""
    section = {
        "subscription": "Lockstep",
        "org_id": IDS[0],
        "endpoint": "127.0.0.1:1",
        "secure": False,
    }
    made = ChangeEvents(
        EventSettings.model_validate(section), cast("OAuthTokens", None), sorted(STREAMS)
    )
    text = orjson.dumps(schema_of("Order"))
    made._schemas = {"Order": text.decode(), "cut": text[:400].decode(), "odd": '{"fields": 7}'}
    return made


def event(chance: random.Random) -> bytes:
    """Return an event as the org sends it, with any values."""
    header = {
        "entityName": chance.choice(KINDS),
        "recordIds": chance.sample(IDS, chance.randrange(4)),
        "changeType": chance.choice(["CREATE", "UPDATE", "GAP_OVERFLOW"]),
        "changeOrigin": chance.choice(ORIGINS),
        "sequenceNumber": chance.randrange(9),
        "commitTimestamp": chance.choice([0, 1_772_618_400_000, 2**62, -(2**62)]),
        "changedFields": ["0x01"] * chance.randrange(3),
    }
    return encoded(schema_of("Order"), {"ChangeEventHeader": header, "Name": "Jane Doe"})


def damaged(body: bytes, chance: random.Random) -> bytes:
    """Return bytes of which some are changed, left out or added."""
    found = bytearray(body)
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(found) + 1)
        match chance.randrange(3):
            case 0:
                found[place:] = b"" if chance.random() < 0.3 else found[place:]
            case 1:
                found[place : place + 1] = bytes([chance.randrange(256)])
            case _:
                found[place:place] = chance.randbytes(chance.randrange(6))
    return bytes(found)


def test_every_damaged_event_is_a_hint_of_no_use_or_kept() -> None:
    """What is kept is whole, and its reason names no content; what names a record has an id."""
    made, outcomes = queue(), Counter[str]()
    for number in range(CHANGE_EVENTS):
        chance = random.Random(14_000_000 + number)
        body = damaged(event(chance), chance)
        schema = chance.choices(["Order", "cut", "odd"], [18, 1, 1])[0]
        producer: Any = SimpleNamespace(id=f"e-{number}", schema_id=schema, payload=body)
        message = made._message(SimpleNamespace(event=producer, replay_id=b"\1\2"))
        if message.unread is not None:
            assert message.events == ()
            assert message.unread.body == body
            assert_is_bounded(message.unread.problem)
            assert "Jane" not in message.unread.problem
        for one in message.events:
            assert one.stream in STREAMS
            assert one.source_id == "" or len(one.source_id) == 18
            assert len(one.event_id) <= 200
            assert one.event_id.isascii()
        outcomes["kept" if message.unread else "hint" if message.events else "of no use"] += 1
    made.close()
    assert outcomes.total() == CHANGE_EVENTS
    assert min(outcomes.values()) > CHANGE_EVENTS // 20, outcomes
    assert MOST <= 100
