"""The promises between any two systems, by what each truly holds (sandbox/kit/truth.py).

They say less than those of the other modules here, which know both systems' documents, and hold for
every pair: an order is at the OMS once with its units or an open rejection says why not, what was
withdrawn is not shipped any more, units and tracking numbers are shown, levels agree, and nothing
is left open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.assets import documents
from tests.model.life import Life
from tests.model.promises.both import Both, both, shipped_by_sku
from tests.model.promises.channels import is_left_out
from tests.model.promises.end import UNSETTLED
from tests.model.promises.shipments import MISSING
from tests.model.promises.stock import is_missing, tracked_skus

Json = dict[str, Any]
UNLIMITED = 999_000
"""What Manhattan states of an item that is sold without a limit, and more."""
UNVALIDATED = """SELECT c.stream, c.source_id FROM sync.capture c WHERE NOT EXISTS (
    SELECT FROM sync.record r WHERE r.stream = c.stream AND r.connection = c.connection
    AND r.source_day = c.source_day AND r.capture_id = c.capture_id)"""


def check(life: Life) -> Iterator[str]:
    """Return a line for each promise that the program's end breaks."""
    found = both(life)
    for number in found.twice:
        yield f"order_doubled: the OMS has {number} twice"
    for number, held in sorted(found.oms.items()):
        if held["creates"] > 1:
            yield f"order_doubled: {number} was created {held['creates']} times"
        if number not in found.store:
            yield f"order_invented: {number} is at the OMS and not in the store"
    for number, order in sorted(found.store.items()):
        if is_left_out(life, int(number)):
            continue
        if number in found.oms:
            yield from _held(found, number, order, found.oms[number])
            yield from _shipped(found, number, order, found.oms[number])
        else:
            yield from _missing(found, number, order)
    yield from _stock(found)
    yield from _ledger(found)


def canceled_again(life: Life) -> Iterator[str]:
    """Return each order that the store had opened again, and that is canceled once more."""
    for order in life.world.ask_store("truth")["orders"]:
        number = int(order["number"])
        is_late = any(order["id"] in path for path in life.world.wire.late_paths)
        if number not in life.facts.reopened or life.facts.has_asked(number) or is_late:
            continue
        if order["canceled"]:
            yield f"canceled_again: {number} was opened again in the store"


def _is_shipped_by_hand(found: Both, number: str) -> bool:
    """Return whether units were refunded that the merchant had shipped: a return, no withdrawal."""
    is_by_hand = any(str(order) == number for order, _ in found.life.facts.by_hand)
    return is_by_hand and "refund_all" in found.life.happened[int(number)]


def _missing(found: Both, number: str, order: Json) -> Iterator[str]:
    reasons = found.reasons(number)
    if order["canceled"]:
        if reasons:
            yield f"rejection_stale: {number} was withdrawn, and {reasons} is still open"
    elif order["awaits_fulfilment"] and not reasons and not found.is_discarded("orders", number):
        yield f"order_lost: {number} is not at the OMS, and no rejection says why"


def _held(found: Both, number: str, order: Json, held: Json) -> Iterator[str]:
    if found.reasons(number) or found.is_discarded("orders", number):
        return
    if order["canceled"]:
        left = ordered_at_oms(held) - shipped_by_sku(held)
        is_asked = _is_asked(found, number) or _is_shipped_by_hand(found, number)
        if not held["canceled"] and +left and not is_asked:
            yield f"cancel_lost: {number} was withdrawn in the store, and the OMS still ships it"
        return
    if held["canceled"]:
        if order["awaits_fulfilment"]:
            yield f"cancel_hidden: {number} is canceled at the OMS and waits in the store"
        return
    wanted, units = ordered(found.life, order), ordered_at_oms(held)
    facts = found.life.facts
    is_changed_there = int(number) in facts.canceled_at_oms or facts.has_asked(int(number))
    alike = (wanted, _corrected(found.life, order, wanted))
    if units not in alike and order["awaits_fulfilment"] and not is_changed_there:
        yield f"order_differs: {number}: the store has {dict(wanted)}, the OMS {dict(units)}"


def _is_asked(found: Both, number: str) -> bool:
    """Return whether the OMS has taken a cancellation as a request, and has not answered yet."""
    source_id = found.store[number]["id"]
    query = "SELECT 1 FROM sync.delivery WHERE state = 'requested' AND source_id = %s"
    return bool(found.life.world.database.rows(query, source_id))


def ordered(life: Life, order: Json) -> Counter[str]:
    """Return SKU -> units of a store's order that the OMS should have, in the OMS's units."""
    units: Counter[str] = Counter()
    number = int(order["number"])
    for line in order["lines"]:
        units[line["sku"]] += int(line["quantity"]) * life.world.factor(line["sku"], number)
    return +units


def _corrected(life: Life, order: Json, units: Counter[str]) -> Counter[str]:
    """Return units by the SKUs under which an operator has sent them, if any were corrected."""
    found: Counter[str] = Counter()
    for sku, number in units.items():
        found[life.as_sent(int(order["number"]), sku)] += number
    return found


def ordered_at_oms(held: Json) -> Counter[str]:
    """Return SKU -> units of an order at the OMS, which has no downloads."""
    units: Counter[str] = Counter()
    for line in held["lines"]:
        units[line["sku"]] += int(line["quantity"])
    return +units


def _shipped(found: Both, number: str, order: Json, held: Json) -> Iterator[str]:
    if MISSING in found.open["shipments", number]:
        yield f"units_lost: {number}: {MISSING}"
    if found.open["shipments", number] or found.is_discarded("shipments", number):
        return
    gone, shown = shipped_by_sku(held), shipped_by_sku(order)
    for sku in gone:
        gone[sku] //= found.life.world.factor(sku, int(number))
    if gone != shown:
        shown = _corrected(found.life, order, shown)
    is_by_hand = any(name == int(number) for name, _ in found.life.facts.by_hand)
    if +gone != shown and not is_by_hand:
        yield f"units_differ: {number}: the OMS shipped {dict(+gone)}, the store {dict(shown)}"
    numbers = {parcel["tracking"] for parcel in order["parcels"]}
    for parcel in held["parcels"]:
        if parcel["tracking"] and parcel["tracking"] not in numbers:
            yield f"tracking_lost: {number}: {parcel['tracking']} is not in {sorted(numbers)}"


def _stock(found: Both) -> Iterator[str]:
    policy = found.life.world.installation.connections["acme"].inventory
    waiting: Counter[str] = Counter()
    unsure = {
        found.life.as_sent(number, line["sku"])
        for number in found.life.facts.left_out | found.life.facts.corrected
        for line in found.store[str(number)]["lines"]
    }
    for number, order in found.store.items():
        reasons = found.reasons(number)
        if order["canceled"] or (number in found.oms and not reasons):
            continue
        if number in found.oms and not order["awaits_fulfilment"]:
            # What has changed since its status moved on is not sent, so that it is not known which
            # of its versions waits. One that was opened again is an operator's to decide.
            unsure |= {line["sku"] for line in order["lines"]}
            continue
        is_canceled = number in found.oms and found.oms[number]["canceled"]
        if is_canceled and not found.open["orders", number]:
            continue
        is_owed = order["awaits_fulfilment"] and not found.is_discarded("orders", number)
        if not is_owed and not reasons:
            continue
        # The OMS keeps no units of an order that it has canceled and the store has opened again.
        is_held = number in found.oms and not is_canceled
        held = ordered_at_oms(found.oms[number]) if is_held else Counter()
        waiting += ordered(found.life, order) - held
    tracked = found.levels.keys() & _tracked(found.life) - _kept(found, policy.missing_item)
    for sku, units in sorted(found.available.items()):
        if sku not in tracked or found.open["inventory", sku] or units >= UNLIMITED:
            continue
        if sku in unsure or sku in found.life.facts.units_changed:
            continue
        held_back = policy.safety_stock + policy.channel_buffer
        left = (units - waiting[sku]) // found.life.world.factor(sku)
        wanted = max(0, left - held_back)
        if found.levels[sku] != wanted:
            yield (
                f"stock_differs: {sku}: the OMS has {units}, {waiting[sku]} wait, "
                f"the store shows {found.levels[sku]} and not {wanted}"
            )


def _kept(found: Both, policy: str) -> set[str]:
    """Return the SKUs whose levels stay as they were, since the OMS does not have their items."""
    if policy != "skip":
        return set()
    return {sku for sku, units in found.available.items() if is_missing(found.life, sku, units)}


def _tracked(life: Life) -> set[str]:
    """Return the SKUs whose stock the store counts."""
    return tracked_skus(life) if life.world.pair.store == "bigcommerce" else set(documents.SKUS)


def _ledger(found: Both) -> Iterator[str]:
    world = found.life.world
    numbers = {order["id"]: number for number, order in found.store.items()}
    for stream, source_id, action, state, is_uncertain in world.database.rows(UNSETTLED):
        name = numbers.get(source_id, source_id)
        is_left = found.open[stream, name] or found.is_discarded(stream, name)
        if state == "requested" or (state in ("dead", "failed") and is_left):
            continue
        doubt = ", uncertain" if is_uncertain else ""
        yield f"delivery_open: {stream} {source_id} {action} is {state}{doubt}"
    for stream, source_id in world.database.rows(UNVALIDATED):
        yield f"capture_without_outcome: {stream} {source_id}"
    failing = "SELECT stream, delivery_error FROM sync.watermark WHERE failing_since IS NOT NULL"
    for stream, error in world.database.rows(failing):
        yield f"failing_shown: {stream} is shown as failing when all works: {error}"
