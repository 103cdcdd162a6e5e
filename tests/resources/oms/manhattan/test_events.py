"""A tenant's events: what is kept of each documented shape."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.exchange import WebhookEvent, WebhookRefused
from resources.oms.manhattan.events import build_receiver
from tests.resources.oms.manhattan.samples import connection_of, settings_of

KEY = "the key"


def received(content: Any, **push: Any) -> list[WebhookEvent]:
    """Sign and receive a message."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    receiver = build_receiver(
        settings_of("https://a.example", push={"secret": {"env": "X"}} | push),
        connection_of(),
        lambda _: KEY,
    )
    assert receiver is not None
    return receiver.receive(
        {"x-signature": hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()}, body
    )


@pytest.mark.parametrize(
    "content",
    [
        {"OrderId": "1001", "EventSubmitTime": "2026-03-01T10:00:00.5"},
        {
            "OriginalHeaders": {"MSG_TYPE": "PublishOrderEventMSGType"},
            "OriginalPayload": {"OrderId": 1001, "UpdatedTimestamp": "2026-03-01T10:00:00.5Z"},
        },
        {
            "OriginalPayload": (
                '{"OrderId": " 1001 ", "EventSubmitTimestamp": "2026-03-01T10:00:00.5"}'
            )
        },
        {
            "data": [
                {"OrderId": "1001", "EventSubmitTime": "2026-03-01T10:00:00.5"},
                {"OrderId": "1001"},
            ]
        },
    ],
)
def test_an_order_event_is_a_hint_for_shipments_in_each_wrapping(content: Any) -> None:
    """Bare, as a dump of the queue, with the payload as text, and consolidated."""
    [event] = received(content)
    assert (event.stream, event.source_id, event.occurred_at) == (
        "shipments",
        "1001",
        datetime(2026, 3, 1, 10, 0, 0, 500_000, UTC),
    )


def test_several_orders_are_several_events_and_all_items_are_one() -> None:
    """Each order has its event; stock is read as a whole, so one event is enough."""
    orders = received({"data": [{"OrderId": "1"}, {"OrderId": "2"}]})
    assert [event.source_id for event in orders] == ["1", "2"]
    assert len({event.event_id for event in orders}) == 2
    [event] = received([{"ItemId": "MUG", "TransactionDateTime": "never"}, {"ItemId": "LAMP"}])
    assert (event.stream, event.source_id, event.occurred_at) == ("inventory", "MUG", None)
    assert received({"TransactionNumber": "T1"})[0].stream == "inventory"
    assert received({"orderNo": "7"}, order_id="orderNo")[0].source_id == "7"


def test_a_message_of_another_kind_keeps_no_other_from_being_taken() -> None:
    """A relay forwards several messages at once, and the vendor adds kinds of messages."""
    mixed = {"data": [{"LocationId": "DC1"}, {"OrderId": "1"}, {"OrderId": None}, {"ItemId": "A"}]}
    assert [event.source_id for event in received(mixed)] == ["1", "A"]
    with pytest.raises(WebhookRefused, match="OrderId"):
        received({"data": [{"LocationId": "DC1"}, {"OrderId": None}]})


@settings(max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["OrderId", "ItemId", "data", "OriginalPayload", "x"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=12,
    )
)
def test_any_other_shape_is_refused_without_a_crash(content: Any) -> None:
    """What is accepted has a stream and an id; everything else is ``WebhookRefused``."""
    try:
        events = received(content)
    except WebhookRefused:
        return
    assert events
    assert all(event.stream in ("shipments", "inventory") and event.source_id for event in events)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"OrderId": 1001', b"OrderId=1001"])
def test_a_signed_body_that_is_no_json_is_refused(body: bytes) -> None:
    """It is the sender's fault, and no fault of the endpoint."""
    with pytest.raises(WebhookRefused, match="the body is not JSON") as refused:
        received(body)
    assert refused.value.reason == "malformed"


def test_without_a_configured_scheme_nothing_is_received() -> None:
    """Then the endpoint does not exist."""
    assert build_receiver(settings_of("https://a.example"), connection_of(), lambda _: KEY) is None


def test_a_returns_event_is_also_a_hint_for_returns_where_they_are_synced() -> None:
    """The event of a sale is not; without the stream, none is."""
    line = {"OrderLineId": "1", "ParentOrderId": "T-1", "IsReturn": True}
    body = orjson.dumps({"data": [{"OrderId": "RMA-1", "OrderLine": [line]}, {"OrderId": "T-1"}]})
    found: list[set[tuple[str, str]]] = []
    for streams in (("orders", "shipments", "returns"), ("orders", "shipments")):
        receiver = build_receiver(
            settings_of("https://a.example", push={"secret": {"env": "X"}}),
            connection_of(streams=streams),
            lambda _: KEY,
        )
        assert receiver is not None
        headers = {"x-signature": hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()}
        events = receiver.receive(headers, body)
        assert len({event.event_id for event in events}) == len(events)
        found.append({(event.stream, event.source_id) for event in events})
    sales = {("shipments", "RMA-1"), ("shipments", "T-1")}
    assert found == [sales | {("returns", "RMA-1")}, sales]
