"""Change events of an org: pulled, reduced to hints, committed once they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import grpc
import orjson
import pytest

from domain.errors import AccessRefused, PermanentError, TransientError
from resources.platforms.salesforce.adapter import Salesforce
from resources.platforms.salesforce.events.avro import Undecodable, header_of
from resources.platforms.salesforce.events.queue import ChangeEvents, is_own
from resources.platforms.salesforce.events.wire import ERROR_CODES, MESSAGES
from tests.pubsub import PubSub, declared, encoded, running, schema_of
from tests.resources.platforms.salesforce.conftest import Wire
from tests.resources.platforms.salesforce.orgs import settings

Json = dict[str, Any]
ORDER, OTHER, ACCOUNT = "1OsLk0000000001AAA", "1OsLk0000000002AAA", "001Lk0000000001AAA"
ITEM, NONE = "10uLk0000000001AAA", "0" * 18
OWN = "com/salesforce/api/rest/66.0;client=lockstep"


@pytest.fixture
def server() -> Iterator[PubSub]:
    """Run a server with one subscription."""
    with running() as found:
        yield found


@pytest.fixture
def events(wire: Wire, server: PubSub) -> Iterator[ChangeEvents]:
    """Open a connector whose org's events come from the server."""
    section = {"subscription": "Lockstep", "org_id": "00DLk0000000001AAA", "wait": 0.3,
               "endpoint": server.endpoint, "secure": False, "timeout": 0.5}  # fmt: skip
    connector: Salesforce = wire.open(events=section)
    assert connector.events is not None
    yield connector.events
    connector.close()


def hints(queue: ChangeEvents) -> list[tuple[str, str, str]]:
    """Pull once; return stream, record and scope of each hint."""
    return [(e.stream, e.source_id, e.scope) for m in queue.pull() for e in m.events]


def test_the_messages_are_those_of_the_vendors_file() -> None:
    """By name, number and type; the ones that are not used are left out."""
    messages, enums = declared()
    for name, fields in MESSAGES.items():
        assert set(fields) <= set(messages[name]), name
    assert [value for value, _ in enums["ErrorCode"]] == list(ERROR_CODES)


def test_a_change_is_a_hint_for_its_stream(events: ChangeEvents, server: PubSub) -> None:
    """One for each record; of a child, and of an overflow, only that something has changed."""
    server.add("OrderSummary", ORDER, OTHER, changeType="CREATE")
    server.add("OrderItemSummary", ITEM)
    server.add("Account", ACCOUNT, changeOrigin=None)
    server.add("OrderSummary", NONE, changeType="GAP_OVERFLOW")
    server.add("Product2", ITEM)
    assert hints(events) == [
        ("orders", ORDER, "OrderSummary CREATE"),
        ("orders", OTHER, "OrderSummary CREATE"),
        ("orders", "", "OrderItemSummary UPDATE"),
        ("customers", ACCOUNT, "Account UPDATE"),
        ("orders", "", "OrderSummary GAP_OVERFLOW"),
    ]
    [first, *_] = [event for message in events.pull() for event in message.events]
    assert first.occurred_at == datetime(2026, 3, 4, 10, tzinfo=UTC)
    assert server.seen["tenantid"] == "00DLk0000000001AAA"
    assert server.seen["instanceurl"].startswith("https://acme.my.salesforce.com")
    assert server.seen["accesstoken"]


def test_our_own_writes_do_not_echo(events: ChangeEvents, server: PubSub, wire: Wire) -> None:
    """Each call states its client, which the org puts into the events of what it changes."""
    server.add("Shipment", ITEM, changeOrigin=OWN)
    server.add("OrderSummary", ORDER, changeOrigin=f"{OWN};batch=1")
    server.add("OrderSummary", ORDER, changeOrigin=f"{OWN}-of-another")
    assert hints(events) == [("orders", ORDER, "OrderSummary UPDATE")]
    assert [is_own(each) for each in (OWN, "", None, 7, "client=lockstep2")] == [
        True,
        False,
        False,
        False,
        False,
    ]
    assert wire.open()._policy.default_headers["Sforce-Call-Options"] == "client=lockstep"


def test_events_come_again_until_they_are_committed(events: ChangeEvents, server: PubSub) -> None:
    """Equal ones have equal ids, by which a repetition is known."""
    server.add("OrderSummary", ORDER)
    server.add("OrderSummary", OTHER)
    first, again = events.pull(), events.pull()
    assert [m.events[0].event_id for m in first] == [m.events[0].event_id for m in again]
    events.acknowledge([message.receipt for message in again])
    assert server.committed == 2
    assert events.pull() == []
    events.acknowledge([])
    server.add("OrderSummary", ORDER)
    [message] = events.pull()
    server.forgets_commits = True
    with pytest.raises(TransientError, match="come again"):
        events.acknowledge([message.receipt])
    server.forgets_commits = False
    [message] = events.pull()
    events.acknowledge([message.receipt])
    assert server.committed == 3
    assert server.calls.count("GetSchema") == 1


def test_what_can_not_be_decoded_is_kept_and_hides_no_other(
    events: ChangeEvents, server: PubSub
) -> None:
    """Its content is in no text."""
    server.put("OrderSummary", b"\xff\xff")
    server.add("OrderSummary", ORDER)
    bad, good = events.pull()
    assert bad.unread is not None
    assert bad.unread.problem == "it ends early"
    assert (bad.events, good.events[0].source_id) == ((), ORDER)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.UNAVAILABLE, TransientError),
        (grpc.StatusCode.PERMISSION_DENIED, AccessRefused),
        (grpc.StatusCode.NOT_FOUND, PermanentError),
    ],
)
def test_a_refusal_says_whether_another_try_helps(
    events: ChangeEvents, server: PubSub, code: grpc.StatusCode, error: type[Exception]
) -> None:
    """The org's own text, which may name persons, is left out."""
    server.fails = [code] * 3
    with pytest.raises(error) as raised:
        events.pull()
    assert "Jane" not in str(raised.value)


def test_a_token_that_has_ended_is_renewed_once(events: ChangeEvents, server: PubSub) -> None:
    """As of every other call."""
    server.add("OrderSummary", ORDER)
    server.fails = [grpc.StatusCode.UNAUTHENTICATED]
    assert len(hints(events)) == 1


def test_a_header_of_any_form_is_read_or_refused() -> None:
    """Every type of Avro before it is skipped by its schema; damage is no crash."""
    header = schema_of("Order")["fields"][0]
    before = [
        {"name": "a", "type": {"type": "map", "values": "double"}},
        {"name": "b", "type": ["null", {"type": "fixed", "name": "F", "size": 2}]},
        {"name": "c", "type": "F"},
        {"name": "d", "type": {"type": "array", "items": ["null", "boolean"]}},
        {"name": "e", "type": "float"},
        {"name": "f", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ]
    schema = {"type": "record", "name": "X", "fields": [*before, header]}
    values = {
        "entityName": "Order",
        "recordIds": [ORDER],
        "changeType": "UPDATE",
        "changeOrigin": None,
        "sequenceNumber": -3,
        "commitTimestamp": 2**40,
        "changedFields": [],
    }
    parts = ({"x": 1.5, "y": -2.0}, b"ab", b"cd", [True, None], 0.5, -(2**40))
    kinds = [field["type"] for field in before]
    kinds[2] = {"type": "fixed", "size": 2}
    body = b"".join(encoded(kind, part) for kind, part in zip(kinds, parts, strict=True))
    body += encoded(header["type"], values)
    text = orjson.dumps(schema).decode()
    assert header_of(text, body) == values
    for end in range(len(body)):
        with pytest.raises(Undecodable):
            header_of(text, body[:end])
    for odd in ("", "[]", "{}", '{"fields": []}', '{"fields": [{"name": "x", "type": "no"}]}'):
        with pytest.raises(Undecodable):
            header_of(odd, body)
    long = {"fields": [{"name": "x", "type": {"type": "array", "items": "null"}}]}
    with pytest.raises(Undecodable, match="too long"):
        header_of(orjson.dumps(long).decode(), encoded("long", 10**6))
    with pytest.raises(Undecodable, match="number"):
        header_of('{"fields": [{"name": "x", "type": "long"}]}', b"\xff" * 11)


def test_a_subscription_is_of_one_connection() -> None:
    """Each would take the other's events off it."""
    section = {"subscription": "Lockstep", "org_id": "00DLk0000000001AAA"}
    one = settings(events=section).identity
    assert one.queue
    assert one.queue == settings(events=section, sales_store_id="0ZELk0000000001AAA").identity.queue
    assert one.queue != settings(events=section | {"subscription": "Other"}).identity.queue
    assert settings().identity.queue == ""


def test_a_token_goes_to_another_machine_by_tls_only() -> None:
    """Whatever the settings say."""
    section = {"subscription": "Lockstep", "org_id": "00DLk0000000001AAA", "secure": False}
    with pytest.raises(ValueError, match="TLS"):
        settings(events=section)
