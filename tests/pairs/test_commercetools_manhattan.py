"""commercetools and Manhattan, end to end: orders out, deliveries and stock back."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from assets.chain.run_config import live_config
from tests.assets import documents
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.assets.scene import NAME
from tests.pairs.commercetools import LINE, ProjectScene
from tests.sandbox.simulated_project import Project, an_order

pytestmark = pytest.mark.slow(seconds=40)

Json = dict[str, Any]
UPS, UPS_2 = "1Z999AA10123456784", "1Z999AA10123456793"
CONFLICT: Json = {
    "statusCode": 409,
    "message": "Version mismatch.",
    "errors": [{"code": "ConcurrentModification", "message": "x", "currentVersion": 9}],
}


def _ship(scene: ProjectScene, number: int, units: dict[int, int], tracking: str = UPS) -> None:
    lines = [{"line": LINE.format(number, n), "quantity": units} for n, units in units.items()]
    scene.to_oms(f"orders/{number}/ship", {"lines": lines, "tracking": tracking})


def _exported(scene: ProjectScene, number: int = 1, **changes: Any) -> Json:
    order = scene.place_order(number, **changes)
    scene.run("orders", first=scene.yesterday)
    return order


def test_an_order_reaches_the_oms_once_and_adds_up(project: ProjectScene) -> None:
    """With its number as id, its lines' ids, and the shopper's total; a rerun sends nothing."""
    order = _exported(project, 1)
    held = project.oms_order("1")
    assert {line["OrderLineId"] for line in held["OrderLine"]} == {
        line["id"] for line in order["lineItems"]
    }
    assert Decimal(project.oms_orders()["1"]["saved_total"]) == Decimal("46.80")
    assert project.outcomes("orders")[order["id"]][0] == "accepted"
    before = project.effects()
    project.run("orders", first=project.yesterday)
    project.to_store(f"orders/{order['id']}/touch", {})
    project.run("orders")
    assert project.effects() == before
    assert project.open_rejections("orders") == {}


def test_lines_ship_from_the_node_of_their_supply_channel(project: ProjectScene) -> None:
    """By the table of the stock's nodes; a channel without one is a rejection until it has one."""
    east, west = project.to_store("channels", [{"key": "EAST"}, {"key": "WEST"}])["ids"]
    project.configure(
        orders={
            **project.installation.connections["acme"].orders.model_dump(mode="json"),
            "ship_from": "store",
        },
        inventory={"mode": "by_node", "nodes": {"DC-1": "EAST"}},
    )
    lines = [
        line | {"supplyChannel": {"typeId": "channel", "id": channel}}
        for line, channel in zip(an_order()["lineItems"], (east, west), strict=True)
    ]
    order = _exported(project, 1, lineItems=lines, purchaseOrderNumber="PO 4711")
    assert project.open_rejections("orders") == {order["id"]: "ship_from_unknown"}
    project.configure(
        orders={
            **project.installation.connections["acme"].orders.model_dump(mode="json"),
            "ship_from_nodes": {"WEST": "DC-2"},
        },
        inventory={"mode": "by_node", "nodes": {"DC-1": "EAST"}},
    )
    project.run("orders", first=project.yesterday)
    held = project.oms_order("1")
    nodes = [line["OrderLinePromisingInfo"]["ShipFromLocationId"] for line in held["OrderLine"]]
    assert nodes == ["DC-1", "DC-2"]
    assert [note["NoteText"] for note in held["OrderNote"]] == ["Purchase order: PO 4711"]
    assert project.open_rejections("orders") == {}


def test_a_cancellation_of_another_stores_order_that_was_sent_follows_it(
    project: ProjectScene,
) -> None:
    """The connection was narrowed to one store since; of others that it never sent none is read."""
    order = project.place_order(1)
    project.run("orders")
    project.configure(platform={"store_key": "us"})
    project.place_order(2)
    project.to_store(f"orders/{order['id']}/state", {"orderState": "Cancelled"})
    project.run("orders")
    assert project.oms_counts()["cancels"] == 1
    assert project.sql("SELECT count(DISTINCT source_id) FROM sync.capture") == [(1,)]


def test_a_change_and_a_cancellation_follow_the_order_by_its_id(project: ProjectScene) -> None:
    """Its number is not what the ledger knows it by: no second order, and the right one ends."""
    order = _exported(project, 1)
    project.to_store(f"orders/{order['id']}", {"locale": "de-DE"}, "PATCH")
    project.run("orders")
    assert list(project.oms_orders()) == ["1"]
    project.to_store(f"orders/{order['id']}/state", {"orderState": "Cancelled"})
    project.run("orders")
    assert project.oms_counts()["cancels"] == 1
    assert project.oms_counts()["creates"] == 1


def test_an_order_that_gets_its_number_later_stays_one_order(project: ProjectScene) -> None:
    """It went out under its id."""
    order = _exported(project, 1, orderNumber=None)
    assert list(project.oms_orders()) == [order["id"]]
    project.to_store(f"orders/{order['id']}", {"orderNumber": "2024-7"}, "PATCH")
    project.run("orders")
    assert list(project.oms_orders()) == [order["id"]]


def test_an_order_waits_until_it_is_paid_and_one_that_never_goes_out_is_skipped(
    project: ProjectScene,
) -> None:
    """By the payment states of the settings."""
    platform = project.installation.connections["acme"].platform.model_dump(mode="json")
    project.configure(platform=platform | {"payment_states": ["Paid"]})
    order = _exported(project, 1, paymentState="Pending")
    assert project.outcomes("orders")[order["id"]] == ("skipped", "status_not_exported")
    project.to_store(f"orders/{order['id']}/state", {"paymentState": "Paid"})
    project.run("orders")
    assert list(project.oms_orders()) == ["1"]


def test_a_payment_that_is_authorised_after_the_order_reaches_the_oms(
    project: ProjectScene,
) -> None:
    """The order has not changed since yesterday: it is found by its payment, where configured."""
    [payment] = an_order()["payments"]
    order = _exported(project, 1, payments=[payment | {"transactions": []}])
    amount = {"currencyCode": "USD", "centAmount": 4680}
    late = {"type": "Authorization", "state": "Success", "amount": amount, "interactionId": "late"}
    action = {"action": "addTransaction", "transaction": late}
    api = Project(project.url, project.store).api
    path = f"/payments/{order['paymentInfo']['payments'][0]['id']}"
    changed = api.post(path, json={"version": 1, "actions": [action]})
    assert changed.status_code == 200

    def known() -> bool:
        return '"late"' in json.dumps(project.oms_order("1")["Payment"])

    project.run("orders", first=project.today)
    assert not known()
    platform = project.installation.connections["acme"].platform.model_dump(mode="json")
    project.configure(platform=platform | {"payment_changes": True})
    project.run("orders", first=project.today)
    assert known()
    before = project.effects()
    project.run("orders", first=project.today)
    project.run("orders")
    assert project.effects() == before
    project.to_store(f"orders/{order['id']}/state", {"orderState": "Cancelled"})
    project.run("orders", first=project.today)
    assert project.oms_counts()["cancels"] == 1


def test_a_split_shipment_becomes_deliveries_each_once(project: ProjectScene) -> None:
    """Partial after the first parcel, Shipped after the last; a rerun adds nothing."""
    order = _exported(project, 1)
    _ship(project, 1, {1: 2})
    project.run("shipments")
    assert project.order(order["id"])["shipmentState"] == "Partial"
    _ship(project, 1, {1: 1, 2: 1}, UPS_2)
    project.run("shipments")
    project.run("shipments")
    assert project.parcels() == [(UPS, {"MUG": 2}), (UPS_2, {"MUG": 1, "LAMP": 1})]
    assert project.order(order["id"])["shipmentState"] == "Shipped"
    assert project.order(order["id"])["orderState"] == "Open"
    keys = [d["key"] for d in project.order(order["id"])["shippingInfo"]["deliveries"]]
    assert all(key.startswith("lockstep-") for key in keys)
    assert len(set(keys)) == 2
    assert project.open_rejections("shipments") == {}


def test_a_shipped_order_is_completed_where_configured(project: ProjectScene) -> None:
    """In the same update as the shipment state, so there is no moment in between."""
    platform = project.installation.connections["acme"].platform.model_dump(mode="json")
    project.configure(platform=platform | {"complete_at": "shipped"})
    order = _exported(project, 1)
    _ship(project, 1, {1: 3, 2: 1})
    project.run("shipments")
    held = project.order(order["id"])
    assert (held["shipmentState"], held["orderState"]) == ("Shipped", "Complete")
    # The delivery and both states at once.
    assert held["version"] == order["version"] + 1


@pytest.mark.parametrize("kind", ["drop_after", "malformed", "drop_before"])
def test_a_delivery_whose_answer_is_lost_exists_once(project: ProjectScene, kind: str) -> None:
    """It is found by its key before anything is sent again."""
    _exported(project, 1)
    _ship(project, 1, {1: 1})
    project.fault("commercetools", {"kind": kind, "method": "POST", "path": "/orders/", "times": 1})
    project.run("shipments", raise_on_error=False)
    project.fault("commercetools")
    project.run("shipments")
    assert project.parcels() == [(UPS, {"MUG": 1})]


def test_a_conflict_is_planned_again_and_not_repeated(project: ProjectScene) -> None:
    """An answer 409, although the delivery was added: the next version shows it."""
    _exported(project, 1)
    _ship(project, 1, {1: 1})
    rule = {"kind": "replaced", "status": 409, "body": CONFLICT, "method": "POST",
            "path": "/orders/", "times": 1}  # fmt: skip
    project.fault("commercetools", rule)
    project.run("shipments")
    assert project.parcels() == [(UPS, {"MUG": 1})]
    assert project.store_counts()["DeliveryAdded"] == 1
    assert project.open_rejections("shipments") == {}


def test_a_late_tracking_number_changes_the_parcel(project: ProjectScene) -> None:
    """No second delivery."""
    order = _exported(project, 1)
    project.to_oms("orders/1/ship", {"labelled": False, "carrier": None})
    project.run("shipments")
    assert project.parcels() == [("", {"MUG": 3, "LAMP": 1})]
    project.to_oms("orders/1/track", {"tracking": UPS_2, "carrier": "UPS"})
    project.run("shipments")
    assert project.parcels() == [(UPS_2, {"MUG": 3, "LAMP": 1})]
    assert len(project.order(order["id"])["shippingInfo"]["deliveries"]) == 1


def test_parcels_of_a_split_line_go_to_their_ways_of_shipping(project: ProjectScene) -> None:
    """Mode Multiple: a delivery under each shipping key, of the item that the line is part of."""

    def way(key: str) -> Json:
        address = {
            "key": f"a-{key}",
            "country": "US",
            "streetName": key,
            "city": "Austin",
            "state": "TX",
            "postalCode": "78701",
        }
        info = {"shippingMethodName": "Ground", "price": "5.00", "taxRate": 0.2}
        return {"shippingKey": key, "shippingAddress": address, "shippingInfo": info}

    targets = [
        {"addressKey": f"a-{key}", "quantity": units, "shippingMethodKey": key}
        for key, units in (("home", 2), ("work", 1))
    ]
    line = {
        "sku": "MUG",
        "quantity": 3,
        "price": "10.00",
        "taxRate": 0.2,
        "shippingDetails": {"targets": targets, "valid": True},
    }
    order = _exported(
        project,
        1,
        shippingMode="Multiple",
        shippingInfo=None,
        shipping=[way("home"), way("work")],
        lineItems=[line],
        payments=[],
    )
    assert project.outcomes("orders")[order["id"]][0] == "accepted"
    lines = [row["OrderLineId"] for row in project.oms_order("1")["OrderLine"]]
    shipped = [{"line": line_id, "quantity": 2 if "home" in line_id else 1} for line_id in lines]
    project.to_oms("orders/1/ship", {"lines": shipped, "tracking": UPS})
    project.run("shipments")
    held = project.order(order["id"])
    units = {
        entry["shippingKey"]: [
            (item["id"], item["quantity"])
            for delivery in entry["shippingInfo"]["deliveries"]
            for item in delivery["items"]
        ]
        for entry in held["shipping"]
    }
    assert units == {"home": [(LINE.format(1, 1), 2)], "work": [(LINE.format(1, 1), 1)]}
    assert held["shipmentState"] == "Shipped"
    project.run("shipments")
    assert project.open_rejections("shipments") == {}


def test_what_is_reserved_is_not_subtracted_twice(project: ProjectScene) -> None:
    """The store shows as available what the OMS has available, whatever it has reserved."""
    project.to_store("stock", [{"sku": "MUG", "quantity": 10, "reserved": 3}])
    project.run("inventory")
    levels = {row["sku"]: row for row in project.truth()["levels"]}
    assert (levels["MUG"]["available"], levels["MUG"]["reserved"]) == (1_000, 3)
    assert levels["MUG"]["on_hand"] == 1_003
    assert levels["LAMP"]["available"] == 1_000, "an entry that was missing is created"
    before = project.effects()
    project.run("inventory")
    assert project.effects() == before


@pytest.mark.parametrize("mode", ["None", "TrackOnly", "ReserveOnOrder", "ReserveOnCart"])
def test_an_order_takes_its_units_once_in_every_inventory_mode(
    project: ProjectScene, mode: str
) -> None:
    """Whether the store reserves them for the order, for its cart before, or not at all."""
    platform = project.installation.connections["acme"].platform.model_dump(mode="json")
    project.configure(platform=platform | {"cart_reservations": mode == "ReserveOnCart"})
    project.to_oms("supply", [{"item": "MUG", "location": documents.DEPOT, "quantity": 10}])
    project.to_store("stock", [{"sku": "MUG", "quantity": 10}])

    def level() -> tuple[int, int]:
        rows = {row["sku"]: row for row in project.truth()["levels"]}
        return rows["MUG"]["available"], rows["MUG"]["on_hand"]

    if mode == "ReserveOnCart":
        line = {"sku": "MUG", "quantity": 3}
        [cart] = project.to_store("carts", [{"lineItems": [line]}])["ids"]
        project.run("inventory")
        assert level() == (7, 10), "what is in a cart is not offered again"
        project.to_store(f"carts/{cart}/order", {})
    _exported(project, 1, inventoryMode=mode)  # of three mugs
    if mode in ("TrackOnly", "ReserveOnOrder"):
        project.to_store("stock", [{"sku": "MUG", "quantity": 10, "reserved": 3}])
    project.run("inventory")
    assert level() == ((7, 7) if mode == "None" else (7, 10))
    before = project.effects()
    project.run("inventory")
    assert project.effects() == before
    assert [drift for drift in drifts_of(look(project)) if drift[1] == "stock"] == []


def test_levels_are_written_again_when_carts_begin_or_cease_to_count(
    project: ProjectScene,
) -> None:
    """The same number of the OMS is another level then, also after a write without an answer."""
    platform = project.installation.connections["acme"].platform.model_dump(mode="json")
    project.to_oms("supply", [{"item": "MUG", "location": documents.DEPOT, "quantity": 10}])
    project.to_store("stock", [{"sku": "MUG", "quantity": 10}])
    project.to_store("carts", [{"lineItems": [{"sku": "MUG", "quantity": 3}]}])

    def shown(*, has_carts: bool) -> int:
        project.configure(platform=platform | {"cart_reservations": has_carts})
        project.run("inventory")
        levels = {row["sku"]: row["available"] for row in project.truth()["levels"]}
        return int(levels["MUG"])

    assert shown(has_carts=False) == 10
    assert shown(has_carts=True) == 7
    project.to_oms("supply", [{"item": "MUG", "location": documents.DEPOT, "quantity": 9}])
    project.fault("commercetools", {"kind": "drop_after", "path": "/inventory/", "times": 3})
    project.run("inventory", raise_on_error=False)
    assert shown(has_carts=False) == 9
    before = project.effects()
    project.run("inventory")
    assert project.effects() == before


def test_an_entry_that_changes_while_it_is_written_is_planned_again(project: ProjectScene) -> None:
    """Its version is another one, and so may be its reservation."""
    project.to_store("stock", [{"sku": "MUG", "quantity": 10, "reserved": 3}])
    rule = {"kind": "status", "status": 409, "body": CONFLICT, "method": "POST",
            "path": "/inventory/", "times": 2}  # fmt: skip
    project.fault("commercetools", rule)
    project.run("inventory")
    levels = {row["sku"]: row["available"] for row in project.truth()["levels"]}
    assert levels["MUG"] == 1_000
    assert project.open_rejections("inventory") == {}


def test_nodes_are_shown_at_their_supply_channels(project: ProjectScene) -> None:
    """By channel key; the entry without a channel is left alone."""
    project.to_store("channels", [{"key": "EAST"}])
    project.configure(inventory={"mode": "by_node", "nodes": {"DC1": "EAST"}})
    project.run("inventory")
    rows = {(row["sku"], row["location"]): row["available"] for row in project.truth()["levels"]}
    assert rows["MUG", "EAST"] == 1_000
    assert ("MUG", "default") not in rows


def test_a_reconciliation_finds_drifts_and_nothing_else(project: ProjectScene) -> None:
    """Orders, deliveries and stock agree; what is changed past Lockstep is found."""
    order = _exported(project, 1)
    _ship(project, 1, {1: 2})
    project.run("shipments")
    project.to_store("stock", [{"sku": "MUG", "quantity": 10, "reserved": 3}])
    project.run("inventory")
    assert drifts_of(look(project)) == []

    info = project.order(order["id"])["shippingInfo"] | {"deliveries": []}
    project.to_store(f"orders/{order['id']}", {"shippingInfo": info}, "PATCH")
    project.to_store("stock", [{"sku": "MUG", "quantity": 10, "reserved": 3}])
    project.run("orders")  # while sales are under way, a level is not drift
    found = {drift[1] for drift in drifts_of(look(project))}
    assert {"shipment", "stock"} <= found


@pytest.mark.parametrize("is_canceled", [True, False], ids=["canceled", "restocked"])
def test_units_that_are_sold_and_come_back_between_two_reads_of_stock_are_offered_again(
    project: ProjectScene, *, is_canceled: bool
) -> None:
    """The OMS has as many as before, and the store, which took them off at the sale, has not."""

    def shown() -> int:
        return {row["sku"]: row["available"] for row in project.truth()["levels"]}["MUG"]

    def read() -> None:
        moment = project.moment(project.today, 0).isoformat()
        config = live_config(NAME, "inventory", moment, moment)
        project.run("inventory", first=project.today, config=config, trigger="live")

    project.to_oms("supply", [{"item": "MUG", "location": documents.DEPOT, "quantity": 10}])
    read()
    assert shown() == 10
    order = project.place_order(1, inventoryMode="TrackOnly")
    project.to_store("stock", [{"sku": "MUG", "quantity": 7}])
    project.run("orders")
    if is_canceled:
        project.to_store(f"orders/{order['id']}/state", {"orderState": "Cancelled"})
        project.run("orders")
    else:
        project.to_oms("supply", [{"item": "MUG", "location": documents.DEPOT, "quantity": 13}])
    project.sql_write(
        "UPDATE sync.target_state SET updated_at = updated_at - interval '3 minutes' "
        "WHERE stream = 'inventory'"
    )
    read()
    assert shown() == 10
    before = project.effects()
    read()
    assert project.effects() == before
    assert [drift for drift in drifts_of(look(project)) if drift[1] == "stock"] == []
