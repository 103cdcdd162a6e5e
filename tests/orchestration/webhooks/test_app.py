"""The webhook endpoint stores what is signed, and serves many senders and through outages."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import orjson
import psycopg
import pytest

from orchestration.webhooks import app
from tests.orchestration.webhooks.senders import (
    HOOK,
    NAME,
    OLD_SECRET,
    PUSH,
    PUSH_SECRET,
    SECRET,
    Served,
    endpoint,
    event,
    pushed,
    signed,
)


def test_a_signed_event_is_stored_and_acknowledged(server: Served) -> None:
    """A store's thin event and an OMS's pushed order are one row each."""
    answer = server.post(event(1001, "store/order/created"))
    assert (answer.status_code, answer.json()) == (200, {"events": 1, "stored": 1})
    order = orjson.dumps(
        {
            "OriginalHeaders": {"MSG_TYPE": "PublishOrderEventMSGType"},
            "OriginalPayload": {"OrderId": "1001"},
        }
    )
    assert server.post(order, pushed(order), PUSH).json() == {"events": 1, "stored": 1}
    assert server.stored() == [
        ("platform", "orders", "1001", "store/order/created"),
        ("oms", "shipments", "1001", "order event"),
    ]


def test_a_shipment_event_is_its_orders_and_events_without_a_stream_are_not_stored(
    server: Served,
) -> None:
    """The store must not repeat for two days what no stream reads."""
    assert server.post(event(12, "store/shipment/created", orderId=251)).json() == {
        "events": 1,
        "stored": 1,
    }
    assert server.post(event(7, "store/customer/updated")).json() == {"events": 0, "stored": 0}
    assert [row[2] for row in server.stored()] == ["251"]


def test_a_repeated_message_is_acknowledged_and_stored_once(server: Served) -> None:
    """A repetition and a replay get the same harmless answer."""
    body = event()
    headers = signed(body, message_id="msg_1")
    assert [server.post(body, headers).json()["stored"] for _ in range(3)] == [1, 0, 0]
    later = signed(body, message_id="msg_1", age=1)
    assert server.post(body, later).json() == {"events": 1, "stored": 0}
    assert len(server.stored()) == 1


def test_events_may_come_in_any_order(server: Served) -> None:
    """A hint has no order: what changed is read from the source."""
    for age in (100, 5, 200):
        body = event(age)
        assert server.post(body, signed(body, age=age)).status_code == 200
    assert [row[2] for row in server.stored()] == ["100", "5", "200"]


def test_unknown_paths_and_methods_reveal_nothing(
    server: Served, database: str, tmp_path: Path
) -> None:
    """A connection without webhooks looks like one that does not exist."""
    assert {
        server.post(event(), path=path).status_code
        for path in ("/hooks/other/platform", f"/hooks/{NAME}/wms", "/hooks", "/")
    } == {404}
    assert server.http.get(HOOK).status_code == 405
    with endpoint(tmp_path, database, webhooks=None) as silent:
        assert silent.post(event()).status_code == 404


def test_a_hundred_senders_at_once_are_all_served(server: Served) -> None:
    """Each gets its own answer, and each event is there."""

    async def send_all() -> list[int]:
        async with aiohttp.ClientSession() as session:

            async def send(number: int) -> int:
                body = event(number)
                async with session.post(
                    server.url + HOOK, data=body, headers=signed(body)
                ) as answer:
                    return answer.status

            return await asyncio.gather(*(send(number) for number in range(100)))

    assert Counter(asyncio.run(send_all())) == {200: 100}
    assert {row[2] for row in server.stored()} == {str(number) for number in range(100)}


def test_nothing_is_acknowledged_without_the_database_and_it_recovers(
    server: Served, database: str, postgres_url: str
) -> None:
    """While Postgres refuses connections the answer is 503; acknowledged events are stored."""
    name = urlsplit(database).path.strip("/")
    acknowledged = [server.post(event(1)).status_code]
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
    answers = [server.post(event(2)), server.post(event(3))]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert "Retry-After" in answers[0].headers
    assert server.http.get("/health").status_code == 503
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    acknowledged.append(server.post(event(4)).status_code)
    assert acknowledged == [200, 200]
    assert [row[2] for row in server.stored()] == ["1", "4"]
    assert server.http.get("/health").json()["status"] == "ok"


def test_a_database_that_hangs_is_answered_with_503(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock on the table must not keep senders waiting."""
    monkeypatch.setattr(app.InboxWriter.__init__, "__defaults__", (0.3,))
    with endpoint(tmp_path, database) as server, psycopg.connect(database) as db:
        db.execute("LOCK TABLE sync.inbox")
        started = time.monotonic()
        assert server.post(event(1)).status_code == 503
        assert time.monotonic() - started < 20
        db.rollback()
        assert server.post(event(2)).status_code == 200


def test_refusals_are_counted_and_logged_without_their_content(
    server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """No log line and no answer contains a body, a secret or text of the sender."""
    body = event(1, "store/order/created", email="jane.doe@example.com")
    with caplog.at_level(logging.INFO):
        answers = [server.post(body, signed(body, "jane-guesses")) for _ in range(5)]
        answers.append(
            server.post(
                body,
                {
                    "webhook-id": "x y\t\t[31m",
                    "webhook-timestamp": "1",
                    "webhook-signature": "v1,a",
                },
            )
        )
    assert [record.name for record in caplog.records].count("lockstep.webhooks") == 2
    shown = caplog.text + "".join(answer.text for answer in answers)
    for word in (
        "jane",
        "example.com",
        "[31m",
        SECRET,
        OLD_SECRET,
        PUSH_SECRET,
        answers[0].request.headers["webhook-signature"],
    ):
        assert word not in shown
    assert server.http.get("/health").json()["refused"] == {"forged": 5, "unsigned": 1}
