"""The orders chain, run by Dagster between a sandbox store and a sandbox OMS."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from sandbox.app import RunningSandbox
from sandbox.system import Request, Response
from tests.assets.documents import address, order, total_of
from tests.assets.operator import retry
from tests.assets.scene import Scene

Json = dict[str, Any]


def test_a_partition_run_captures_validates_and_delivers_each_order_once(scene: Scene) -> None:
    """One run of one partition brings every order of that day to the OMS, with lines and total."""
    placed = scene.place_many(range(1, 6))
    scene.place(order(90, scene.moment(scene.today, 0)))

    scene.run("orders", first=scene.yesterday)

    held = scene.oms_orders()
    assert sorted(held) == ["1", "2", "3", "4", "5"], "and none of another day"
    for document in placed:
        at_oms = held[str(document["id"])]
        assert at_oms["creates"] == 1
        assert Decimal(at_oms["saved_total"]) == total_of(document)
        bought = {
            str(entry["id"]): (entry["sku"], entry["quantity"]) for entry in document["products"]
        }
        assert {
            row["OrderLineId"]: (row["ItemId"], row["Quantity"]) for row in at_oms["lines"]
        } == bought
    assert scene.outcomes("orders") == {str(n): ("accepted", "delivered") for n in range(1, 6)}
    assert all(state == "delivered" for _, _, state, _ in scene.deliveries("orders"))


def test_a_rerun_of_a_partition_sends_nothing_twice(scene: Scene) -> None:
    """The counts of effects at both systems are the same before and after a rerun of all chains."""
    scene.place_many(range(1, 4))
    scene.run("orders", "inventory", "shipments")
    scene.to_oms("advance", {"to": "ship"})
    scene.run("shipments", "inventory")
    before = scene.effects()

    scene.run("orders", "inventory", "shipments")

    assert scene.effects() == before
    assert before[0] > 0, "there were shipments"
    assert before[3] > 0, "and stock was written"


@pytest.mark.parametrize(
    "change",
    [{"products": [{"id": 101, "quantity": 5}]}, {"status_id": 5}],
    ids=["changed", "canceled"],
)
def test_a_refusal_of_an_order_that_is_gone_at_the_oms_says_so(scene: Scene, change: Json) -> None:
    """And not which attributes of a new order were missing in the change."""
    scene.place(order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders")
    scene.to_oms("orders/1/remove", {})
    scene.to_store("orders/1", change, "PATCH")
    scene.run("orders")
    assert scene.open_rejections("orders") == {"1": "order_gone_at_oms"}
    assert "retry" in scene.sql("SELECT advice FROM sync.rejection")[0][0]
    scene.run("orders")
    assert scene.oms_orders() == {}, "whether it is to be sent again is an operator's decision"
    retry(scene, "orders")
    scene.run("orders")
    assert scene.open_rejections("orders") == {}
    quantities = [row["lines"][0]["Quantity"] for row in scene.oms_orders().values()]
    assert quantities == ([5] if "products" in change else [])


def test_one_bad_record_never_stops_the_batch(scene: Scene) -> None:
    """Good orders of a bad batch are delivered, and each bad one is rejected for its own reason."""
    noon = scene.moment()
    scene.place_many(range(1, 7))
    bad = {
        11: order(11, noon, total_inc_tax="999.99"),
        12: order(12, noon, [("NO-SUCH-SKU", 1)]),
        13: order(13, noon, shipping_addresses=[address(1300, shipping_method="Pigeon Post")]),
        14: order(14, noon, shipping_addresses=[address(1400, country="", country_iso2="")]),
        15: order(15, noon, products=[]),
        16: order(16, noon, [("MUG", 0)]),
    }
    scene.place(*bad.values())
    scene.place(order(21, noon, status_id=7), order(22, noon, status_id=6))

    scene.run("orders", first=scene.yesterday)

    assert sorted(scene.oms_orders(), key=int) == ["1", "2", "3", "4", "5", "6"]
    outcomes = scene.outcomes("orders")
    assert {number: outcomes[str(number)][0] for number in bad} == dict.fromkeys(bad, "rejected")
    assert len({outcomes[str(number)][1] for number in bad}) == len(bad), outcomes
    assert scene.open_rejections("orders") == {
        str(number): outcomes[str(number)][1] for number in bad
    }
    assert outcomes["21"] == ("skipped", "status_not_exported")
    assert outcomes["22"] == ("skipped", "cancelled_before_export"), (
        "declined before it was ever sent"
    )


def test_a_mapping_fix_and_a_rerun_deliver_what_had_been_rejected(scene: Scene) -> None:
    """With one more shipping method the rerun delivers the order and closes the rejection."""
    scene.place(
        order(1, scene.moment()),
        order(2, scene.moment(), shipping_addresses=[address(200, shipping_method="Bike")]),
    )
    scene.run("orders", first=scene.yesterday)
    assert list(scene.open_rejections("orders")) == ["2"]
    assert list(scene.oms_orders()) == ["1"]

    scene.configure(orders={"shipping_methods": {"Ground": "Ground", "Bike": "Express"}})
    scene.run("orders", first=scene.yesterday)

    assert {number: held["saves"] for number, held in scene.oms_orders().items()} == {
        "1": 1,
        "2": 1,
    }
    assert scene.open_rejections("orders") == {}
    assert scene.sql("SELECT state, closed_by <> '' FROM sync.rejection") == [("resolved", True)]


def test_a_later_change_sends_only_the_changed_fields(
    scene: Scene, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second save names the order, its new note, and nothing that stayed as it was."""
    scene.place_many([1, 2])
    scene.run("orders")
    bodies = _saves_of(scene, sandbox, monkeypatch)
    scene.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")

    scene.run("orders")

    assert scene.oms_counts()["saves"] == 3
    assert [note["NoteText"] for note in scene.oms_order(1)["OrderNote"]] == ["Ring twice"]
    (change,) = bodies
    assert set(change) == {"OrderId", "OrderNote"}
    assert scene.outcomes("orders")["1"] == ("accepted", "delivered")


def _saves_of(scene: Scene, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> list[Json]:
    """Collect the bodies of saves from now on, as they arrive at the tenant."""
    bodies: list[Json] = []
    tenant = sandbox.server.systems["manhattan", scene.store]
    handle = tenant.handle

    def watched(request: Request) -> Response:
        if request.path.endswith("/save"):
            bodies.append(orjson.loads(request.body))
        return handle(request)

    monkeypatch.setattr(tenant, "handle", watched)
    return bodies


def test_a_change_without_meaning_for_the_oms_is_captured_and_not_sent(scene: Scene) -> None:
    """The store bumped the order's time only: a new version, the same content, no save."""
    scene.place_many([1])
    scene.run("orders")
    scene.to_store("orders/1", {"staff_notes": ""}, "PATCH")

    scene.run("orders")

    assert scene.oms_counts()["saves"] == 1
    assert scene.outcomes("orders")["1"] == ("accepted", "unchanged")


def test_a_canceled_order_becomes_a_cancel_request(scene: Scene) -> None:
    """Before release the OMS cancels at once; the delivery is settled, a rerun sends nothing."""
    scene.place_many([1, 2])
    scene.run("orders")
    scene.to_store("orders/1/status", {"status_id": 5})

    scene.run("orders")
    scene.run("orders")

    assert {number: held["canceled"] for number, held in scene.oms_orders().items()} == {
        "1": True,
        "2": False,
    }
    assert scene.oms_counts()["cancels"] == 1
    assert ("1", "cancel", "delivered", 1) in scene.deliveries("orders")


@pytest.mark.parametrize(("accepted", "state"), [(True, "delivered"), (False, "refused")])
def test_the_late_answer_to_a_cancel_request_is_recorded(
    scene: Scene, accepted: bool, state: str
) -> None:
    """Released orders are canceled by request: the delivery stays requested until an answer."""
    scene.to_oms("settings", {"late_cancellation": True})
    scene.place_many([1])
    scene.run("orders")
    scene.to_oms("advance", {"to": "release", "cancel_rate": 0.0})
    scene.to_store("orders/1/status", {"status_id": 5})
    scene.run("orders")
    assert ("1", "cancel", "requested", 1) in scene.deliveries("orders")

    scene.to_oms("orders/1/cancel_outcome", {"accepted": accepted})
    scene.run("shipments")

    assert ("1", "cancel", state, 1) in scene.deliveries("orders")
    assert scene.open_rejections("orders") == ({} if accepted else {"1": "cancel_refused"})


def test_only_the_newest_version_is_delivered_and_older_ones_end_as_superseded(
    scene: Scene,
) -> None:
    """Two versions captured before any delivery: one save, with the newer content."""
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday, steps=["captured"])
    scene.to_store("orders/1", {"customer_message": "Newer"}, "PATCH")
    scene.run("orders")

    assert scene.oms_counts()["saves"] == 1
    assert scene.sql(
        "SELECT state FROM sync.record WHERE stream = 'orders' ORDER BY source_updated_at"
    ) == [("superseded",), ("accepted",)]
    assert [note["NoteText"] for note in scene.oms_order(1)["OrderNote"]] == ["Newer"]


def test_force_sends_again_what_the_oms_holds(scene: Scene) -> None:
    """With ``force`` every order of the partition is sent again; it is the same order."""
    scene.place_many([1, 2])
    scene.run("orders", first=scene.yesterday)

    scene.run(
        "orders",
        first=scene.yesterday,
        config={"acme__orders_delivered": {"config": {"force": True}}},
    )

    assert {
        number: (held["creates"], held["saves"]) for number, held in scene.oms_orders().items()
    } == {"1": (1, 2), "2": (1, 2)}


def test_units_are_converted_to_the_oms_and_back(scene: Scene) -> None:
    """A box of ten in the store is ten units at the OMS, and ten shipped units are one box."""
    scene.configure(orders={"uom_rules": {"MUG": {"uom": "EA", "factor": 10}}})
    scene.place(order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders")
    assert scene.oms_orders()["1"]["lines"][0]["Quantity"] == 20

    scene.to_oms("orders/1/ship", {"lines": [{"line": "101", "quantity": 10}]})
    scene.run("shipments")

    (shipment,) = scene.store_shipments()
    assert [(item["order_product_id"], item["quantity"]) for item in shipment["items"]] == [
        (101, 1)
    ]
