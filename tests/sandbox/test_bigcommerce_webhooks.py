"""The simulated store's webhooks: what is sent, how often, and when the store stops."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook

from tests.sandbox.simulated_store import Store, an_order
from tests.sandbox.webhook_receiver import WebhookReceiver, running_receiver

Json = dict[str, Any]


@pytest.fixture
def inbox() -> Iterator[WebhookReceiver]:
    """A running receiver."""
    with running_receiver() as made:
        yield made


def hook(store: Store, inbox: WebhookReceiver, scope: str = "store/order/*", **fields: Any) -> int:
    """Register a webhook."""
    answer = store.api.post("/v3/hooks", json={"scope": scope, "destination": inbox.url, **fields})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["id"])


def sending(store: Store, **given: Any) -> Json:
    """Set how webhooks are sent, and return the outcomes so far."""
    answer: Json = store.control.post("/hooks", json=given).raise_for_status().json()
    return answer


def until(holds: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_changes_of_an_order_are_sent_with_a_signature_that_the_library_accepts(
    store: Store, inbox: WebhookReceiver
) -> None:
    """Creation, change, shipment, archiving: sent to subscribers, with type and id only."""
    hook(store, inbox, headers={"X-Own": "1"})
    hook(store, inbox, "store/shipment/created")
    [number] = store.place(an_order())
    store.control.post(f"/orders/{number}/status", json={"status_id": 5}).raise_for_status()
    store.ship(
        number,
        {
            line["id"]: 1
            for line in store.order(number)["consignments"]["shipping"][0]["line_items"][:1]
        },
    )
    store.api.delete(f"/v2/orders/{number}")
    until(lambda: len(inbox.taken) >= 8)
    kinds = sorted(scope for scope, _ in inbox.events())
    assert kinds == sorted(
        [
            "store/order/created",
            *["store/order/updated"] * 3,
            *["store/order/statusUpdated"] * 2,
            "store/order/archived",
            "store/shipment/created",
        ]
    )
    name = store.api.base_url.path.strip("/").rpartition("/")[2]
    for headers, body in inbox.taken:
        Webhook(f"sandbox-client-secret-{name}".encode()).verify(body, headers)
        assert orjson.loads(body)["producer"] == f"stores/{name}"
    assert {headers.get("x-own") for headers, _ in inbox.taken} == {"1", None}
    assert all(
        data["type"] in ("order", "shipment") and set(data) <= {"type", "id", "orderId", "status"}
        for _, data in inbox.events()
    )


def test_a_refused_webhook_is_retried_and_a_dead_one_switched_off(
    store: Store, inbox: WebhookReceiver
) -> None:
    """Retries keep the id; after the last one the webhook stays inactive until switched on."""
    number = hook(store, inbox)
    sending(store, retries=[0.05, 0.05])
    inbox.answers = [500, 503]
    store.place(an_order())
    until(lambda: len(inbox.taken) == 3)
    assert len({headers["webhook-id"] for headers, _ in inbox.taken}) == 1
    inbox.answers = [500] * 3
    store.place(an_order())
    until(lambda: not store.api.get(f"/v3/hooks/{number}").json()["data"]["is_active"])
    store.place(an_order())
    store.api.put(f"/v3/hooks/{number}", json={"is_active": True})
    store.place(an_order())
    until(lambda: len(inbox.taken) == 7)
    until(lambda: sending(store)["counts"]["acknowledged"] == 2)
    assert sending(store)["counts"] == {"events": 3, "acknowledged": 2, "failed": 5, "given_up": 1}


def test_webhooks_are_duplicated_lost_and_reordered_as_configured(
    store: Store, inbox: WebhookReceiver
) -> None:
    """The faults of a vendor's network, reproducible from a seed."""
    hook(store, inbox, "store/order/created")
    sending(store, duplicates=0.5, losses=0.2, delay=0.3, seed=3)
    numbers = store.place(*(an_order() for _ in range(30)))
    lost = sending(store)["counts"]["lost"]
    until(lambda: len({data["id"] for _, data in inbox.events()}) == 30 - lost)
    until(lambda: sending(store)["counts"]["acknowledged"] == len(inbox.taken) > 30 - lost)
    arrived = [data["id"] for _, data in inbox.events()]
    assert 0 < lost < 30
    assert arrived != sorted(arrived)
    assert set(arrived) < set(numbers)


def test_webhooks_survive_a_restart_and_invalid_ones_are_refused(
    store: Store, inbox: WebhookReceiver
) -> None:
    """They are in the snapshot; plain http, an unknown scope and a duplicate are a 422."""
    hook(store, inbox)
    for body in (
        {"scope": "store/order/*", "destination": inbox.url},
        {"scope": "store/nothing/*", "destination": inbox.url},
        {"scope": "store/order/created", "destination": "http://example.com/"},
        {"scope": "store/order/created"},
        {},
    ):
        assert store.api.post("/v3/hooks", json=body).status_code == 422
