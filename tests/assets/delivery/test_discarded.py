"""What an operator has discarded is not sent by a rerun, a sweep or a run that was interrupted."""

from __future__ import annotations

from typing import Any

import pytest

from domain.identity import correlation_id
from resources.ledger.rejections import operator_actions
from resources.ledger.rejections.work_queue import RejectionFilter
from tests.assets import documents, prices
from tests.assets.actions import ask, carry_out, with_actions
from tests.assets.reconciliation.comparing import look
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=30)

Json = dict[str, Any]
STREAMS = ("orders", "shipments", "prices", "actions")
FORCE = {f"{NAME}__orders_delivered": {"config": {"force": True}}}
REFUSED: Json = {
    "kind": "status",
    "method": "POST",
    "path": "order/save",
    "status": 400,
    "body": {
        "success": False,
        "messages": {"Message": [{"Code": "X::1", "Description": "no", "Type": "ERROR"}]},
    },
}
DOWN: Json = {"kind": "status", "status": 503, "path": "order/save"}


def discard(scene: Scene) -> None:
    """Discard what is open: an operator has entered it at the OMS by hand."""
    db = scene._db()
    operator_actions.discard(
        db, operator_actions.chosen(db, RejectionFilter()), "ann", "entered by hand"
    )


def pending(scene: Scene, stream: str = "orders") -> list[Any]:
    """Return the partitions for which the sensor would request a run."""
    assert scene.lockstep is not None
    with scene.lockstep.ledger.session(NAME, stream) as session:
        return list(session.partitions.pending("day"))


def test_what_the_oms_refused_is_not_sent_after_a_discard(scene: Scene) -> None:
    """The OMS would accept it by now, and has it already under a number of its own."""
    scene.place_many([1])
    scene.fault("manhattan", REFUSED)
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    assert scene.open_rejections("orders") == {"1": "oms_x_1"}
    discard(scene)
    scene.fault("manhattan")
    scene.run("orders", first=scene.yesterday)
    scene.run("orders", first=scene.yesterday, config=FORCE)
    assert scene.oms_orders() == {}
    assert scene.deliveries("orders") == [("1", "create", "refused", 1)]

    scene.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    scene.run("orders")
    assert scene.oms_orders().keys() == {"1"}, "a newer version is processed as usual"


def test_what_was_invalid_is_not_sent_after_a_discard(scene: Scene) -> None:
    """A corrected mapping and the sweep of the night would send it."""
    lines = ((documents.NOT_AT_OMS, 1),)
    scene.place(documents.order(1, scene.moment(), lines), documents.order(2, scene.moment()))
    scene.run("orders", first=scene.yesterday)
    assert scene.open_rejections("orders") == {"1": "sku_unknown"}
    discard(scene)
    scene.to_oms("items", [{"ItemId": documents.NOT_AT_OMS, "BaseUOM": "EA"}])
    scene.run("orders", first=scene.yesterday)
    scene.run("orders", first=scene.yesterday, config=FORCE)
    assert scene.oms_orders().keys() == {"2"}
    assert (scene.open_rejections("orders"), pending(scene)) == ({}, [])


def test_what_a_failed_retry_has_left_is_not_sent_after_a_discard(scene: Scene) -> None:
    """The retry claimed it, and the OMS was down: it would be due again."""
    scene.place_many([1])
    scene.fault("manhattan", REFUSED)
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    scene.fault("manhattan", DOWN)
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    assert [row[2] for row in scene.deliveries("orders")] == ["failed"]
    assert pending(scene) != []
    discard(scene)
    scene.fault("manhattan")
    assert pending(scene) == []
    scene.run("orders", first=scene.yesterday)
    assert scene.oms_orders() == {}
    assert [row[2] for row in scene.deliveries("orders")] == ["dead"]


def test_what_is_left_of_the_version_before_is_given_up_with_a_discarded_change(
    scene: Scene,
) -> None:
    """It failed while the OMS was down, and no run sends it: it was shown as failed forever."""
    scene.place_many([1])
    scene.fault("manhattan", DOWN)
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    assert [row[2] for row in scene.deliveries("orders")] == ["failed"]
    scene.fault("manhattan")
    scene.configure(orders={"shipping_methods": {"Air": "Air"}})
    scene.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    scene.run("orders")
    assert scene.open_rejections("orders") == {"1": "shipping_method_unknown"}
    discard(scene)
    assert [row[2] for row in scene.deliveries("orders")] == ["dead"]
    scene.configure()
    scene.to_store("orders/1", {"customer_message": "Ring once"}, "PATCH")
    scene.run("orders")
    assert scene.oms_orders().keys() == {"1"}, "a newer version is processed as usual"


def test_what_was_sent_before_stays_sent(scene: Scene) -> None:
    """A rerun rejected it for a while, and the discard of that is about nothing."""
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday)
    scene.configure(orders={"shipping_methods": {"Air": "Air"}})
    scene.run("orders", first=scene.yesterday)
    assert scene.open_rejections("orders") == {"1": "shipping_method_unknown"}
    discard(scene)
    scene.configure()
    before = scene.effects()
    scene.run("orders", first=scene.yesterday)
    assert scene.outcomes("orders") == {"1": ("accepted", "unchanged")}
    assert scene.effects() == before


def test_a_later_decision_of_an_operator_counts(scene: Scene) -> None:
    """The order is rejected for another reason, and retried: it is to be sent after all."""
    scene.place_many([1])
    scene.fault("manhattan", REFUSED)
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    discard(scene)
    scene.fault("manhattan")
    scene.configure(orders={"shipping_methods": {"Air": "Air"}})
    scene.run("orders", first=scene.yesterday)
    db = scene._db()
    found = operator_actions.chosen(db, RejectionFilter())
    scene.configure()
    operator_actions.begin_retry(db, found, "ann", "as_captured")
    scene.run("orders", first=scene.yesterday)
    assert scene.oms_orders().keys() == {"1"}


@pytest.mark.parametrize("at_oms", [2, 5])
def test_a_discarded_change_that_the_store_takes_back_is_compared_with_the_oms(
    scene: Scene, at_oms: int
) -> None:
    """An operator may have made it there by hand, and the order must not count as unchanged."""
    scene.place(documents.order(1, scene.moment(), [("MUG", 2), ("LAMP", 1)]))
    scene.run("orders")
    scene.to_oms("advance", {"to": "release", "cancel_rate": 0, "partial_rate": 0})
    scene.to_store("orders/1", {"products": [{"id": 101, "quantity": 5}]}, "PATCH")
    scene.run("orders")
    assert scene.open_rejections("orders") == {"1": "line_not_eligible"}
    discard(scene)
    change = {"OrderLine": [{"OrderLineId": "101", "Quantity": at_oms}]}
    scene.to_oms("orders/1/tamper", {"change": change})
    scene.to_store("orders/1", {"products": [{"id": 101, "quantity": 2}]}, "PATCH")
    scene.run("orders")
    expected = {"1": "line_not_eligible"} if at_oms == 5 else {}
    assert scene.open_rejections("orders") == expected


def test_an_order_that_was_deleted_at_the_oms_on_purpose_is_not_sent_after_a_discard(
    scene: Scene,
) -> None:
    """Its next version is rejected again, since the OMS does not have it."""
    scene.place_many([1])
    scene.run("orders")
    scene.to_oms("orders/1/remove", {})
    for text in ("Ring twice", "Ring thrice"):
        scene.to_store("orders/1", {"customer_message": text}, "PATCH")
        scene.run("orders")
        assert scene.open_rejections("orders") == {"1": "order_gone_at_oms"}
        discard(scene)
    assert scene.oms_orders() == {}


def refuse(method: str, path: str) -> Json:
    """Return a fault by which the store refuses calls as invalid."""
    body = {"status": 422, "title": "no", "errors": {}}
    return {"kind": "status", "method": method, "path": path, "status": 422, "body": body}


def shipped_order(scene: Scene) -> None:
    """Let the OMS ship an order in two parcels."""
    scene.place(documents.order(1, scene.moment(), [("MUG", 2), ("LAMP", 1)]))
    scene.run("orders")
    for line, tracking in ((101, "1Z999AA10123456784"), (102, "1Z999AA10123456793")):
        lines = [{"line": str(line), "quantity": 1}]
        scene.to_oms("orders/1/ship", {"lines": lines, "tracking": tracking})


def refused_parcels(scene: Scene) -> tuple[Json, Any]:
    """Let the store refuse shipments; a further parcel ends the discard."""
    shipped_order(scene)
    lines = [{"line": "101", "quantity": 1}]
    newer = ("orders/1/ship", {"lines": lines, "tracking": "1Z999AA10123456702"})
    return refuse("POST", "/shipments"), lambda: scene.to_oms(*newer)


def refused_status(scene: Scene) -> tuple[Json, Any]:
    """Let the store refuse the status, after it has taken the shipment."""
    completed = {"shipped": 10}
    scene.configure(streams=STREAMS, shipments={"milestone_statuses": completed})
    scene.place(documents.order(1, scene.moment(), [("MUG", 1)]))
    scene.run("orders")
    scene.to_oms("orders/1/ship", {"tracking": "1Z999AA10123456784"})
    return refuse("PUT", "/orders/1$"), lambda: scene.to_oms("orders/1/touch", {})


def refused_price(scene: Scene) -> tuple[Json, Any]:
    """Let the store refuse prices; another price ends the discard."""
    prices.set_prices(scene, prices.price("MUG", 11))
    newer = prices.price("MUG", 12)
    return refuse("PUT", "catalog/"), lambda: prices.set_prices(scene, newer)


@pytest.mark.parametrize(
    ("stream", "make"),
    [("shipments", refused_parcels), ("shipments", refused_status), ("prices", refused_price)],
)
def test_what_the_store_refused_is_not_sent_after_a_discard(
    scene: Scene, stream: str, make: Any
) -> None:
    """The merchant has done it by hand, or decided against it; a newer version is sent."""
    scene.configure(streams=STREAMS)
    fault, change = make(scene)
    scene.fault("bigcommerce", fault)
    scene.run(stream, first=scene.today, raise_on_error=False)
    assert scene.open_rejections(stream) != {}
    discard(scene)
    scene.fault("bigcommerce")

    before = scene.effects(), prices.shown(scene)
    again = ("validated", "delivered")
    scene.run(stream, first=scene.today, steps=again)
    force = {f"{NAME}__{stream}_delivered": {"config": {"force": True}}}
    scene.run(stream, first=scene.today, steps=again, config=force)
    assert (scene.effects(), prices.shown(scene)) == before
    assert (scene.open_rejections(stream), pending(scene, stream)) == ({}, [])

    change()
    scene.run(stream, first=scene.today)
    assert (scene.effects(), prices.shown(scene)) != before


def shipped_in_part(scene: Scene, prefix: str) -> tuple[str, str]:
    """Ship the mugs of order 1 at the OMS, not its lamp; return its ids of order and parcel."""
    scene.configure(orders={"order_id_prefix": prefix})
    order = f"{prefix}1"
    scene.place(documents.order(1, scene.moment(), [("MUG", 2), ("LAMP", 1)]))
    scene.run("orders")
    parcel = {"lines": [{"line": "101", "quantity": 2}], "tracking": "T1"}
    scene.to_oms(f"orders/{order}/ship", parcel)
    return order, str(scene.oms_order(order)["OrderTrackingInfo"][-1]["PackageId"])


@pytest.mark.parametrize("prefix", ["", "W-"])
def test_a_discarded_parcel_stays_discarded_until_it_changes_itself(
    scene: Scene, prefix: str
) -> None:
    """Later versions of the order show the others, and the status; then it gets another number.

    Also where the OMS has another id of the order than the store.
    """
    order, package = shipped_in_part(scene, prefix)
    scene.fault("bigcommerce", refuse("POST", "/shipments"))
    scene.run("shipments", first=scene.today, raise_on_error=False)
    assert list(scene.open_rejections("shipments")) == [order]
    discard(scene)
    scene.fault("bigcommerce")

    scene.to_oms(
        f"orders/{order}/ship", {"lines": [{"line": "102", "quantity": 1}], "tracking": "T2"}
    )
    scene.run("shipments", first=scene.today)
    force = {f"{NAME}__shipments_delivered": {"config": {"force": True}}}
    scene.run("shipments", first=scene.today, config=force)
    assert [one["tracking_number"] for one in scene.store_shipments()] == ["T2"]
    assert scene.open_rejections("shipments") == {}
    assert scene.store_orders()[1]["status_id"] == 2
    assert look(scene, repair=True).drifts == []
    scene.to_oms(f"orders/{order}/track", {"package": package, "tracking": "T3", "carrier": "UPS"})
    scene.run("shipments", first=scene.today)
    assert [one["tracking_number"] for one in scene.store_shipments()] == ["T2", "T3"]


def numbers(scene: Scene) -> list[str]:
    """Return the tracking numbers that the store shows of its shipments."""
    return [
        row["tracking_number"] for row in scene._ask(f"bigcommerce/{scene.store}/dump/shipments")
    ]


@pytest.mark.parametrize("prefix", ["", "W-"])
def test_a_discarded_tracking_number_stays_discarded_until_the_parcel_changes(
    scene: Scene, prefix: str
) -> None:
    """It was refused with each version of the order, and kept the status behind it back."""
    order, package = shipped_in_part(scene, prefix)
    scene.run("shipments", first=scene.today)
    scene.fault("bigcommerce", refuse("PUT", "/shipments"))
    scene.to_oms(f"orders/{order}/track", {"package": package, "tracking": "T2"})
    scene.run("shipments", first=scene.today, raise_on_error=False)
    assert scene.open_rejections("shipments") == {order: "shipment_update_refused"}
    discard(scene)
    lamp = {"lines": [{"line": "102", "quantity": 1}], "tracking": "L1"}
    scene.to_oms(f"orders/{order}/ship", lamp)
    scene.run("shipments", first=scene.today, raise_on_error=False)
    assert scene.open_rejections("shipments") == {}
    scene.fault("bigcommerce")
    scene.to_oms(f"orders/{order}/touch", {})
    scene.run("shipments", first=scene.today)
    assert numbers(scene) == ["T1", "L1"]
    assert scene.store_orders()[1]["status_id"] == 2
    assert look(scene, repair=True).drifts == []
    scene.to_oms(f"orders/{order}/track", {"package": package, "tracking": "T3"})
    scene.run("shipments", first=scene.today)
    assert numbers(scene) == ["T3", "L1"]


def test_a_discarded_problem_of_a_parcel_comes_back_only_with_another_one(scene: Scene) -> None:
    """The store can't show the parcel; the merchant has shipped it there by hand."""
    scene.configure(orders={"uom_rules": {"MUG": {"uom": "EA", "factor": 10}}})
    scene.place(documents.order(1, scene.moment(), [("MUG", 2), ("LAMP", 1)]))
    scene.run("orders")
    for line, units in (("101", 7), ("102", 1)):
        scene.to_oms("orders/1/ship", {"lines": [{"line": line, "quantity": units}]})
        scene.run("shipments", first=scene.today)
        expected = {"1": "quantity_not_whole"} if line == "101" else {}
        assert scene.open_rejections("shipments") == expected
        discard(scene)
    scene.to_oms("orders/1/ship", {"lines": [{"line": "101", "quantity": 3}]})
    scene.run("shipments", first=scene.today)
    assert scene.open_rejections("shipments") == {"1": "quantity_not_whole"}


def test_an_action_that_was_given_up_is_not_carried_out_after_a_discard(scene: Scene) -> None:
    """Nor by a rerun of its day; a new request is."""
    with_actions(scene, max_attempts=1)
    scene.place_many([1, 2])
    scene.run("orders")
    lost = ask(scene, "cancel", 1, action_id="A1")
    ask(scene, "hold", 2)
    correlation = correlation_id(NAME, "action", lost)
    scene.fault("manhattan", DOWN | {"path": "cancel", "correlation": correlation})
    carry_out(scene, raise_on_error=False)
    assert scene.open_rejections("actions") == {lost: "delivery_failed"}
    discard(scene)
    scene.fault("manhattan")

    carry_out(scene)
    carry_out(scene, config={f"{NAME}__actions_delivered": {"config": {"force": True}}})
    assert not scene.oms_orders()["1"]["canceled"]
    assert pending(scene, "actions") == []
    ask(scene, "cancel", 1, action_id="A2")
    carry_out(scene)
    assert scene.oms_orders()["1"]["canceled"]
