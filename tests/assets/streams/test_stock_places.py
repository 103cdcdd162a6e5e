"""Stock of several nodes, of items without limit, and of rows that vanish."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from assets.chain.run_config import live_config
from resources.ledger.deliveries.deliveries import Deliveries
from resources.ledger.monitoring.activation import pause, resume
from tests.assets.documents import DEPOT, PRODUCTS, order
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=25)
BY_NODE: dict[str, Any] = {"mode": "by_node", "nodes": {DEPOT: "default"}}
TWO_NODES: dict[str, Any] = {"mode": "by_node", "nodes": {DEPOT: "default", "DC2": "default"}}


def _shown(scene: Scene, *skus: str) -> Any:
    levels = {sku: level["quantity"] for sku, level in scene.store_stock().items()}
    return levels[skus[0]] if len(skus) == 1 else {sku: levels[sku] for sku in skus}


def _put(scene: Scene, sku: str, quantity: int, node: str = DEPOT, **more: object) -> None:
    scene.to_oms("supply", [{"item": sku, "location": node, "quantity": quantity} | more])


def _live(scene: Scene) -> None:
    moment = scene.moment(scene.today, 0)
    config = live_config(NAME, "inventory", moment.isoformat(), moment.isoformat())
    scene.run("inventory", first=scene.today, config=config, trigger="live")


def _tracking(scene: Scene, product: int) -> str:
    (row,) = scene.sql(
        "SELECT DISTINCT tracking FROM sync.item WHERE side = 'store' AND parent_id = %s",
        str(product),
    )
    return str(row[0])


def test_nodes_of_one_location_are_added_up(scene: Scene) -> None:
    """Whichever of them changes, the location shows the sum, less the buffer once."""
    scene.to_oms("locations", [{"LocationId": "DC2", "LocationTypeId": "DC"}])
    scene.configure(inventory=TWO_NODES | {"safety_stock": 5})
    _put(scene, "MUG", 30)
    _put(scene, "MUG", 12, "DC2")
    _live(scene)
    assert _shown(scene, "MUG") == 37

    _put(scene, "MUG", 2, "DC2")
    _live(scene)
    assert _shown(scene, "MUG") == 27
    _put(scene, "MUG", 0)
    _live(scene)
    assert _shown(scene, "MUG") == 0
    assert drifts_of(look(scene)) == []


def test_a_drift_of_a_shared_location_is_repaired_to_the_sum(scene: Scene) -> None:
    """Reconciliation uses the plan of delivery."""
    scene.to_oms("locations", [{"LocationId": "DC2", "LocationTypeId": "DC"}])
    scene.configure(inventory=TWO_NODES)
    _put(scene, "MUG", 30)
    _put(scene, "MUG", 12, "DC2")
    scene.run("orders", "inventory")
    scene.to_store("stock", [{"sku": "MUG", "location_id": 1, "quantity": 30}])
    assert drifts_of(look(scene, repair=True)) == [("differs", "stock", "MUG@1", "quantity", True)]
    scene.run("inventory")
    assert _shown(scene, "MUG") == 42


@pytest.mark.parametrize("places", [{"mode": "aggregate"}, BY_NODE], ids=["network", "by node"])
@pytest.mark.parametrize(("rule", "left"), [("zero", 0), ("skip", 30)])
def test_a_row_that_vanishes_follows_the_rule_for_missing_items(
    scene: Scene, rule: str, left: int, places: dict[str, Any]
) -> None:
    """An item that has left the item master, or is not eligible at the location any more."""
    scene.configure(inventory=places | {"missing_item": rule})
    _put(scene, "MUG", 30)
    scene.run("orders", "inventory")
    assert _shown(scene, "MUG") == 30

    scene.to_oms("supply", [{"item": "MUG", "location": DEPOT, "quantity": None}])
    if places is not BY_NODE:
        scene.to_oms("items/remove", ["MUG"])
    _live(scene)
    assert _shown(scene, "MUG") == left
    assert drifts_of(look(scene)) == []

    if places is not BY_NODE:
        scene.to_oms("items", [{"ItemId": "MUG", "Description": "Mug", "BaseUOM": "EA"}])
    _put(scene, "MUG", 30)
    _live(scene)
    assert _shown(scene, "MUG") == 30


def test_a_node_whose_row_vanishes_counts_no_more(scene: Scene) -> None:
    """Its location shows what the other node has."""
    scene.to_oms("locations", [{"LocationId": "DC2", "LocationTypeId": "DC"}])
    scene.configure(inventory=TWO_NODES)
    _put(scene, "MUG", 30)
    _put(scene, "MUG", 12, "DC2")
    _live(scene)
    scene.to_oms("supply", [{"item": "MUG", "location": "DC2", "quantity": None}])
    _live(scene)
    assert _shown(scene, "MUG") == 30


def test_an_item_is_tracked_again_once_it_has_a_number(scene: Scene) -> None:
    """At the level it was tracked at, and with its number."""
    scene.configure(inventory={"infinite": "stop_tracking"})
    _put(scene, "TENT", 0, infinite=True)
    _live(scene)
    assert _tracking(scene, 203) == "none"
    _live(scene)

    _put(scene, "TENT", 9, infinite=False)
    _live(scene)
    assert (_tracking(scene, 203), _shown(scene, "TENT")) == ("product", 9)
    assert scene.store_counts()["requests"]["PUT v3/catalog/products/{id}"] == 2


def test_a_variant_without_limit_leaves_its_product_tracked(scene: Scene) -> None:
    """The other variants keep their levels; it shows a high number, with a warning."""
    scene.configure(inventory={"infinite": "stop_tracking", "infinite_quantity": 500})
    _put(scene, "SHIRT-S", 0, infinite=True)
    _live(scene)
    assert _tracking(scene, 204) == "variant"
    assert _shown(scene, "SHIRT-S", "SHIRT-M") == {"SHIRT-S": 500, "SHIRT-M": 1000}
    (code,) = scene.sql(
        "SELECT warnings -> 0 ->> 'code' FROM sync.record WHERE source_id LIKE 'SHIRT-S@%%'"
    )
    assert code == ("infinite_as_number",)

    _put(scene, "SHIRT-S", 3, infinite=False)
    _live(scene)
    assert _shown(scene, "SHIRT-S") == 3


def test_tracking_that_the_merchant_switched_off_stays_off(scene: Scene) -> None:
    """Only what Lockstep has switched off is switched on again."""
    scene.to_store("catalog", [PRODUCTS[2] | {"inventory_tracking": "none"}])
    scene.configure(inventory={"infinite": "stop_tracking"})
    _put(scene, "TENT", 0, infinite=True)
    _live(scene)
    _put(scene, "TENT", 9, infinite=False)
    _live(scene)
    assert _tracking(scene, 203) == "none"
    assert "PUT v3/catalog/products/{id}" not in scene.store_counts()["requests"]


def test_negative_availability_shows_as_zero(scene: Scene) -> None:
    """More was sold than there is: the old number must not stay."""
    _live(scene)
    _put(scene, "MUG", 0, stated=-4)
    _live(scene)
    assert _shown(scene, "MUG") == 0
    assert scene.open_rejections("inventory") == {}
    ((code,),) = scene.sql(
        "SELECT warnings -> 0 ->> 'code' FROM sync.record WHERE warnings IS NOT NULL"
    )
    assert code == "quantity_negative"


def test_a_sku_that_is_spelled_otherwise_at_the_oms_is_the_same(scene: Scene) -> None:
    """The store's Cup-1 is the OMS's CUP-1: for its level, its buffer, its orders and drifts."""
    scene.to_store(
        "catalog",
        [{"id": 301, "sku": "Cup-1", "name": "Cup", "inventory_tracking": "product"}],
    )
    scene.to_oms("settings", {"ignore_case": True})
    scene.configure(inventory={"sku_buffers": {"cup-1": 1}})
    _put(scene, "CUP-1", 6)
    scene.place(order(1, scene.moment(), [("Cup-1", 2)]))
    scene.run("orders", "inventory")
    assert scene.open_rejections("orders") == {"1": "sku_unknown"}
    assert _shown(scene, "Cup-1") == 3
    assert drifts_of(look(scene)) == []


def test_a_product_of_one_variant_goes_by_the_variants_sku(scene: Scene) -> None:
    """Orders name the variant, so its stock must have the same name."""
    variant = {"id": 3021, "sku": "BOWL-BLUE"}
    product = {"id": 302, "sku": "BOWL", "name": "Bowl", "variants": [variant]}
    scene.to_store("catalog", [product | {"inventory_tracking": "variant"}])
    _put(scene, "BOWL-BLUE", 8)
    _live(scene)
    assert _shown(scene, "BOWL-BLUE") == 8


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        ({"mode": "by_node", "nodes": {DEPOT: "default"}}, {1: 30, 7: 12}),
        ({"mode": "by_node", "nodes": {DEPOT: "default", "DC2": "WEST"}}, {1: 30, 7: 12, 8: 12}),
        ({"mode": "aggregate"}, {1: 42, 7: 12}),
    ],
    ids=["node removed", "node moved", "one number"],
)
def test_units_at_a_location_that_no_node_feeds_any_more_are_a_drift(
    scene: Scene, policy: dict[str, Any], left: dict[int, int]
) -> None:
    """The store would sell them twice; an operator sets them to 0, which ends the drift."""
    places = [{"id": n, "code": code, "label": code} for n, code in ((7, "EAST"), (8, "WEST"))]
    scene.to_store("locations", places)
    scene.to_oms("locations", [{"LocationId": "DC2", "LocationTypeId": "DC"}])
    scene.configure(inventory={"mode": "by_node", "nodes": {DEPOT: "default", "DC2": "EAST"}})
    _put(scene, "MUG", 30)
    _put(scene, "MUG", 12, "DC2")
    scene.run("orders", "inventory")
    assert drifts_of(look(scene)) == []
    scene.configure(inventory=policy)
    _live(scene)
    levels = {r["location_id"]: r["quantity"] for r in scene.levels() if r["sku"] == "MUG"}
    assert levels == left

    found = [("missing_at_source", "stock", "MUG@7", "location", False)]
    assert drifts_of(look(scene, repair=True)) == found
    scene.to_store("stock", [{"sku": "MUG", "location_id": 7, "quantity": 0}])
    assert drifts_of(look(scene)) == []
    assert scene.sql("SELECT count(*) FROM history.drifts WHERE state = 'open'") == [(0,)]


def test_units_of_a_node_that_the_oms_no_longer_has_are_a_drift(scene: Scene) -> None:
    """It was closed or renamed at the OMS: what its location shows is not there any more."""
    scene.to_store("locations", [{"id": 7, "code": "EAST", "label": "East"}])
    scene.to_oms("locations", [{"LocationId": "DC2", "LocationTypeId": "DC"}])
    nodes = {DEPOT: "default", "DC2": "EAST"}
    scene.configure(inventory={"mode": "by_node", "nodes": nodes})
    for sku in ("MUG", "LAMP"):
        _put(scene, sku, 12, "DC2")
    scene.run("orders", "inventory")
    _put(scene, "LAMP", 0, "DC2")
    scene.to_oms("supply", [{"item": "MUG", "location": "DC2", "quantity": None}])
    _live(scene)
    assert drifts_of(look(scene)) == [], "a single row is a matter of missing_item"

    scene.to_oms("supply", [{"item": "LAMP", "location": "DC2", "quantity": None}])
    _live(scene)
    found = [("missing_at_source", "stock", "MUG@7", "location", False)]
    assert drifts_of(look(scene, repair=True)) == found, "LAMP shows no units"
    scene.configure(inventory={"mode": "by_node", "nodes": nodes, "missing_item": "zero"})
    _live(scene)
    assert drifts_of(look(scene)) == []
    scene.configure(inventory={"mode": "by_node", "nodes": nodes})
    _put(scene, "MUG", 5, "DC2")
    _live(scene)
    assert {r["location_id"]: r["quantity"] for r in scene.levels() if r["sku"] == "MUG"}[7] == 5
    assert drifts_of(look(scene)) == []


@pytest.mark.parametrize("repair", ["setting", "store"])
def test_a_location_that_the_store_does_not_have_is_a_rejection_until_it_does(
    scene: Scene, repair: str
) -> None:
    """It was renamed or removed there, or misspelled in the settings; the others go on."""
    scene.to_store("locations", [{"id": 7, "code": "EAST", "label": "East"}])
    scene.to_oms("locations", [{"LocationId": "DC2", "LocationTypeId": "DC"}])
    nodes = {DEPOT: "default", "DC2": "EAST"}
    scene.configure(inventory={"mode": "by_node", "nodes": nodes})
    _put(scene, "MUG", 12, "DC2")
    _live(scene)
    scene.to_store("locations", [{"id": 7, "code": "WEST", "label": "West"}])
    _put(scene, "MUG", 9, "DC2")
    _put(scene, "MUG", 500)
    _live(scene)

    def mugs() -> dict[int, int]:
        return {r["location_id"]: r["quantity"] for r in scene.levels() if r["sku"] == "MUG"}

    assert scene.open_rejections("inventory") == {"MUG@DC2": "location_unknown"}
    assert mugs() == {1: 500, 7: 12}
    [(message,)] = scene.sql("SELECT message FROM history.rejections")
    assert "no location with the code EAST, where the stock of the OMS's DC2" in message

    if repair == "setting":
        scene.configure(inventory={"mode": "by_node", "nodes": nodes | {"DC2": "WEST"}})
    else:
        scene.to_store("locations", [{"id": 7, "code": "EAST", "label": "East"}])
    _live(scene)
    assert mugs() == {1: 500, 7: 9}
    assert scene.open_rejections("inventory") == {}


def test_variants_that_swap_their_skus_show_the_levels_of_their_skus(scene: Scene) -> None:
    """No list of the store states what they hold at another than its default location."""
    scene.to_store("locations", [{"id": 7, "code": "EAST", "label": "East"}])
    scene.configure(inventory={"mode": "by_node", "nodes": {DEPOT: "EAST"}})
    _put(scene, "SHIRT-S", 30)
    _put(scene, "SHIRT-M", 12)
    _live(scene)
    [shirt] = [product for product in PRODUCTS if product["sku"] == "SHIRT"]
    for first, second in (("SHIRT-X", "SHIRT-Y"), ("SHIRT-M", "SHIRT-S")):
        variants = [{"id": 2041, "sku": first}, {"id": 2042, "sku": second}]
        scene.to_store("catalog", [shirt | {"variants": variants}])
    _live(scene)
    held = {r["sku"]: r["quantity"] for r in scene.levels() if r["location_id"] == 7}
    assert (held["SHIRT-S"], held["SHIRT-M"]) == (30, 12)
    writes = scene.store_counts()["inventory_writes"]
    _live(scene)
    assert scene.store_counts()["inventory_writes"] == writes


def test_a_location_that_shows_the_stock_again_is_read_before(scene: Scene) -> None:
    """Someone has set it to 0 while another one did, as the reconciliation asks for."""
    places = [{"id": n, "code": code, "label": code} for n, code in ((7, "EAST"), (8, "WEST"))]
    scene.to_store("locations", places)
    _put(scene, "MUG", 30)
    for code in ("EAST", "WEST"):
        scene.configure(inventory={"mode": "by_node", "nodes": {DEPOT: code}})
        _live(scene)
    scene.to_store("stock", [{"sku": "MUG", "location_id": 7, "quantity": 0}])
    scene.configure(inventory={"mode": "by_node", "nodes": {DEPOT: "EAST"}})
    writes = scene.store_counts()["inventory_writes"]
    _live(scene)
    held = {r["location_id"]: r["quantity"] for r in scene.levels() if r["sku"] == "MUG"}
    assert held[7] == 30
    assert scene.store_counts()["inventory_writes"] == writes + 1, "the others are as they were"


def test_stock_that_was_entered_during_a_pause_is_replaced_after_it(scene: Scene) -> None:
    """The OMS's level is the same as before the pause, and no list of the store shows it."""
    scene.to_store("locations", [{"id": 7, "code": "EAST", "label": "East"}])
    scene.configure(inventory={"mode": "by_node", "nodes": {DEPOT: "EAST"}})
    _live(scene)
    with psycopg.connect(scene.database, autocommit=True) as db:
        pause(db, NAME, ("inventory",), "ann", "stocktaking")
        scene.to_store("stock", [{"sku": "MUG", "location_id": 7, "quantity": 3}])
        resume(db, NAME, ("inventory",), "ann")
    writes = scene.store_counts()["inventory_writes"]
    _live(scene)
    assert {r["quantity"] for r in scene.levels() if r["sku"] == "MUG"} == {1_000}
    assert scene.store_counts()["inventory_writes"] == writes + 1


def test_stock_that_was_entered_while_a_run_compared_levels_is_replaced(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream is resumed, paused, and resumed again before the run has ended that compares."""
    scene.to_store("locations", [{"id": 7, "code": "EAST", "label": "East"}])
    scene.configure(inventory={"mode": "by_node", "nodes": {DEPOT: "EAST"}})
    _live(scene)
    original, waiting = Deliveries.put_targets, list[threading.Thread]()

    def change() -> None:
        with psycopg.connect(scene.database, autocommit=True) as db:
            pause(db, NAME, ("inventory",), "ann", "stocktaking")
            scene.to_store("stock", [{"sku": "MUG", "location_id": 7, "quantity": 3}])
            resume(db, NAME, ("inventory",), "ann")

    def put(self: Deliveries, rows: Any) -> None:
        if not waiting:  # the levels have been read, and this is not noted yet
            waiting.append(threading.Thread(target=change))
            waiting[0].start()
            waiting[0].join(2)
        original(self, rows)

    with psycopg.connect(scene.database, autocommit=True) as db:
        pause(db, NAME, ("inventory",), "ann", "stocktaking")
        resume(db, NAME, ("inventory",), "ann")
    monkeypatch.setattr(Deliveries, "put_targets", put)
    _live(scene)
    waiting[0].join(60)
    _live(scene)
    assert {r["quantity"] for r in scene.levels() if r["sku"] == "MUG"} == {1_000}


def test_stock_that_was_entered_while_its_stream_was_not_configured_is_replaced(
    scene: Scene,
) -> None:
    """As after a pause: the OMS's level is the same as before."""
    scene.to_store("locations", [{"id": 7, "code": "EAST", "label": "East"}])
    places = {"mode": "by_node", "nodes": {DEPOT: "EAST"}}
    scene.configure(inventory=places)
    _live(scene)
    scene.configure(inventory=places, streams=["orders", "shipments"])
    scene.run("orders")
    scene.to_store("stock", [{"sku": "MUG", "location_id": 7, "quantity": 3}])
    scene.configure(inventory=places)
    writes = scene.store_counts()["inventory_writes"]
    for _ in range(2):
        _live(scene)
        assert {r["quantity"] for r in scene.levels() if r["sku"] == "MUG"} == {1_000}
        assert scene.store_counts()["inventory_writes"] == writes + 1
