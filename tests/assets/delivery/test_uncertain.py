"""What may have been sent stays known until a look at the target: nothing else ends it."""

from __future__ import annotations

from typing import Any

import pytest

from domain.identity import correlation_id
from resources.http.policy import ClientPolicy
from tests.assets import documents
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
SAVE = "order/save$"


def lose_answers(scene: Scene, number: int, kind: str = "drop_after") -> None:
    """Lose every answer to the saves of one order."""
    correlation = correlation_id(NAME, "order", str(number))
    scene.fault("manhattan", {"kind": kind, "path": SAVE, "correlation": correlation})


def die_uncertain(scene: Scene, number: int, kind: str = "drop_after") -> None:
    """Deliver an order beside another one until it has no attempts left, all answers lost."""
    lose_answers(scene, number, kind)
    scene.run("orders", raise_on_error=False)
    states = {(who, state) for who, _, state, _ in scene.deliveries("orders")}
    assert (str(number), "dead") in states
    scene.fault("manhattan")


@pytest.fixture
def patient(scene: Scene) -> Scene:
    """One attempt a record, and an order beside the first that gets through."""
    scene.configure(max_attempts=1, streams=("orders", "inventory", "shipments"))
    return scene


def test_an_order_that_the_store_cancels_is_canceled_where_it_may_have_arrived(
    patient: Scene,
) -> None:
    """The OMS has it, although no answer said so, and must not ship it."""
    patient.place_many([1, 2])
    die_uncertain(patient, 1)
    patient.to_store("orders/1/status", {"status_id": 5})

    patient.run("orders")

    assert patient.oms_orders()["1"]["canceled"]
    assert not patient.oms_orders()["2"]["canceled"]
    assert patient.open_rejections("orders") == {}


def test_an_order_that_never_arrived_is_not_created_to_be_canceled(patient: Scene) -> None:
    """The OMS is asked, does not have it, and nothing is sent."""
    patient.place_many([1, 2])
    die_uncertain(patient, 1, "drop_before")
    patient.to_store("orders/1/status", {"status_id": 5})

    patient.run("orders")

    assert set(patient.oms_orders()) == {"2"}
    assert patient.oms_counts()["cancels"] == 0
    assert patient.outcomes("orders")["1"] == ("accepted", "unchanged")


def test_a_line_that_was_removed_since_is_removed_at_the_oms(patient: Scene) -> None:
    """The create that was given up has arrived: the next version is a change of it."""
    order = documents.order(1, patient.moment(), [("MUG", 1), ("LAMP", 2)])
    patient.place(order, documents.order(2, patient.moment()))
    die_uncertain(patient, 1)
    line = order["products"][1]["id"]
    patient.to_store("orders/1", {"products": [{"id": line, "quantity": 0}]}, "PATCH")

    patient.run("orders")

    lines = {
        line["ItemId"]: bool(line.get("IsCancelled")) for line in patient.oms_order(1)["OrderLine"]
    }
    assert lines == {"MUG": False, "LAMP": True}
    assert patient.oms_orders()["1"]["creates"] == 1


def test_a_change_that_was_given_up_and_taken_back_is_taken_back_at_the_oms(
    patient: Scene,
) -> None:
    """The version is the one that the ledger knows, and still not what the OMS holds."""
    patient.place(documents.order(1, patient.moment(), customer_message="A"))
    patient.run("orders")
    patient.to_store("orders/1", {"customer_message": "B"}, "PATCH")
    patient.place_many([2])
    die_uncertain(patient, 1)
    assert [note["NoteText"] for note in patient.oms_order(1)["OrderNote"]] == ["B"]
    patient.to_store("orders/1", {"customer_message": "A"}, "PATCH")

    patient.run("orders")

    assert [note["NoteText"] for note in patient.oms_order(1)["OrderNote"]] == ["A"]
    assert patient.open_rejections("orders") == {}


def test_a_retry_does_not_make_an_uncertain_delivery_certain(patient: Scene) -> None:
    """An operator's retry fails as well; the cancellation still reaches the OMS."""
    patient.place_many([1, 2])
    die_uncertain(patient, 1)
    lose_answers(patient, 1, "drop_before")
    patient.run("orders", raise_on_error=False)
    patient.fault("manhattan")
    patient.to_store("orders/1/status", {"status_id": 5})

    patient.run("orders")

    assert patient.oms_orders()["1"]["canceled"]


def test_a_refusal_after_a_lost_answer_refuses_nothing(scene: Scene) -> None:
    """The OMS has taken the first request, moved on, and refuses the second of the same attempt."""
    lost = {"kind": "drop_after", "path": SAVE, "times": 1}
    refusal = {
        "success": False,
        "messages": {"Message": [{"Code": "MODIFICATION_NOT_ALLOWED", "Type": "ERROR"}]},
    }
    refused = {"kind": "status", "status": 400, "body": refusal, "path": SAVE, "times": 1}
    scene.place_many([1])
    scene.fault("manhattan", lost, refused)

    scene.run("orders", raise_on_error=False)

    assert [state for _, _, state, _ in scene.deliveries("orders")] == ["in_flight"]
    assert scene.open_rejections("orders") == {}
    scene.run("orders")
    assert scene.outcomes("orders")["1"] == ("accepted", "delivered")
    assert scene.oms_orders()["1"]["creates"] == 1
    assert scene.open_rejections("orders") == {}


def test_a_change_that_never_gets_an_answer_ends_as_a_rejection(scene: Scene) -> None:
    """It is read before each repeat, and stays the same effect, whose attempts count."""
    scene.configure(max_attempts=3, streams=("orders", "inventory", "shipments"))
    scene.place(documents.order(1, scene.moment(), customer_message="A"))
    scene.run("orders")
    scene.to_store("orders/1", {"customer_message": "B"}, "PATCH")
    lose_answers(scene, 1)
    for number in (2, 3, 4, 5):  # others get through, so that the order's attempts count
        assert scene.open_rejections("orders") == {}
        scene.place_many([number])
        scene.run("orders", raise_on_error=False)

    assert scene.open_rejections("orders") == {"1": "delivery_failed"}
    assert ("1", "update", "dead", 3) in scene.deliveries("orders")


def test_another_version_waits_until_a_lost_request_can_no_longer_act(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record stays due, without a failure, and the run does not sleep for it."""
    scene.place(documents.order(1, scene.moment(), customer_message="A"))
    scene.run("orders")
    scene.to_store("orders/1", {"customer_message": "B"}, "PATCH")
    monkeypatch.setattr(ClientPolicy, "acts_for", 60.0)
    scene.configure()
    lose_answers(scene, 1)
    scene.run("orders", raise_on_error=False)
    scene.fault("manhattan")
    scene.to_store("orders/1", {"customer_message": "C"}, "PATCH")

    scene.run("orders")

    due = "SELECT count(*) FROM sync.record WHERE state = 'accepted' AND outcome IS NULL"
    assert scene.sql(due) == [(1,)]
    assert [note["NoteText"] for note in scene.oms_order(1)["OrderNote"]] == ["B"]
    scene.sql("UPDATE sync.delivery SET may_act_until = now() RETURNING 1")
    scene.run("orders")
    assert [note["NoteText"] for note in scene.oms_order(1)["OrderNote"]] == ["C"]
    assert scene.sql(due) == [(0,)]


def test_an_older_level_that_takes_effect_late_does_not_win(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write was repeated after its time-out, and its first request arrives behind the next."""
    monkeypatch.setattr(ClientPolicy, "acts_for", 4.0)
    scene.wait_briefly()
    scene.run("inventory", first=scene.today)
    slow: Json = {"kind": "delay", "delay_ms": 4000, "path": "adjustments/absolute$", "times": 1}
    scene.fault("bigcommerce", slow)
    scene.to_oms("supply", [documents.supply()[0] | {"quantity": 9}])
    scene.run("inventory", first=scene.today)
    scene.to_oms("supply", [documents.supply()[0] | {"quantity": 3}])

    scene.run("inventory", first=scene.today)

    sku = documents.supply()[0]["item"]
    assert scene.store_stock()[sku]["quantity"] == 3


def test_a_look_up_adopts_no_shipment_that_another_delivery_owns(scene: Scene) -> None:
    """Two parcels with the same units and number; the second one's request never arrived."""
    scene.place(documents.order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders", first=scene.yesterday)
    parcel = {"lines": [{"line": "101", "quantity": 1}], "carrier": "UPS", "tracking": "1Z1"}
    scene.to_oms("orders/1/ship", parcel)
    scene.run("shipments", first=scene.today)
    scene.to_oms("orders/1/ship", parcel)
    scene.fault(
        "bigcommerce", {"kind": "drop_before", "path": "/shipments$", "method": "POST", "times": 1}
    )

    scene.run("shipments", first=scene.today, raise_on_error=False)
    scene.run("shipments", first=scene.today)

    assert len(scene.store_shipments()) == 2
    assert scene.deliveries("shipments").count(("1", "shipment", "delivered", 1)) >= 1
