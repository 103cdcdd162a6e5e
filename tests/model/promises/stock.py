"""Stock: each tracked SKU shows what the policy makes of the OMS's availability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from tests.model.life import SENT_ON, Json, Life, is_withdrawn
from tests.model.promises.end import End


def check(end: End) -> Iterator[str]:
    """Return each SKU whose level in the store is not that of the policy."""
    world = end.life.world
    policy = world.installation.connections["acme"].inventory
    network = {
        row["ItemId"]: row for row in world.ask_oms("dump/availability") if row["view"] == "network"
    }
    waiting = _waiting(end)
    tracked = tracked_skus(end.life)
    unsure = _unsure(end)
    for level in world.ask_store("dump/inventory"):
        sku = level["sku"]
        row = network.get(sku)
        if sku not in tracked or end.open.get(("inventory", sku)):
            continue
        if sku in unsure:
            continue
        if row is not None and row["IsInfiniteAvailability"]:
            wanted = policy.infinite_quantity if policy.infinite == "number" else None
        elif row is None or is_missing(end.life, sku, int(row["TotalQuantity"])):
            wanted = 0 if policy.missing_item == "zero" else None
        else:
            left = int(row["TotalQuantity"]) - waiting[sku]
            held_back = policy.safety_stock + policy.channel_buffer
            wanted = max(0, left // world.factor(sku) - held_back)
        if wanted is not None and level["quantity"] != wanted:
            yield (
                f"stock_differs: {sku}: the OMS has {row and row['TotalQuantity']}, "
                f"{waiting[sku]} wait, the store shows {level['quantity']} and not {wanted}"
            )


def is_missing(life: Life, sku: str, units: int) -> bool:
    """Return whether a row of nothing is of an item that the OMS's item master does not have.

    Manhattan has such a row for any item that it does not know (``inventory.missing_item``).
    """
    if life.world.pair.oms != "manhattan" or units:
        return False
    return sku not in {item["ItemId"] for item in life.world.ask_oms("items")["items"]}


def _unsure(end: End) -> set[str]:
    """Return the SKUs of which the documents leave open how many units the store shows.

    An item's unit is remembered for a while; an order of a channel that was not served may
    wait, and so may one whose correction holds for one of its versions only;
    and whether units that an agent has canceled come back with a refused change of the store is
    an operator's to decide.
    """
    facts = end.life.facts
    open_ones = {
        number for number in end.store if facts.has_asked(number) and end.rejections(number)
    }
    lines = [
        end.life.as_sent(number, line["sku"])
        for number in facts.left_out | open_ones | facts.corrected
        for line in end.store[number]["products"]
    ]
    return facts.units_changed | {*lines}


def tracked_skus(life: Life) -> set[str]:
    """Return the SKUs whose stock a BigCommerce store counts."""
    catalog = life.world.store.catalog
    return {
        variant["sku"] or product["sku"]
        for product in catalog.products.values()
        if product["inventory_tracking"] != "none"
        for variant in catalog.variants.values()
        if variant["product_id"] == product["id"]
    }


def _waiting(end: End) -> Counter[str]:
    """Return the units that were ordered and that the OMS does not have, in its own."""
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
        is_canceled = held is not None and held["canceled"]
        if is_canceled and not is_rejected:
            continue
        known: Counter[str] = Counter()
        for line in held["lines"] if held and not is_canceled else ():
            known[line["ItemId"]] += line["OrderedQuantity"]
        factor = partial(end.life.world.factor, number=number)
        wanted = _wanted(end, number, document, is_held=held is not None)
        for sku, ordered in wanted.items():  # of one SKU, a line's units are as good as another's
            units[sku] += max(0, ordered * factor(sku) - int(known[sku]))
    return units


def _wanted(end: End, number: int, document: Json, *, is_held: bool) -> Counter[str]:
    """Return by SKU the units that an order should have at the OMS.

    Of one that is there, what has changed since its status moved on is not sent, and is taken off
    as long as it is a rejection.
    """
    units: Counter[str] = Counter()
    contents = end.life.facts.wanted.get(number)
    is_reported = "change_not_sent" in end.rejections(number)  # then its units are taken off
    if is_held and contents and document["order"]["status_id"] not in SENT_ON and not is_reported:
        for sku, quantity in contents[-1]["units"].values():
            units[sku] += quantity
        return units
    for line in document["products"]:
        unshipped = line["quantity"] - line["quantity_shipped"]
        units[line["sku"]] += line["quantity"] - min(line["quantity_refunded"], unshipped)
    return units
