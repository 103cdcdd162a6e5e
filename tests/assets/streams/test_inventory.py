"""The inventory chain: the OMS's availability shows in the store, without needless writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from assets.chain.run_config import live_config
from tests.assets.documents import DEPOT, NOT_AT_OMS, SKUS, UNTRACKED, order, supply
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=25)


def _levels(scene: Scene) -> dict[str, int]:
    return {sku: level["quantity"] for sku, level in scene.store_stock().items()}


def _put(scene: Scene, sku: str, quantity: int, **more: object) -> None:
    scene.to_oms("supply", [{"item": sku, "location": DEPOT, "quantity": quantity} | more])


def test_only_levels_that_differ_are_written(scene: Scene) -> None:
    """After the first run one level changes at the OMS: one write, of that level."""
    scene.run("inventory")
    assert {sku: _levels(scene)[sku] for sku in SKUS} == dict.fromkeys(SKUS, 1000)
    before = scene.store_counts()["inventory_writes"]
    _put(scene, "TENT", 7)

    scene.run("inventory")

    assert scene.store_counts()["inventory_writes"] == before + 1
    assert _levels(scene)["TENT"] == 7


def test_levels_that_the_store_has_already_are_not_written_at_first(scene: Scene) -> None:
    """Nothing is known of the store at first, so it is read: correct levels are not written."""
    scene.to_store(
        "stock",
        [
            {"sku": "MUG", "location_id": 1, "quantity": 1000},
            {"sku": "LAMP", "location_id": 1, "quantity": 3},
        ],
    )

    scene.run("inventory")

    writes = {sku: level["writes"] for sku, level in scene.store_stock().items()}
    assert writes["MUG"] == 0
    assert writes["LAMP"] == 1


def test_missing_is_not_zero_and_untracked_items_are_left_alone(scene: Scene) -> None:
    """An item unknown to the OMS keeps its level, and one whose tracking is off gets none."""
    scene.to_store("stock", [{"sku": NOT_AT_OMS, "location_id": 1, "quantity": 12}])

    scene.run("inventory")

    assert _levels(scene)[NOT_AT_OMS] == 12
    assert scene.outcomes("inventory")[f"{NOT_AT_OMS}@NetworkView"] == (
        "skipped",
        "item_missing_at_oms",
    )
    assert scene.store_stock().get(UNTRACKED, {"writes": 0})["writes"] == 0
    assert scene.outcomes("inventory")[f"{UNTRACKED}@NetworkView"] == ("accepted", "unchanged")


def test_what_is_left_alone_is_named(scene: Scene) -> None:
    """The store can't confirm shipments of an untracked item: the run names it for the operator."""
    result = scene.run_in_dagster("inventory")

    events = result.asset_materializations_for_node("acme__inventory_delivered")
    reported = [
        event.metadata["left alone: tracking_off_in_store"].value
        for event in events
        if "left alone: tracking_off_in_store" in event.metadata
    ]
    assert reported == [f"1: {UNTRACKED}"]


def test_missing_becomes_zero_only_where_the_policy_says_so(scene: Scene) -> None:
    """``missing_item: zero`` empties the level of an item that the OMS does not know."""
    scene.configure(inventory={"missing_item": "zero"})
    scene.to_store("stock", [{"sku": NOT_AT_OMS, "location_id": 1, "quantity": 12}])

    scene.run("inventory")

    assert _levels(scene)[NOT_AT_OMS] == 0


def test_buffers_are_held_back_and_no_level_is_negative(scene: Scene) -> None:
    """Safety stock and buffers come off; if they are more than there is, the store shows 0."""
    scene.configure(inventory={"safety_stock": 5, "channel_buffer": 2, "sku_buffers": {"LAMP": 10}})
    for sku, quantity in (("MUG", 20), ("LAMP", 20), ("TENT", 3)):
        _put(scene, sku, quantity)
    scene.to_store("stock", [{"sku": "TENT", "location_id": 1, "quantity": 3}])

    scene.run("inventory")

    assert {sku: _levels(scene)[sku] for sku in ("MUG", "LAMP", "TENT")} == {
        "MUG": 13,
        "LAMP": 5,
        "TENT": 0,
    }


def test_orders_that_the_oms_does_not_know_yet_are_taken_off(scene: Scene) -> None:
    """An accepted order that is not delivered lowers the level; later the OMS has reserved it."""
    scene.place(order(1, scene.moment(), [("MUG", 4)]))
    scene.run("orders", first=scene.yesterday, steps=["captured", "validated"])
    scene.run("inventory")
    assert _levels(scene)["MUG"] == 996

    scene.run("orders", first=scene.yesterday)
    scene.run("inventory")

    assert _levels(scene)["MUG"] == 996


def test_a_past_partition_of_a_snapshot_stream_reads_nothing(scene: Scene) -> None:
    """The OMS reports its current state only, so yesterday's partition stays as captured."""
    before = scene.oms_counts()["requests"].get("availability", 0)

    scene.run("inventory", first=scene.yesterday)

    assert scene.oms_counts()["requests"].get("availability", 0) == before
    assert scene.sql("SELECT count(*) FROM sync.capture") == [(0,)]


def test_an_unchanged_level_is_not_captured_again(scene: Scene) -> None:
    """A snapshot contains everything each time; only what changed becomes a new version."""
    scene.run("inventory")
    stored = scene.sql("SELECT count(*) FROM sync.capture")
    scene.run("inventory")
    assert scene.sql("SELECT count(*) FROM sync.capture") == stored

    scene.to_oms("supply", supply(5))
    scene.run("inventory")
    assert scene.sql("SELECT count(*) FROM sync.capture") == [(stored[0][0] + len(SKUS) + 1,)]


def test_a_level_that_returns_to_an_earlier_value_is_written_again(scene: Scene) -> None:
    """1000, 7, 1000: the third is a new effect although its content was delivered before."""
    scene.run("inventory")
    for quantity in (7, 1000):
        _put(scene, "TENT", quantity)
        scene.run("inventory")
        assert _levels(scene)["TENT"] == quantity


def test_each_node_feeds_its_own_location(scene: Scene) -> None:
    """``by_node``: the depot's level shows at its mapped location; no other node is read."""
    scene.to_store("locations", [{"id": 2, "code": "EAST", "label": "East"}])
    scene.to_oms("supply", [{"item": "MUG", "location": "DC-EAST", "quantity": 40}])
    scene.configure(inventory={"mode": "by_node", "nodes": {"DC-EAST": "EAST"}})

    scene.run("inventory")

    at = {(row["sku"], row["location_id"]): row["quantity"] for row in scene.levels()}
    assert at["MUG", 2] == 40
    assert at.get(("MUG", 1), 0) == 0


def test_an_infinite_item_shows_a_number_or_stops_being_tracked_by_policy(scene: Scene) -> None:
    """``number`` writes the configured quantity; ``stop_tracking`` sells without limit, once."""
    scene.configure(inventory={"infinite": "number", "infinite_quantity": 500})
    _put(scene, "TENT", 0, infinite=True)
    scene.run("inventory")
    assert _levels(scene)["TENT"] == 500

    scene.configure(inventory={"infinite": "stop_tracking"})
    _put(scene, "LAMP", 0, infinite=True)
    scene.run("inventory")
    scene.run("inventory")

    # Of the lamp, and of the tent, whose policy has changed.
    assert scene.store_counts()["requests"]["PUT v3/catalog/products/{id}"] == 2


def test_a_quantity_that_can_not_be_right_is_rejected_and_the_others_go_on(scene: Scene) -> None:
    """A fraction of five decimals is not a quantity: one rejection; other levels are written."""
    scene.to_oms("supply", [{"item": "TENT", "location": DEPOT, "quantity": "3.14159"}])

    scene.run("inventory")

    assert list(scene.open_rejections("inventory")) == ["TENT@NetworkView"]
    assert {sku: _levels(scene)[sku] for sku in ("MUG", "LAMP")} == {"MUG": 1000, "LAMP": 1000}


def test_a_product_that_makes_no_sense_keeps_only_its_own_stock_back(scene: Scene) -> None:
    """It is a rejection, other levels are written, and it closes when the catalog is fixed."""
    scene.to_store(
        "catalog",
        [
            {
                "id": 299,
                "sku": "BAD\x01SKU",
                "name": "Odd",
                "price": "1.00",
                "inventory_tracking": "product",
            }
        ],
    )

    scene.run("inventory", first=scene.today)

    assert scene.open_rejections("inventory") == {"product 299": "catalog_item_unusable"}
    assert {sku: _levels(scene)[sku] for sku in SKUS} == dict.fromkeys(SKUS, 1000)
    scene.to_store(
        "catalog",
        [
            {
                "id": 299,
                "sku": "GOOD-SKU",
                "name": "Even",
                "price": "1.00",
                "inventory_tracking": "product",
            }
        ],
    )
    scene.run("inventory", first=scene.today)
    assert scene.open_rejections("inventory") == {}


def test_each_reading_moves_the_watermark(scene: Scene) -> None:
    """A snapshot leaves no gap: a stream that is read every minute is not late."""
    moments = [datetime.now(UTC) - timedelta(minutes=40), datetime.now(UTC) - timedelta(seconds=1)]
    for moment in moments:
        window = live_config(
            NAME, "inventory", (moment - timedelta(seconds=1)).isoformat(), moment.isoformat()
        )
        scene.run(
            "inventory", first=moment.date(), last=moment.date(), config=window, trigger="live"
        )

    assert scene.sql("SELECT watermark FROM sync.watermark WHERE stream = 'inventory'") == [
        (moments[-1],)
    ]


def test_stock_held_back_for_an_order_under_way_is_given_back_once_it_has_arrived(
    scene: Scene,
) -> None:
    """The OMS received an order whose answer was lost: later its units count once."""
    scene.place(order(1, scene.moment(), [("MUG", 2)]))
    scene.fault("manhattan", {"path": "order/save$", "kind": "drop_after"})
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    scene.run("inventory", first=scene.today)
    assert scene.store_stock()["MUG"]["quantity"] == 996
    scene.fault("manhattan")
    scene.run("orders", first=scene.yesterday)

    scene.run("inventory", first=scene.today)

    assert scene.store_stock()["MUG"]["quantity"] == 998


def test_a_level_whose_writing_was_never_confirmed_is_written_again(scene: Scene) -> None:
    """Every answer was lost, so the store's level is unknown: the level is written all the same."""
    scene.run("inventory", first=scene.today)
    _put(scene, "MUG", 900)
    scene.fault(
        "bigcommerce", {"path": "adjustments/absolute$", "method": "PUT", "kind": "drop_after"}
    )
    scene.run("inventory", first=scene.today, raise_on_error=False)
    assert scene.store_stock()["MUG"]["quantity"] == 900
    scene.fault("bigcommerce")
    _put(scene, "MUG", 1_000)

    scene.run("inventory", first=scene.today)

    assert scene.store_stock()["MUG"]["quantity"] == 1_000
    assert {state for _, _, state, _ in scene.deliveries("inventory")} <= {
        "delivered",
        "superseded",
    }
