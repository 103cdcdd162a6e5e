"""The lane's sensor and the inbox: a webhook speeds detection up, and a lost one only delays it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assets.event_checks import ensure_webhooks
from domain.connections import Installation
from orchestration.local.processes import free_port
from orchestration.webhooks.app import build_app
from sensors import changes
from tests.assets.scene import NAME, Scene, _secret
from tests.orchestration.webhooks.senders import PUSH_SECRET, Served, served
from tests.sensors.test_changes import place_now, requests_of, run_request, tick

pytestmark = pytest.mark.slow

Json = dict[str, Any]


def listen(scene: Scene, port: int = 9, **sections: Any) -> None:
    """Let the connection take in webhooks, and poll rarely."""
    push = {
        "secret": {"file": str(_secret(scene._secrets, "push", PUSH_SECRET))},
        "prefix": "sha256=",
        "template": "{timestamp}.{body}",
        "timestamp_header": "X-Timestamp",
    }
    scene.configure(
        platform={
            "client_secret": {
                "file": str(_secret(scene._secrets, "hook", f"sandbox-client-secret-{scene.store}"))
            }
        },
        oms={"push": push},
        webhooks={"destination": f"http://127.0.0.1:{port}"},
        **{"poll_interval": "PT1H", **sections},
    )


@pytest.fixture
def server(scene: Scene) -> Iterator[Served]:
    """The endpoint of the scene's connection, to which its store and its tenant send."""
    port = free_port()
    listen(scene, port, streams=("orders", "shipments"))
    with served(build_app(scene.installation, scene.database), scene.database, port) as running:
        assert scene.lockstep is not None
        assert ensure_webhooks(scene.lockstep, NAME) == ["webhook store/order/*: registered"]
        scene.to_oms(
            "settings", {"push_url": f"{running.url}/hooks/{NAME}/oms", "push_secret": PUSH_SECRET}
        )
        yield running


def until(holds: Callable[[], object]) -> None:
    """Wait for what comes by itself."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def hint(scene: Scene, stream: str = "orders", age: float = 0) -> None:
    """Put an event into the inbox, as received some seconds ago."""
    scene.sql(
        """INSERT INTO sync.inbox
               (connection, system, event_id, stream, source_id, scope, received_at)
           VALUES ('acme', 'platform', gen_random_uuid()::text, %s, '1', 'a test', %s)
           RETURNING 1""",
        stream,
        datetime.now(UTC) - timedelta(seconds=age),
    )


def untaken(scene: Scene) -> int:
    """Return how many events are not settled."""
    return int(scene.sql("SELECT count(*) FROM sync.inbox WHERE taken_at IS NULL")[0][0])


def quiet_cursor(scene: Scene) -> str | None:
    """Tick once with nothing to see: each chain is probed, and not due again for an hour."""
    result = tick(scene)
    assert requests_of(result) == []
    return result.cursor  # type: ignore[union-attr]


def test_a_webhook_leads_to_a_run_long_before_the_next_poll(scene: Scene, server: Served) -> None:
    """Order placed, webhook stored, seen at the next tick, delivered; then the event is settled."""
    cursor = quiet_cursor(scene)
    assert requests_of(tick(scene, cursor)) == []
    place_now(scene, 1001)
    until(lambda: ("platform", "orders", "1001", "store/order/created") in server.stored())
    result = tick(scene, cursor)
    [request] = requests_of(result)
    assert request.tags["sync/chains"] == "acme/orders"
    assert untaken(scene) == 1, "an event is not taken by asking for a run"
    assert run_request(scene, request).success
    assert set(scene.oms_orders()) == {"1001"}
    assert not [
        r for r in requests_of(tick(scene, result.cursor)) if "acme/orders" in r.tags["sync/chains"]
    ]  # type: ignore[union-attr]
    assert scene.sql(
        "SELECT stream FROM sync.inbox WHERE taken_at IS NOT NULL AND stream = 'orders'"
    ) == [("orders",)]


def test_a_push_of_the_oms_does_the_same_for_shipments(scene: Scene, server: Served) -> None:
    """The delivered order changes at the OMS, which pushes the change."""
    place_now(scene, 1002)
    [request] = requests_of(first := tick(scene))
    assert run_request(scene, request).success
    until(lambda: ("oms", "shipments", "1002", "order event") in server.stored())
    time.sleep(1.1)
    [request] = requests_of(tick(scene, first.cursor))  # type: ignore[union-attr]
    assert "acme/shipments" in request.tags["sync/chains"]


def test_a_lost_run_does_not_lose_the_event(scene: Scene) -> None:
    """The requested run never happened: the event makes the chain due again."""
    listen(scene, streams=("orders",))
    cursor = quiet_cursor(scene)
    place_now(scene, 1003)
    hint(scene)
    result = tick(scene, cursor)
    assert len(requests_of(result)) == 1
    time.sleep(1.1)
    assert len(requests_of(tick(scene, result.cursor))) == 1  # type: ignore[union-attr]
    assert untaken(scene) == 1


def test_a_lost_webhook_costs_time_and_no_data(scene: Scene, server: Served) -> None:
    """The store's webhook never came: the next poll sees the order all the same."""
    scene.to_store("hooks", {"losses": 1.0})
    cursor = quiet_cursor(scene)
    place_now(scene, 1004)
    assert requests_of(tick(scene, cursor)) == []
    assert server.stored() == []
    listen(scene, streams=("orders",), poll_interval="PT0.1S")
    [request] = requests_of(tick(scene, cursor))
    assert run_request(scene, request).success
    assert set(scene.oms_orders()) == {"1004"}


def test_an_event_that_the_source_never_shows_is_let_go(scene: Scene) -> None:
    """A webhook of an archived or foreign order: probed for half a minute, then only polled."""
    listen(scene, streams=("orders",))
    cursor = quiet_cursor(scene)
    hint(scene)
    hint(scene, age=31)
    result = tick(scene, cursor)
    assert requests_of(result) == []
    assert untaken(scene) == 1
    assert requests_of(tick(scene, result.cursor)) == []  # type: ignore[union-attr]


def test_stock_is_read_at_once_and_the_event_taken_when_it_was(scene: Scene) -> None:
    """Availability has no watermark to compare: a read that started after the event settles it."""
    listen(scene, streams=("inventory",), inventory={"interval": "PT1H", "catalog_ttl": "PT0S"})
    [request] = requests_of(first := tick(scene))
    assert run_request(scene, request).success
    early = first.cursor  # type: ignore[union-attr]
    assert early is not None
    long_ago = early.replace(
        early[early.index('"20') + 1 : early.index('"20') + 20],
        f"{datetime.now(UTC) - timedelta(minutes=20):%Y-%m-%dT%H:%M:%S}",
    )
    assert requests_of(tick(scene, long_ago)) == []
    hint(scene, "inventory")
    time.sleep(0.05)
    [request] = requests_of(tick(scene, long_ago))
    assert untaken(scene) == 1
    assert run_request(scene, request).success
    assert requests_of(tick(scene, long_ago)) == []
    assert untaken(scene) == 0


def test_a_connection_without_webhooks_is_not_looked_up(scene: Scene) -> None:
    """What is in the inbox of a connection that takes nothing in moves nothing."""
    scene.configure(streams=("orders",), poll_interval="PT1H")
    cursor = quiet_cursor(scene)
    place_now(scene, 1005)
    hint(scene)
    assert requests_of(tick(scene, cursor)) == []


def test_the_sensor_of_a_listening_connection_ticks_often_however_rarely_it_polls(
    scene: Scene,
) -> None:
    """Looking into the inbox is cheap; the poll interval is about the remote systems."""

    def interval(installation: Installation) -> float:
        return changes._tick_interval(installation, NAME).total_seconds()

    scene.configure(poll_interval="PT1H")
    assert interval(scene.installation) == 3600
    listen(scene)
    assert interval(scene.installation) == 5
    listen(scene, poll_interval="PT2S")
    assert interval(scene.installation) == 2
