"""The simulated store's webhooks: what is sent, how often, and when the store gives up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook

from tests.sandbox.simulated_store import Store, an_order

Json = dict[str, Any]


class Inbox:
    """A receiver that notes every webhook and answers with the statuses it was given, then 200."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.taken.append(
                    ({name.lower(): value for name, value in self.headers.items()}, body)
                )
                self.send_response(inbox.answers.pop(0) if inbox.answers else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self) -> list[tuple[str, Json]]:
        """Return (scope, data) of everything that came."""
        return [
            (content["scope"], content["data"])
            for content in (orjson.loads(body) for _, body in self.taken)
        ]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A running receiver."""
    made = Inbox()
    yield made
    made.server.shutdown()
    made.server.server_close()


def hook(store: Store, inbox: Inbox, scope: str = "store/order/*", **fields: Any) -> int:
    """Register a hook."""
    answer = store.api.post("/v3/hooks", json={"scope": scope, "destination": inbox.url, **fields})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["id"])


def habits(store: Store, **given: Any) -> Json:
    """Set how webhooks are sent, and return what became of them so far."""
    answer: Json = store.control.post("/hooks", json=given).raise_for_status().json()
    return answer


def until(holds: Callable[[], object]) -> None:
    """Wait for what comes by itself."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_changes_of_an_order_are_sent_with_a_signature_that_the_library_accepts(
    store: Store, inbox: Inbox
) -> None:
    """Created, changed, shipped, archived: each to the hook that asked for it, and never more than type and id."""
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


def test_a_refused_webhook_is_sent_again_and_a_dead_one_switched_off(
    store: Store, inbox: Inbox
) -> None:
    """The same id each time; after the last try the hook is inactive, and sends nothing until it is switched on."""
    number = hook(store, inbox)
    habits(store, retries=[0.05, 0.05])
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
    assert habits(store)["counts"] == {"events": 3, "acknowledged": 2, "failed": 5, "given_up": 1}


def test_webhooks_are_doubled_lost_and_out_of_order_as_told(store: Store, inbox: Inbox) -> None:
    """What a vendor's network does, by dice that can be thrown again."""
    hook(store, inbox, "store/order/created")
    habits(store, duplicates=0.5, losses=0.2, delay=0.3, seed=3)
    numbers = store.place(*(an_order() for _ in range(30)))
    lost = habits(store)["counts"]["lost"]
    until(lambda: len({data["id"] for _, data in inbox.events()}) == 30 - lost)
    until(lambda: habits(store)["counts"]["acknowledged"] == len(inbox.taken) > 30 - lost)
    arrived = [data["id"] for _, data in inbox.events()]
    assert 0 < lost < 30
    assert arrived != sorted(arrived)
    assert set(arrived) < set(numbers)


def test_hooks_outlive_a_restart_and_bad_ones_are_refused(store: Store, inbox: Inbox) -> None:
    """State is kept as the store's is; a plain destination elsewhere, an unknown scope or a second one of a kind is a 422."""
    hook(store, inbox)
    for body in (
        {"scope": "store/order/*", "destination": inbox.url},
        {"scope": "store/nothing/*", "destination": inbox.url},
        {"scope": "store/order/created", "destination": "http://example.com/"},
        {"scope": "store/order/created"},
        {},
    ):
        assert store.api.post("/v3/hooks", json=body).status_code == 422
