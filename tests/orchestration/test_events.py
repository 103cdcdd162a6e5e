"""Tests of ``lockstep events``: messages of queues that can't be read."""

from __future__ import annotations

import getpass

import pytest

from domain.exchange import UnreadEvent
from resources.ledger.captures import unread_events
from resources.ledger.ledger import Ledger
from tests.orchestration.shop import Shop

pytestmark = pytest.mark.slow


@pytest.fixture
def kept(shop: Shop) -> Shop:
    """Two connections have messages that can't be read, of which one has an id that both have."""
    with Ledger(shop.database).connect() as db:
        for connection, ids in (("demo", ("m1", "m2")), ("other", ("m1", "m3"))):
            messages = [
                UnreadEvent(message_id, "no JSON", f"{connection} {message_id}".encode())
                for message_id in ids
            ]
            unread_events.keep(db, connection, "platform", messages)
    return shop


def listed(shop: Shop, *options: str) -> set[tuple[str, str]]:
    """Return connection and id of each message that is listed."""
    found = shop.json("events", "list", *options)
    return {(event["connection"], event["message_id"]) for event in found}


def test_messages_are_listed_and_shown_as_they_were_received(kept: Shop) -> None:
    """A content is printed byte by byte; an id that two connections have needs the connection."""
    assert listed(kept) == {("demo", "m1"), ("demo", "m2"), ("other", "m1"), ("other", "m3")}
    assert listed(kept, "--connection", "demo") == {("demo", "m1"), ("demo", "m2")}
    assert "no JSON" in kept.done("events", "list")
    assert kept.done("events", "show", "m3") == "other m3"
    assert kept.run("events", "show", "m1").exit_code == 2
    assert kept.done("events", "show", "m1", "--connection", "other") == "other m1"
    assert kept.run("events", "show", "m9").exit_code == 1


def test_a_discarded_message_stays_with_who_and_why(kept: Shop) -> None:
    """By id or by connection; a message that comes again stays discarded."""
    assert "m2 of demo" in kept.done("events", "discard", "m2", "--reason", "sent by hand")
    kept.done("events", "discard", "--connection", "other", "--reason", "corrected")
    assert listed(kept) == {("demo", "m1")}
    rows = kept.sql(
        """SELECT connection, message_id, discarded_by, discarded_why FROM sync.unread_event
           WHERE discarded_at IS NOT NULL ORDER BY 1, 2"""
    )
    who = getpass.getuser()
    assert rows == [
        ("demo", "m2", who, "sent by hand"),
        ("other", "m1", who, "corrected"),
        ("other", "m3", who, "corrected"),
    ]
    with Ledger(kept.database).connect() as db:
        unread_events.keep(db, "demo", "platform", [UnreadEvent("m2", "no JSON", b"again")])
    assert listed(kept) == {("demo", "m1")}
    assert len(listed(kept, "--all")) == 4


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("m1", "m9", "--reason", "x"), 1),
        (("m1", "--reason", " "), 2),
        (("--reason", "all of them"), 2),
        (("m1",), 2),
    ],
)
def test_nothing_is_discarded_by_half(kept: Shop, arguments: tuple[str, ...], code: int) -> None:
    """An unknown id, no reason, or nothing chosen."""
    assert kept.run("events", "discard", *arguments).exit_code == code
    assert kept.sql("SELECT 1 FROM sync.unread_event WHERE discarded_at IS NOT NULL") == []
