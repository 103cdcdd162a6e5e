"""Stock: each tracked SKU shows what the policy makes of the OMS's availability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.model.life import is_withdrawn
from tests.model.promises.end import End
from tests.model.world import FACTORS


def check(end: End) -> Iterator[str]:
    """Return each SKU whose level in the store is not that of the policy."""
    world = end.life.world
    policy = world.installation.connections["acme"].inventory
    network = {
        row["ItemId"]: row for row in world.ask_oms("dump/availability") if row["view"] == "network"
    }
    waiting = _waiting(end)
    tracked = {
        variant["sku"] or product["sku"]
        for product in world.store.catalog.products.values()
        if product["inventory_tracking"] != "none"
        for variant in world.store.catalog.variants.values()
        if variant["product_id"] == product["id"]
    }
    for level in world.ask_store("dump/inventory"):
        sku = level["sku"]
        row = network.get(sku)
        if sku not in tracked or end.open.get(("inventory", sku)):
            continue
        if row is None:
            wanted = 0 if policy.missing_item == "zero" else None
        elif row["IsInfiniteAvailability"]:
            wanted = policy.infinite_quantity if policy.infinite == "number" else None
        else:
            held_back = policy.safety_stock + policy.channel_buffer + waiting[sku]
            wanted = max(0, int(row["TotalQuantity"]) // FACTORS.get(sku, 1) - held_back)
        if wanted is not None and level["quantity"] != wanted:
            yield (
                f"stock_differs: {sku}: the OMS has {row and row['TotalQuantity']}, "
                f"{waiting[sku]} wait, the store shows {level['quantity']} and not {wanted}"
            )


def _waiting(end: End) -> Counter[str]:
    """Return the units that were ordered and that the OMS does not have."""
    units: Counter[str] = Counter()
    for number, document in end.store.items():
        is_due = document["order"]["status_id"] == 11 or number in end.life.facts.seen_outgoing
        is_rejected = ("orders", str(number)) in end.open  # it is owed, and no actor has noted it
        if is_withdrawn(document) or not (is_due or is_rejected):
            continue
        if ("orders", str(number)) in end.life.facts.discarded and not is_rejected:
            continue
        held = end.oms.get(number)
        if held is not None and not end.rejections(number):
            continue
        at_oms = {line["OrderLineId"]: line for line in held["lines"]} if held else {}
        for line in document["products"]:
            known = at_oms.get(str(line["id"]), {"OrderedQuantity": 0})["OrderedQuantity"]
            unshipped = line["quantity"] - line["quantity_shipped"]
            left = line["quantity"] - min(line["quantity_refunded"], unshipped)
            units[line["sku"]] += max(0, left - int(known) // FACTORS.get(line["sku"], 1))
    return units
