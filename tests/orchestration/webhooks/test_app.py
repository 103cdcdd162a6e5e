"""The webhook endpoint against all kinds of senders."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import orjson
import psycopg
import pytest

from orchestration.webhooks import app
from orchestration.webhooks.app import build_app
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
    listening,
    pushed,
    served,
    signed,
)


@pytest.fixture
def server(database: str, tmp_path: Path) -> Iterator[Served]:
    """A running endpoint of the connection ``acme``."""
    with endpoint(tmp_path, database) as running:
        yield running


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


def test_any_changed_byte_is_refused(server: Served) -> None:
    """Whatever is changed on the way in body, id, time or signature, nothing is stored."""
    body = event()
    good = signed(body, message_id="msg_00000000000000000000000000000001")
    statuses = [
        server.post(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :], good).status_code
        for at in range(0, len(body), 7)
    ]
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        value = good[name]
        for at in range(
            3 if name == "webhook-signature" else 0,
            len(value) - (2 if name == "webhook-signature" else 0),
            4,
        ):
            other = "1" if value[at] != "1" else "2"
            statuses.append(
                server.post(body, good | {name: value[:at] + other + value[at + 1 :]}).status_code
            )
    statuses += [
        server.post(body, good | {"webhook-timestamp": stamp}).status_code
        for stamp in (good["webhook-timestamp"] + suffix for suffix in (".0", "0", "e0"))
    ]
    assert Counter(statuses).keys() == {401}
    assert server.stored() == []
    assert server.post(body, good).status_code == 200


def test_requests_not_signed_by_the_scheme_are_refused(server: Served) -> None:
    """Missing, empty and malformed credentials are the same as none."""
    body = event()
    changes = (
        {"webhook-signature": ""}, {"webhook-signature": "v1"},
        {"webhook-signature": "v1,not base64 at all"}, {"webhook-signature": "v2,AAAA"},
        {"webhook-timestamp": "nan"}, {"webhook-timestamp": "9" * 30}, {"webhook-id": "a b"},
        {"webhook-id": ""},
    )  # fmt: skip
    answers = [
        server.post(body, {}),
        *(server.post(body, signed(body) | change) for change in changes),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert "WWW-Authenticate" in answers[0].headers
    assert server.stored() == []


def test_a_wrong_secret_or_another_systems_scheme_is_refused(server: Served) -> None:
    """A signature is valid for one secret and one system."""
    body = event()
    assert server.post(body, signed(body, "a-guess")).json()["error"] == "forged"
    assert server.post(body, pushed(body)).json()["error"] == "unsigned"
    assert server.post(body, signed(body), PUSH).json()["error"] == "unsigned"
    assert server.post(body, pushed(body, "a-guess"), PUSH).json()["error"] == "forged"
    assert server.stored() == []


def test_a_time_outside_the_window_is_refused(server: Served) -> None:
    """A recorded request is refused after five minutes, and so is a postdated one."""
    body, order = event(), b'{"OrderId": "1"}'
    for age in (302, 86_400, -302):
        assert server.post(body, signed(body, age=age)).json()["error"] == "stale"
        assert server.post(order, pushed(order, age=age), PUSH).json()["error"] == "stale"
    for age in (295, -295):
        assert server.post(body, signed(body, age=age)).status_code == 200
        assert server.post(order, pushed(order, age=age), PUSH).status_code == 200


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


def test_a_signed_webhook_of_another_store_is_refused(server: Served) -> None:
    """One app's secret may serve many stores."""
    assert server.post(event(store="s2")).status_code == 403
    assert server.stored() == []


def test_two_secrets_are_valid_during_a_rotation(
    server: Served, database: str, tmp_path: Path
) -> None:
    """A rotation loses no event, and the old secret is refused once it is removed."""
    body = event()
    assert [
        server.post(body, signed(body, secret)).status_code for secret in (SECRET, OLD_SECRET)
    ] == [200, 200]
    with endpoint(
        tmp_path, database, platform={"client_secret": {"file": str(tmp_path / "hook")}}
    ) as after:
        assert [
            after.post(body, signed(body, secret)).status_code for secret in (SECRET, OLD_SECRET)
        ] == [200, 401]


def test_a_secret_of_our_own_in_a_header_is_required_besides_the_signature(
    database: str, tmp_path: Path
) -> None:
    """A sender that knows the app's secret but not ours is refused."""
    (tmp_path / "key").write_text("sesame")
    (tmp_path / "key").chmod(0o600)
    platform = {
        "client_secret": {"file": str(tmp_path / "hook")},
        "hook_secret": {"file": str(tmp_path / "key")},
    }
    with endpoint(tmp_path, database, platform=platform) as server:
        body = event()
        assert server.post(body).json()["error"] == "forged"
        assert server.post(body, signed(body) | {"X-Lockstep-Key": "sesam"}).status_code == 401
        assert server.post(body, signed(body) | {"X-Lockstep-Key": "sesame"}).status_code == 200


def test_a_signed_body_of_another_shape_is_refused_with_422(server: Served) -> None:
    """No signed body is a crash; one that isn't UTF-8 can't be signed by the scheme."""
    bodies = (
        b"", b"{", b"[]", b"null", b'{"data": 1}', b"\xff\xfe", b"[" * 100_000, event("a b"),
        event("\u0000"), event([1]), event("1" * 100), event(1, "store/order/\u2028"),
        event(1, "orders"),
    )  # fmt: skip
    for body in bodies:
        assert server.post(body).status_code == (401 if body.startswith(b"\xff") else 422), body[
            :80
        ]
        assert server.post(body, pushed(body), PUSH).status_code == 422, body[:80]
    assert server.stored() == []


def test_a_body_that_is_too_large_is_refused_before_it_is_read(server: Served) -> None:
    """By its announced length, or else as soon as the limit is passed."""
    limit = app.MAX_BODY
    whole = b'{"OrderId":"1"}'.ljust(limit)
    assert server.post(whole, pushed(whole), PUSH).status_code == 200
    assert server.post(whole + b" ", pushed(whole + b" "), PUSH).status_code == 413
    assert (
        server.http.post(
            PUSH, content=(b" " * 4096 for _ in range(1 + limit // 4096)), headers=pushed(b"")
        ).status_code
        == 413
    )
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as raw:
        raw.sendall(f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: {10**30}\r\n\r\n".encode())
        assert raw.recv(64).startswith(b"HTTP/1.1 4")
    assert len(server.stored()) == 1


def test_a_body_that_arrives_too_slowly_is_refused(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender can't occupy a connection for ever."""
    monkeypatch.setattr(app, "BODY_SECONDS", 0.2)
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as raw:
        raw.sendall(f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert raw.recv(64).startswith(b"HTTP/1.1 408")


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
        assert time.monotonic() - started < 3
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


def test_a_missing_secret_is_an_error_at_the_start(database: str, tmp_path: Path) -> None:
    """Not at the first webhook of the night."""
    installation = listening(tmp_path)
    (tmp_path / "hook").unlink()
    with (
        pytest.raises(Exception, match="hook"),
        served(build_app(installation, database), database),
    ):
        pass
