"""Levels that did not change at the OMS, and mean another number in the store now."""

from __future__ import annotations

from typing import Any

import pytest

from assets.chain.run_config import live_config, unfinished_config
from sensors import requeue
from tests.assets.documents import DEPOT, NOT_AT_OMS, SKUS, line, order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=45)


def _shown(scene: Scene, *skus: str) -> Any:
    levels = {sku: level["quantity"] for sku, level in scene.store_stock().items()}
    return levels[skus[0]] if len(skus) == 1 else {sku: levels[sku] for sku in skus}


def _put(scene: Scene, sku: str, quantity: int, **more: object) -> None:
    scene.to_oms("supply", [{"item": sku, "location": DEPOT, "quantity": quantity} | more])


def _live(scene: Scene) -> None:
    """Read and deliver as a live run does: nothing that has an outcome is looked at again."""
    moment = scene.moment(scene.today, 0)
    config = live_config(NAME, "inventory", moment.isoformat(), moment.isoformat())
    scene.run("inventory", first=scene.today, config=config, trigger="live")


def _take_up(scene: Scene) -> None:
    """Do what a tick of the sensor ``unfinished`` does, and the run that it requests."""
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "test")
    with sync.ledger.session(NAME, "inventory") as session, session.writer_lock():
        requeue.make_changed_due(sync, session)
    scene.run(
        "inventory",
        first=scene.today,
        steps=["validated", "delivered"],
        config=unfinished_config(NAME, "inventory"),
        trigger=requeue.REQUEUE,
    )


def _pending(scene: Scene) -> int:
    return int(
        scene.sql("SELECT coalesce(sum(pending), 0) FROM history.lag WHERE stream = 'inventory'")[
            0
        ][0]
    )


def test_a_changed_policy_is_due_and_corrected_without_a_new_capture(scene: Scene) -> None:
    """Safety stock, a SKU's buffer and units of measure, by the sensor's tick and a live run."""
    scene.run("inventory", first=scene.today)
    captures = scene.sql("SELECT count(*) FROM sync.capture")

    scene.configure(inventory={"safety_stock": 100})
    _take_up(scene)
    assert _shown(scene, "MUG", "SHIRT-S") == {"MUG": 900, "SHIRT-S": 900}
    scene.configure(inventory={"sku_buffers": {"mug ": 7}})
    _live(scene)
    assert _shown(scene, "MUG", "SHIRT-S") == {"MUG": 993, "SHIRT-S": 1000}
    scene.configure(orders={"uom_rules": {"MUG": {"uom": "EA", "factor": 10}}})
    _live(scene)
    assert _shown(scene, "MUG") == 100

    assert scene.sql("SELECT count(*) FROM sync.capture") == captures
    assert _pending(scene) == 0


def test_a_changed_policy_reaches_levels_of_earlier_days_in_one_run(scene: Scene) -> None:
    """Levels that changed last days ago lie in the partitions of those days."""
    scene.run("inventory", first=scene.today)
    day = scene.today.replace(day=1) if scene.today.day > 1 else scene.yesterday
    for table in ("capture", "record", "stock_level"):
        scene.sql_write("SELECT sync.ensure_month(%s)", day)
        scene.sql_write(f"UPDATE sync.{table} SET source_day = %s", day)  # noqa: S608
    scene.sql_write("UPDATE sync.newest_level SET source_day = %s", day)

    scene.configure(inventory={"safety_stock": 100})
    _take_up(scene)

    assert _shown(scene, *SKUS) == dict.fromkeys(SKUS, 900)
    assert _pending(scene) == 0


def test_what_did_not_change_is_not_written_or_due_again(scene: Scene) -> None:
    """Looking for changes costs no call for a SKU, and makes nothing due."""
    scene.run("inventory", first=scene.today)
    before = scene.store_counts()["inventory_writes"]
    for _ in range(2):
        _live(scene)
        _take_up(scene)
    assert scene.store_counts()["inventory_writes"] == before
    assert _pending(scene) == 0


def test_a_changed_catalog_makes_its_levels_due(scene: Scene) -> None:
    """A product that is tracked again, and a SKU that moves to another product."""
    product = {"id": 201, "sku": "MUG", "name": "Mug", "price": "10.00"}
    scene.to_store("catalog", [product | {"inventory_tracking": "none"}])
    scene.run("inventory", first=scene.today)
    assert "MUG" not in {row["sku"] for row in scene.levels() if row["writes"]}

    scene.to_store("catalog", [product | {"inventory_tracking": "product"}])
    _live(scene)
    assert _shown(scene, "MUG") == 1000


@pytest.mark.parametrize("quantity", [0, 4, 1500])
def test_a_level_that_was_changed_by_hand_is_set_right(scene: Scene, quantity: int) -> None:
    """The catalog contradicts what was written; levels just written are given time to show.

    0 is what the catalog had before the first write, and 4 what it states until it follows.
    """
    scene.run("orders", "inventory", first=scene.today)
    scene.to_store("stock", [{"sku": "MUG", "location_id": 1, "quantity": quantity}])
    _live(scene)
    assert _shown(scene, "MUG") == quantity

    _let_levels_settle(scene)
    _live(scene)
    assert _shown(scene, "MUG", "LAMP") == {"MUG": 1000, "LAMP": 1000}
    assert scene.store_stock()["LAMP"]["writes"] == 1


def test_a_level_that_is_changed_by_hand_again_is_set_right_again(scene: Scene) -> None:
    """To the same number as before, which was looked into then."""
    scene.run("orders", "inventory", first=scene.today)
    for _ in range(2):
        _let_levels_settle(scene)
        scene.to_store("stock", [{"sku": "MUG", "location_id": 1, "quantity": 4}])
        _live(scene)
        assert _shown(scene, "MUG") == 1000


def test_a_level_that_sales_took_down_is_set_right_once_they_are_withdrawn(scene: Scene) -> None:
    """A store takes units off at the order, and may not give them back."""
    scene.to_store("settings", {"deduct_stock_on_order": True})
    scene.run("orders", "inventory", first=scene.today)
    scene.place(order(1, scene.moment(), [("MUG", 4)], status_id=7))
    scene.to_store("orders/1/status", {"status_id": 5})
    scene.to_store("stock", [{"sku": "MUG", "location_id": 1, "quantity": 996}])
    scene.run("orders")

    _let_levels_settle(scene)
    _live(scene)
    assert _shown(scene, "MUG") == 1000


def _let_levels_settle(scene: Scene) -> None:
    """Let an hour pass since the last writes, and capture the orders that came meanwhile."""
    scene.sql_write("UPDATE sync.target_state SET updated_at = now() - interval '1 hour'")
    scene.run("orders", first=scene.today)


def test_a_changed_rule_for_missing_items_counts_for_those_that_are_known(scene: Scene) -> None:
    """``zero`` instead of ``skip`` empties a level whose capture was skipped before."""
    scene.to_store("stock", [{"sku": NOT_AT_OMS, "location_id": 1, "quantity": 12}])
    scene.run("inventory", first=scene.today)
    assert _shown(scene, NOT_AT_OMS) == 12

    scene.configure(inventory={"missing_item": "zero"})
    _live(scene)
    assert _shown(scene, NOT_AT_OMS) == 0


def test_units_of_a_rejected_order_are_taken_off_until_it_ends(scene: Scene) -> None:
    """It is sold in the store, whatever keeps it from the OMS; discarded, its units are back."""
    bad = order(1, scene.moment(), [("MUG", 10), ("LAMP", 3)])
    bad["shipping_addresses"][0]["shipping_method"] = "Unmapped"
    _put(scene, "MUG", 11)
    scene.place(bad)
    scene.run("orders", first=scene.yesterday)
    assert scene.open_rejections("orders")
    scene.run("inventory", first=scene.today)
    assert _shown(scene, "MUG", "LAMP") == {"MUG": 1, "LAMP": 997}
    assert _pending(scene) == 0

    scene.sql_write("UPDATE sync.rejection SET state = 'discarded' WHERE stream = 'orders'")
    _take_up(scene)
    assert _shown(scene, "MUG", "LAMP") == {"MUG": 11, "LAMP": 1000}


def test_units_of_an_order_that_can_not_be_mapped_count_in_the_omss_unit(scene: Scene) -> None:
    """A line without a type is understood well enough to know what was sold."""
    scene.configure(orders={"uom_rules": {"MUG": {"uom": "EA", "factor": 8}}})
    odd = order(1, scene.moment(), [("MUG", 2)])
    odd["products"][0]["type"] = "mystery"
    _put(scene, "MUG", 47)
    scene.place(odd)
    scene.run("orders", first=scene.yesterday)
    assert scene.open_rejections("orders") == {"1": "consignment_unknown"}
    scene.run("inventory", first=scene.today)
    assert _shown(scene, "MUG") == 3


def test_units_of_a_withdrawn_order_are_given_back(scene: Scene) -> None:
    """Rejected, then canceled in the store before it was sent."""
    bad = order(1, scene.moment(), [("MUG", 10)])
    bad["shipping_addresses"][0]["shipping_method"] = "Unmapped"
    scene.place(bad)
    scene.run("orders", first=scene.yesterday)
    scene.run("inventory", first=scene.today)
    assert _shown(scene, "MUG") == 990

    scene.to_store("orders/1/status", {"status_id": 5})
    scene.run("orders")
    _take_up(scene)
    assert _shown(scene, "MUG") == 1000


def test_units_of_an_order_that_has_arrived_count_until_stock_was_read_after_it(
    scene: Scene,
) -> None:
    """The last level is from before the OMS reserved the units: it must not jump back."""
    scene.place(order(1, scene.moment(), [("MUG", 4)]))
    scene.run("orders", first=scene.yesterday, steps=["captured", "validated"])
    scene.run("inventory", first=scene.today)
    assert _shown(scene, "MUG") == 996
    scene.run("orders", first=scene.yesterday)
    _take_up(scene)
    assert _shown(scene, "MUG") == 996

    _live(scene)
    assert _shown(scene, "MUG") == 996
    assert scene.outcomes("inventory")["MUG@NetworkView"] == ("accepted", "unchanged")


def test_units_that_are_added_to_an_order_at_the_oms_are_taken_off(scene: Scene) -> None:
    """The OMS knows of two of the five."""
    scene.place(order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders", first=scene.yesterday)
    _live(scene)
    assert _shown(scene, "MUG") == 998
    scene.to_store("orders/1", {"products": [{"id": 101, "quantity": 5}]}, "PATCH")
    scene.run("orders", steps=["captured", "validated"])
    _take_up(scene)
    assert _shown(scene, "MUG") == 995


@pytest.mark.parametrize(("units", "rejections"), [(1, {}), (3, {"1": "line_not_eligible"})])
def test_what_the_oms_took_of_a_change_is_not_taken_off_again(
    scene: Scene, units: int, rejections: dict[str, str]
) -> None:
    """A line that is added to an order which the OMS has canceled: it takes the line.

    Whether the canceled line is to have fewer units, which changes nothing, or more.
    """
    scene.place(order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders", first=scene.yesterday)
    scene.to_oms("orders/1/cancel", {"reason": {"ReasonId": "Out Of Stock"}})
    added = line(102, "LAMP", 3)
    del added["id"]
    change = {"products": [{"id": 101, "quantity": units}, added]}
    scene.to_store("orders/1", change, "PATCH")
    scene.run("orders")
    assert scene.open_rejections("orders") == rejections
    _live(scene)
    # A unit more of what the OMS has canceled is refused, and so is still sold.
    assert _shown(scene, "MUG", "LAMP") == {"MUG": 1000 - max(0, units - 2), "LAMP": 997}


@pytest.mark.parametrize("shipped", ["101", "102"])
def test_of_a_change_in_part_only_what_was_refused_is_taken_off(scene: Scene, shipped: str) -> None:
    """A line has left the OMS, and its order is released: neither line takes more units."""
    scene.place(order(1, scene.moment(), [("MUG", 2), ("LAMP", 2)]))
    scene.run("orders", first=scene.yesterday)
    scene.to_oms("orders/1/ship", {"lines": [{"line": shipped, "quantity": 2}]})
    change = {"products": [{"id": 101, "quantity": 5}, {"id": 102, "quantity": 5}]}
    scene.to_store("orders/1", change, "PATCH")
    scene.run("orders")
    assert scene.open_rejections("orders") == {"1": "line_not_eligible"}
    _live(scene)
    assert _shown(scene, "MUG", "LAMP") == {"MUG": 995, "LAMP": 995}
