"""BigCommerce and Anchanto, end to end in one process: splits, tracking, manifest, statuses."""

from __future__ import annotations

import orjson
import pytest

from tests.assets.documents import order
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.pairs.anchanto_scene import AnchantoScene

pytestmark = pytest.mark.slow(seconds=20)

FIRST, SECOND = "1Z5R89390357567127", "1Z8W4R260373687877"
PENDING, SHIPPED, PARTLY, CANCELLED, AWAITING_PICKUP, AWAITING_SHIPMENT = 1, 2, 3, 5, 8, 9
COMPLETED, AWAITING_FULFILLMENT = 10, 11


def test_tracking_comes_at_ready_to_ship_and_the_manifest_sets_shipped(
    anchanto: AnchantoScene,
) -> None:
    """The store's order awaits shipment in between, although it has a shipment."""
    anchanto.place_many([1])
    anchanto.run("orders")
    anchanto.to_oms("orders/1/ready", {"tracking": FIRST, "carrier": "UPS"})
    anchanto.run("shipments")
    assert list(anchanto.shipped(1)) == [FIRST]
    assert anchanto.shipped(1)[FIRST][0] == "ups"
    assert anchanto.status(1) == AWAITING_SHIPMENT
    events = anchanto.sql("SELECT DISTINCT milestone FROM history.shipments")
    assert events == [("packed",)]
    assert drifts_of(look(anchanto)) == [], "a reconciliation agrees"

    earlier = "UPDATE sync.fulfilment_event SET occurred_at = occurred_at - interval '2 days'"
    anchanto.sql_write(earlier)
    since = "SELECT max(now() - occurred_at) > interval '1 day' FROM history.shipments"
    assert anchanto.sql(since) == [(True,)]
    anchanto.to_oms("orders/1/manifest", {})
    anchanto.run("shipments")
    assert anchanto.status(1) == SHIPPED
    assert anchanto.sql("SELECT DISTINCT milestone FROM history.shipments") == [("shipped",)]
    assert anchanto.sql(since) == [(False,)], "it left when the manifest was made"
    anchanto.to_oms("orders/1/deliver", {})
    anchanto.run("shipments")
    assert anchanto.status(1) == COMPLETED
    before = anchanto.effects()
    anchanto.to_oms("orders/1/complete", {})
    anchanto.run("orders", "shipments")
    assert (anchanto.status(1), anchanto.effects()) == (COMPLETED, before)


def test_an_order_is_split_into_several_shipments(anchanto: AnchantoScene) -> None:
    """Which Anchanto's own connector can't: each goes out as it is ready, none twice."""
    [document] = anchanto.place_many([1])
    units = sum(line["quantity"] for line in document["products"])
    anchanto.run("orders")
    anchanto.to_oms("orders/1/ready", {"lines": [{"sku": "MUG", "quantity": 1}], "tracking": FIRST})
    anchanto.to_oms("orders/1/manifest", {})
    anchanto.run("shipments")
    assert {number: sum(n.values()) for number, (_, n) in anchanto.shipped(1).items()} == {FIRST: 1}
    assert anchanto.status(1) == PARTLY
    anchanto.to_oms("orders/1/ready", {"tracking": "TYPO"})
    anchanto.run("shipments")
    anchanto.to_oms("orders/1/track", {"tracking": SECOND})
    anchanto.to_oms("orders/1/manifest", {})
    anchanto.run("shipments")
    held = {number: sum(n.values()) for number, (_, n) in anchanto.shipped(1).items()}
    assert held == {FIRST: 1, SECOND: units - 1}
    assert anchanto.status(1) == SHIPPED
    before = anchanto.effects()
    anchanto.run("orders", "shipments")
    assert anchanto.effects() == before


def test_the_store_shows_the_vendors_statuses(anchanto: AnchantoScene) -> None:
    """With the two milestones that the connection adds, as the README says."""
    shown = {"created": AWAITING_PICKUP, "allocated": AWAITING_FULFILLMENT}
    anchanto.configure(shipments={"milestone_statuses": shown})
    anchanto.place_many(range(1, 4))
    anchanto.run("orders")
    anchanto.run("shipments")
    assert anchanto.status(1) == AWAITING_PICKUP
    anchanto.to_oms("orders/1/status", {"status": "Partial"})
    anchanto.to_oms("advance", {"to": "wms", "orders": ["2", "3"]})
    anchanto.run("shipments")
    assert [anchanto.status(n) for n in (1, 2)] == [AWAITING_PICKUP, AWAITING_FULFILLMENT]
    anchanto.to_oms("orders/2/ready", {"labelled": False})
    anchanto.to_oms("orders/3/cancel", {})
    anchanto.run("shipments")
    assert [anchanto.status(n) for n in (2, 3)] == [AWAITING_SHIPMENT, CANCELLED]
    assert anchanto.shipped(2) == {}, "it is packed, and has no number yet"


def test_a_cancellation_is_taken_until_the_order_is_packed(anchanto: AnchantoScene) -> None:
    """A late one is a rejection that says in which status it is."""
    anchanto.place_many(range(1, 5))
    anchanto.run("orders")
    anchanto.to_oms("advance", {"to": "wms", "orders": ["2", "3", "4"]})
    anchanto.to_oms("orders/3/ready", {})
    anchanto.to_oms("orders/4/ship", {})
    anchanto.to_oms("orders/4/deliver", {})
    anchanto.to_oms("orders/4/complete", {})
    for number in range(1, 5):
        anchanto.to_store(f"orders/{number}/status", {"status_id": CANCELLED})
    anchanto.run("orders")
    states = {number: row["canceled"] for number, row in anchanto.truth().items()}
    assert states == {"1": True, "2": True, "3": False, "4": False}
    assert anchanto.open_rejections("orders") == dict.fromkeys(("3", "4"), "cancel_refused")
    messages = dict(anchanto.sql("SELECT source_id, message FROM sync.rejection"))
    assert "it is Ready_to_Ship, and Anchanto cancels orders only before" in messages["3"]
    assert "it is Completed" in messages["4"]
    assert anchanto.oms_counts()["cancels"] == 2


def test_orders_wait_in_the_store_until_their_status_is_exported(anchanto: AnchantoScene) -> None:
    """Pending ones stay there, and those that are not the seller's are rejected."""
    noon = anchanto.moment()
    anchanto.configure(orders={"export_statuses": [AWAITING_PICKUP, AWAITING_FULFILLMENT]})
    anchanto.place(
        *(
            order(number, noon, status_id=status)
            for number, status in ((1, PENDING), (2, AWAITING_PICKUP), (3, AWAITING_FULFILLMENT))
        )
    )
    anchanto.run("orders")
    assert sorted(anchanto.truth()) == ["2", "3"]
    assert {anchanto.document(n)["status"] for n in (2, 3)} == {"New"}
    anchanto.configure(oms={"seller": {"methods": ["NONE"]}})
    anchanto.place(order(4, noon))
    anchanto.run("orders")
    assert anchanto.open_rejections("orders") == {"4": "not_shipped_by_seller"}


def test_a_change_and_another_order_of_the_number_are_rejections(anchanto: AnchantoScene) -> None:
    """Each names the field; nothing is overwritten."""
    anchanto.place_many([1, 2])
    anchanto.run("orders", steps=["captured", "validated"])
    other = {
        "number": "2",
        "store_code": "WEB",
        "currency_code": "USD",
        "totals": {"subtotal": 7},
        "shipping_address": {"address1": "9 St", "city": "X", "zipcode": "1", "country_iso": "US"},
        "order_items": [{"line_id": "201", "sku": "MUG", "quantity": 7, "unit_price": 1}],
    }
    anchanto.to_oms("place", [other])
    anchanto.run("orders")
    assert anchanto.open_rejections("orders") == {"2": "order_exists_differently"}
    address = {"shipping_addresses": [order(1, anchanto.moment())["shipping_addresses"][0]]}
    address["shipping_addresses"][0]["street_1"] = "9 Else Street"
    anchanto.to_store("orders/1", address, "PATCH")
    anchanto.run("orders")
    assert anchanto.open_rejections("orders")["1"] == "order_not_changeable"
    assert anchanto.oms_counts()["creates"] == 1


def test_a_token_that_expires_is_renewed_within_a_run(anchanto: AnchantoScene) -> None:
    """And no order is lost, or sent twice."""
    anchanto.place_many([1])
    anchanto.run("orders")
    anchanto.to_oms("expire", {})
    anchanto.place_many([2])
    anchanto.run("orders", "inventory")
    assert {row["creates"] for row in anchanto.truth().values()} == {1}
    assert len(anchanto.truth()) == 2


def test_stock_is_of_all_warehouses_or_of_the_named_ones(anchanto: AnchantoScene) -> None:
    """A warehouse that the connection does not name is not counted; what is kept back neither."""
    row = {"item": "MUG", "location": "WEST", "quantity": 7, "buffer": 2}
    anchanto.to_oms("supply", [row])
    anchanto.run("inventory")
    assert anchanto.store_stock()["MUG"]["quantity"] == 1_005
    writes = anchanto.store_counts()["inventory_writes"]
    anchanto.run("inventory")
    assert anchanto.store_counts()["inventory_writes"] == writes, "an equal level is not written"
    nodes = {"mode": "by_node", "nodes": {"west": "default"}}
    anchanto.configure(inventory={"catalog_ttl": "PT0S", **nodes})
    anchanto.run("inventory")
    assert anchanto.store_stock()["MUG"]["quantity"] == 5


def _warnings(anchanto: AnchantoScene) -> list[tuple[str]]:
    return anchanto.sql("SELECT DISTINCT code FROM history.warnings WHERE stream = 'shipments'")


def test_a_shipment_that_is_canceled_after_it_was_shown_is_taken_back(
    anchanto: AnchantoScene,
) -> None:
    """One of two, then the last one; its units go out in another one, and nothing twice."""
    anchanto.place_many([1])
    anchanto.run("orders")
    anchanto.to_oms("orders/1/ready", {"lines": [{"sku": "MUG", "quantity": 1}], "tracking": FIRST})
    anchanto.to_oms("orders/1/ready", {"tracking": SECOND})
    anchanto.to_oms("orders/1/manifest", {})
    anchanto.run("shipments")
    assert (sorted(anchanto.shipped(1)), anchanto.status(1)) == ([FIRST, SECOND], SHIPPED)

    anchanto.to_oms("orders/1/unpack", {})
    anchanto.run("shipments")

    assert (list(anchanto.shipped(1)), anchanto.status(1)) == ([FIRST], PARTLY)
    assert _warnings(anchanto) == [("shipment_taken_back",)]
    assert anchanto.open_rejections("shipments") == {}
    assert drifts_of(look(anchanto)) == [], "a reconciliation agrees"
    before = anchanto.effects()
    anchanto.run("orders", "shipments")
    assert anchanto.effects() == before

    anchanto.to_oms("orders/1/unpack", {"shipment": 0})
    anchanto.run("shipments")
    assert (anchanto.shipped(1), anchanto.status(1)) == ({}, AWAITING_SHIPMENT)
    anchanto.to_oms("orders/1/ready", {"tracking": "AGAIN"})
    anchanto.to_oms("orders/1/manifest", {})
    anchanto.run("shipments")
    assert (list(anchanto.shipped(1)), anchanto.status(1)) == (["AGAIN"], SHIPPED)
    assert anchanto.open_rejections("shipments") == {}
    assert drifts_of(look(anchanto)) == []


def test_a_shipment_of_a_decided_order_or_of_unknown_hands_stays(anchanto: AnchantoScene) -> None:
    """With a warning: what the merchant did is theirs, and of an older ledger none knows who."""
    anchanto.place_many([1, 2])
    anchanto.run("orders")
    for number in (1, 2):
        anchanto.to_oms(f"orders/{number}/ready", {"tracking": FIRST if number == 1 else SECOND})
        anchanto.to_oms(f"orders/{number}/manifest", {})
    anchanto.run("shipments")
    anchanto.to_store("orders/1/status", {"status_id": CANCELLED})
    forget_makers(anchanto, "2")
    for number in (1, 2):
        anchanto.to_oms(f"orders/{number}/unpack", {})
    anchanto.run("shipments")
    assert (list(anchanto.shipped(1)), list(anchanto.shipped(2))) == ([FIRST], [SECOND])
    assert {("shipment_not_taken_back",)} <= set(_warnings(anchanto))
    assert ("shipment_taken_back",) not in _warnings(anchanto)
    assert anchanto.open_rejections("shipments") == {}


def forget_makers(anchanto: AnchantoScene, order_id: str) -> None:
    """Bring an order's target state to what the version before stored."""
    assert anchanto.lockstep is not None
    with anchanto.lockstep.ledger.session("acme", "shipments", "r") as session:
        row = session.deliveries.targets([order_id])[order_id]
        content = orjson.loads(row.content)
        for shipment in content["shipments"].values():
            del shipment["own"]
        session.deliveries.put_targets([row.holding(orjson.dumps(content))])
