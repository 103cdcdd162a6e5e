"""The OMS's answers to cancellations reach the orders' target state under the orders' own lock."""

from __future__ import annotations

import threading

import pytest

from assets.streams.orders.cancel_answers import CANCEL, apply_after_delivery, apply_cancel_answers
from domain.connections import ORDERS, SHIPMENTS
from resources.ledger.deliveries.requests import Requests
from resources.ledger.ledger import Ledger
from resources.ledger.rows import SettleRow, TargetRow
from tests.assets.scene import NAME, Scene
from tests.resources.ledger.rows import NOON, claim

pytestmark = pytest.mark.slow

MILESTONES = "SELECT target_key, milestone FROM sync.target_state WHERE stream = 'orders'"


def requested(ledger: Ledger) -> None:
    """Deliver an order, and ask for its cancellation."""
    row = claim(1)._replace(action=CANCEL)
    target = TargetRow("1", "W-1", b"{}", b"d", "cancel_requested", 1, NOON)
    with ledger.session(NAME, ORDERS, "run") as orders:
        orders.deliveries.claim([row], "run")
        orders.deliveries.settle([SettleRow(row.delivery_key, "requested")])
        orders.deliveries.put_targets([target])


@pytest.mark.parametrize(
    ("answer", "state", "milestone"),
    [("accepted", "delivered", "canceled"), ("rejected", "refused", "")],
)
def test_an_answer_waits_until_no_orders_are_delivered(
    scene: Scene, answer: str, state: str, milestone: str
) -> None:
    """Written beside a delivery of the order, it would be lost, or undo what that has settled."""
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "run")
    requested(sync.ledger)
    with sync.ledger.session(NAME, SHIPMENTS, "run") as shipments:
        getattr(Requests(shipments.db, NAME, ORDERS), answer)(["1"], CANCEL)
    with sync.ledger.session(NAME, ORDERS, "run") as orders, orders.writer_lock():
        other = threading.Thread(target=apply_after_delivery, args=(sync,))
        other.start()
        other.join(timeout=0.3)
        assert other.is_alive()
        assert scene.sql(MILESTONES) == [("1", "cancel_requested")]
        assert scene.deliveries("orders") == [("1", "cancel", "requested", 1)]
    other.join(timeout=30)

    assert scene.sql(MILESTONES) == [("1", milestone)]
    assert scene.deliveries("orders") == [("1", "cancel", state, 1)]
    refused = {"1": "cancel_refused"} if answer == "rejected" else {}
    assert scene.open_rejections("orders") == refused
    assert scene.sql("SELECT state, applied_at IS NULL FROM sync.request") == [(answer, False)]


def test_an_answer_that_comes_before_its_request_is_settled_is_kept(scene: Scene) -> None:
    """The OMS cancels at once, and its order is read while the run still waits for its answer."""
    assert scene.lockstep is not None
    ledger = scene.lockstep.sync(NAME, "run").ledger
    with ledger.session(NAME, SHIPMENTS, "run") as shipments:
        Requests(shipments.db, NAME, ORDERS).accepted(["1"], CANCEL)
    requested(ledger)
    with ledger.session(NAME, ORDERS, "run") as orders, orders.writer_lock():
        apply_cancel_answers(orders)

    assert scene.sql(MILESTONES) == [("1", "canceled")]
    assert scene.deliveries("orders") == [("1", "cancel", "delivered", 1)]


def test_a_second_request_has_an_answer_of_its_own(scene: Scene) -> None:
    """The first one's refusal is not an answer to it; a refusal of nothing asked is none at all."""
    assert scene.lockstep is not None
    ledger = scene.lockstep.sync(NAME, "run").ledger
    with ledger.session(NAME, ORDERS, "run") as orders, orders.writer_lock():
        requests = Requests(orders.db, NAME, ORDERS)
        requests.rejected(["1"], CANCEL)
        assert not requests.any_answered()
        requested(ledger)
        requests.rejected(["1"], CANCEL)
        apply_cancel_answers(orders)
        requested(ledger)
        assert not requests.any_answered()
        requests.accepted(["1"], CANCEL)
        apply_cancel_answers(orders)
    assert scene.sql(MILESTONES) == [("1", "canceled")]
    assert scene.deliveries("orders") == [("1", "cancel", "delivered", 2)]
