"""The simulated store's own events at the endpoint: none is refused, and each names its order."""

from __future__ import annotations

import time
from typing import Any

from sandbox.app import RunningSandbox
from tests import loopback
from tests.orchestration.webhooks.senders import HOOK, SECRET, STORE, Served
from tests.sandbox.simulated_store import Store, an_order


def test_all_that_happens_to_an_order_arrives(server: Served, sandbox: RunningSandbox) -> None:
    """Refusals would count against the address at the store, which blocks it in the end."""
    store = Store(sandbox.url, STORE)
    options = {"secret": SECRET, "retries": []}
    store.control.post("/hooks", json=options).raise_for_status()
    for scope in ("store/order/*", "store/shipment/*"):
        hook = {"scope": scope, "destination": f"{server.url}{HOOK}"}
        store.api.post("/v3/hooks", json=hook).raise_for_status()
    [number] = store.place(an_order())
    line = store.order(number)["consignments"]["shipping"][0]["line_items"][0]["id"]
    shipment = store.ship(number, {line: 1}).json()["id"]
    path = f"/v2/orders/{number}/shipments/{shipment}"
    store.api.put(path, json={"tracking_number": "9"}).raise_for_status()
    store.api.delete(path).raise_for_status()
    acts: tuple[tuple[str, dict[str, Any]], ...] = (
        ("transactions", {"event": "authorization", "amount": 3}),
        ("messages", {"message": "m"}),
        ("metafields", {}),
        ("refunds", {"lines": [{"id": line, "quantity": 1}]}),
    )
    for name, body in acts:
        store.control.post(f"/orders/{number}/{name}", json=body).raise_for_status()

    deadline = time.monotonic() + 60
    while True:
        counts = store.control.post("/hooks", json={}).json()["counts"]
        if counts.get("acknowledged", 0) + counts.get("failed", 0) >= counts["events"]:
            break
        assert time.monotonic() < deadline, counts
        time.sleep(0.05)

    assert counts.get("failed", 0) == 0
    stored = server.stored()
    assert len(stored) == counts["events"]
    assert {row[:3] for row in stored} == {("platform", "orders", str(number))}
    assert {
        "store/order/transaction/created",
        "store/order/metafield/created",
        "store/order/refund/created",
        "store/order/message/created",
        "store/shipment/updated",
        "store/shipment/deleted",
    } <= {row[3] for row in stored}
    assert loopback.request("GET", f"{server.url}/health").json()["refused"] == {}
