"""Change events of an org lead to a run, and those of Lockstep's own writes to none."""

from __future__ import annotations

import time
from collections.abc import Iterator

import dagster as dg
import pytest

from orchestration.local.simulated import Pair
from sensors.queues import pull_queues
from tests.assets.scene import NAME
from tests.pairs.pair_scene import OpenPair, PairScene
from tests.pubsub import PubSub, running
from tests.sensors.test_changes import requests_of, run_request, tick

pytestmark = pytest.mark.slow(seconds=15)


@pytest.fixture
def server() -> Iterator[PubSub]:
    """Run a server with one subscription."""
    with running() as found:
        yield found


@pytest.fixture
def shop(short_waits: None, server: PubSub, open_pair: OpenPair) -> PairScene:
    """Make a connection of an org and a tenant that polls rarely, and pulls events."""
    pair = Pair("salesforce", "manhattan")
    made = open_pair(pair)
    section = {
        "subscription": "Lockstep",
        "org_id": "00DLk0000000001AAA",
        "wait": 0.3,
        "endpoint": server.endpoint,
        "secure": False,
    }
    made.carried = ["orders"]
    made.configure(platform={"events": section})
    document = made.installation.connections[NAME]
    made.installation.connections[NAME] = document.model_copy(
        update={"poll_interval": document.poll_interval * 1000}
    )
    return made


def inbox(shop: PairScene) -> list[str]:
    """Return the ids of the records that the inbox's events name."""
    return [str(row[0]) for row in shop.sql("SELECT source_id FROM sync.inbox ORDER BY inbox_id")]


def test_an_event_leads_to_one_run_and_our_own_write_to_none(
    shop: PairScene, server: PubSub
) -> None:
    """Without waiting for the poll interval; the event is committed once it is stored."""
    first = tick(shop)
    assert isinstance(first, dg.SensorResult)
    [(order, document)] = shop.simple(1)
    shop._control("POST", f"salesforce/{shop.store}/orders/{order}/touch", {})
    time.sleep(1.1)
    assert requests_of(tick(shop, first.cursor)) == []
    now = int(time.time() * 1000)
    server.add("OrderSummary", order, changeType="CREATE", commitTimestamp=now)
    [request] = requests_of(tick(shop, first.cursor))
    assert (inbox(shop), server.committed) == ([order], 1)
    assert run_request(shop, request).success
    assert [each["id"] for each in shop.truth_of("manhattan")["orders"]] == [str(document["id"])]
    own = "com/salesforce/api/rest/66.0;client=lockstep"
    server.add("Shipment", order, changeOrigin=own)
    assert shop.lockstep is not None
    assert pull_queues(shop.lockstep, [NAME]).failures == {}
    assert (inbox(shop), server.committed) == ([order], 2)


def test_events_that_can_not_be_stored_come_again(shop: PairScene, server: PubSub) -> None:
    """Only then are they committed; each is stored once."""
    server.add("OrderSummary", "1OsLk0000000001AAA")
    server.put("OrderSummary", b"\xff")
    shop.sql_write("ALTER TABLE sync.unread_event RENAME TO unread_event_away")
    assert shop.lockstep is not None
    assert pull_queues(shop.lockstep, [NAME]).failures
    shop.sql_write("ALTER TABLE sync.unread_event_away RENAME TO unread_event")
    assert (inbox(shop), server.committed) == ([], 0)
    pulled = pull_queues(shop.lockstep, [NAME])
    assert (pulled.failures, len(pulled.unread)) == ({}, 1)
    assert (inbox(shop), server.committed) == (["1OsLk0000000001AAA"], 2)


def test_a_preflight_opens_the_subscription_and_commits_nothing(
    shop: PairScene, server: PubSub
) -> None:
    """What waits is still there afterwards."""
    server.add("OrderSummary", "1OsLk0000000001AAA")
    assert shop.lockstep is not None
    checks = shop.lockstep.sync(NAME, "preflight").platform.preflight()
    [found] = [check for check in checks if check.name == "events"]
    assert (found.ok, found.detail, server.committed) == (True, "events wait", 0)
