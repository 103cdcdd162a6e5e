"""The comparison of webhooks finds what was acknowledged and lost, and what was forged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from sandbox.app import RunningSandbox
from tests.assets.scene import NAME, Scene
from tests.chaos.compare import LOST, OPEN, WRONG, differences
from tests.chaos.facts import gather
from tests.chaos.systems import Systems
from tests.chaos.webhooks import FORGED_ID, acknowledged, forge, webhook_differences
from tests.sandbox.webhook_receiver import WebhookReceiver, running_receiver

pytestmark = pytest.mark.slow


@pytest.fixture
def scene(sandbox: RunningSandbox, database: str, tmp_path: Path) -> Iterator[Scene]:
    """A store with one order that the OMS has."""
    made = Scene(sandbox.url, database, f"c{uuid4().hex[:10]}", tmp_path)
    made.place_many([1])
    made.run("orders")
    yield made
    made.close()


@pytest.fixture
def careless() -> Iterator[WebhookReceiver]:
    """A receiver that acknowledges everything, and keeps nothing."""
    with running_receiver() as made:
        yield made


def test_what_was_acknowledged_and_not_stored_is_lost(
    scene: Scene, careless: WebhookReceiver
) -> None:
    """No webhook or push may be answered with 200 before it is in the inbox."""
    systems = Systems(scene.url, scene.store)
    headers = {"X-Auth-Token": f"sandbox-token-{scene.store}", "Accept": "application/json"}
    scene.http.post(
        f"{scene.url}/bigcommerce/{scene.store}/stores/{scene.store}/v3/hooks",
        headers=headers,
        json={"scope": "store/order/*", "destination": careless.url},
    ).raise_for_status()
    systems.oms("settings", {"push_url": careless.url})
    assert webhook_differences(systems, scene.database, NAME) == []
    scene.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    scene.to_oms("orders/1/touch", {})
    deadline = time.monotonic() + 60
    while acknowledged(systems) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    found = webhook_differences(systems, scene.database, NAME)
    ids = [headers["webhook-id"] for headers, _ in careless.taken if "webhook-id" in headers]
    assert {(difference.kind, difference.record) for difference in found} == {
        *((LOST, f"webhook {name}") for name in ids),
        (LOST, "pushes of order 1"),
    }
    assert ids
    systems.close()


def test_a_forgery_in_the_inbox_is_wrong_and_an_unsettled_event_is_open(
    scene: Scene,
) -> None:
    """What was let in is found by its id, and what waits forever by waiting."""
    systems = Systems(scene.url, scene.store)
    scene.sql(
        "INSERT INTO sync.inbox (connection, system, event_id, stream, source_id, scope) "
        "VALUES (%s, 'platform', %s, 'orders', '1', 'store/order/updated') RETURNING 1",
        NAME,
        f"{FORGED_ID}_1",
    )
    assert [(d.kind, d.record) for d in webhook_differences(systems, scene.database, NAME)] == [
        (WRONG, f"webhook {FORGED_ID}_1")
    ]
    facts = gather(systems, scene.database, NAME, set())
    assert (OPEN, "webhooks") in {
        (difference.kind, difference.record) for difference in differences(facts)
    }
    systems.close()


def test_accepted_forgeries_are_reported(careless: WebhookReceiver) -> None:
    """An endpoint that takes everything is found out, by every kind of forgery."""
    address = careless.url.removesuffix("/hooks")
    assert len(forge(address, 1)) == len(careless.taken) == 8
