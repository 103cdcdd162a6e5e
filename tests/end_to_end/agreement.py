"""Agreement of store and OMS by their own data, with nothing left open in the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.assets.documents import SKUS, total_of
from tests.assets.scene import Json, Scene


def assert_orders_once(scene: Scene, documents: Sequence[Json]) -> None:
    """Every order is at the OMS, created once, with the store's lines, units and total."""
    held = scene.oms_orders()
    assert sorted(held) == sorted(str(document["id"]) for document in documents)
    for document in documents:
        at_oms = held[str(document["id"])]
        assert at_oms["creates"] == 1, document["id"]
        assert Decimal(at_oms["saved_total"]) == total_of(document), document["id"]
        bought = {
            str(entry["id"]): (entry["sku"], entry["quantity"]) for entry in document["products"]
        }
        assert {
            row["OrderLineId"]: (row["ItemId"], row["OrderedQuantity"]) for row in at_oms["lines"]
        } == bought


def assert_shipments_once(scene: Scene) -> None:
    """Every parcel of the OMS is exactly one shipment at the store, with number and units."""
    at_store = Counter(
        (
            str(row["order_id"]),
            row["tracking_number"],
            tuple(sorted((str(i["order_product_id"]), i["quantity"]) for i in row["items"])),
        )
        for row in scene.store_shipments()
    )
    at_oms = Counter(
        (
            number,
            package["TrackingNumber"],
            tuple(sorted((entry["OrderLineId"], entry["Quantity"]) for entry in package["lines"])),
        )
        for number, order in scene.oms_orders().items()
        for package in order["packages"]
    )
    assert at_store == at_oms


def assert_stock_right(scene: Scene) -> None:
    """Every tracked SKU shows at the store what the OMS's network view has available."""
    rows: Any = scene.to_oms("dump/availability", None, "GET")  # a list, where others are objects
    available = {row["ItemId"]: row["TotalQuantity"] for row in rows if row["view"] == "network"}
    assert {sku: scene.store_stock()[sku]["quantity"] for sku in SKUS} == {
        sku: available[sku] for sku in SKUS
    }


def assert_nothing_open(scene: Scene, *streams: str) -> None:
    """No delivery is open, no record due or rejected, and every capture has an outcome."""
    for stream in streams:
        assert [
            d
            for d in scene.deliveries(stream)
            if d[2] not in ("delivered", "requested", "superseded")
        ] == []
        assert scene.open_rejections(stream) == {}
    assert (
        scene.sql(
            "SELECT stream, source_day, pending, unvalidated FROM history.daily_summary "
            "WHERE pending > 0 OR unvalidated > 0"
        )
        == []
    )
