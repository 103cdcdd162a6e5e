"""Shipments: a unit that the OMS shipped is shipped in the store once, and statuses agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from tests.model.promises.end import End

Json = dict[str, Any]
KEPT = (12, 13, 4)
"""Statuses that a merchant sets and that say something else than fulfilment."""
FINAL = (5, 6, 4)
BY_REFUNDS = (4, 14)
MISSING = "shipped_units_missing"


def check(end: End) -> Iterator[str]:
    """Return each order whose units, parcels or status differ between the systems."""
    for number, held in sorted(end.oms.items()):
        document = end.store.get(number)
        if number in end.life.facts.forgotten:
            continue
        if document is None or ("shipments", str(number)) in end.life.facts.discarded:
            continue
        if reasons := end.open.get(("shipments", str(number))):
            if MISSING in reasons:  # no actor deletes any: Lockstep has lost the units
                yield f"units_lost: {number}: {MISSING}"
            continue
        yield from _units(end, number, document, held)
        yield from _parcels(end, number, document, held)
        if not end.rejections(number):
            yield from _status(end, number, document, held)


def _units(end: End, number: int, document: Json, held: Json) -> Iterator[str]:
    at_oms: defaultdict[str, float] = defaultdict(float)
    for package in held["packages"]:
        for line in package["lines"] if package["PackageId"] else ():
            factor = end.life.world.factor(line["ItemId"], number)
            at_oms[line["OrderLineId"]] += line["Quantity"] / factor
    at_store: Counter[str] = Counter()
    for shipment in document["shipments"]:
        for item in shipment["items"]:
            at_store[str(item["order_product_id"])] += item["quantity"]
    for line_id in sorted({*at_oms, *at_store}):
        facts, line = end.life.facts, (number, int(line_id))
        by_hand = facts.by_hand[line]
        least, most = at_oms[line_id], max(at_oms[line_id], facts.shown_by_hand[line])
        if at_store[line_id] < least:
            yield (
                f"units_lost: {number} line {line_id}: the OMS shipped {least}, "
                f"the store shows {at_store[line_id]}"
            )
        if at_store[line_id] > most:
            yield (
                f"units_doubled: {number} line {line_id}: the OMS shipped {at_oms[line_id]}, "
                f"by hand {by_hand}, the store shows {at_store[line_id]}"
            )


def _parcels(end: End, number: int, document: Json, held: Json) -> Iterator[str]:
    """Return each tracking number of the OMS that no shipment of the store has."""
    shown = {shipment["tracking_number"] for shipment in document["shipments"]}
    for package in held["packages"]:
        tracking = package["TrackingNumber"]
        if tracking and tracking not in shown:
            yield f"tracking_lost: {number}: the store shows {sorted(shown)}, not {tracking}"
        if tracking and package["CarrierCode"] == "STARTRACK":
            wrong = [
                shipment["tracking_carrier"]
                for shipment in document["shipments"]
                if shipment["tracking_number"] == tracking and shipment["tracking_carrier"]
            ]
            if wrong:
                yield f"carrier_guessed: {number}: STARTRACK became {wrong}"


def _status(end: End, number: int, document: Json, held: Json) -> Iterator[str]:
    status, decided = document["order"]["status_id"], end.life.facts.decided.get(number)
    if decided in KEPT:
        # What the merchant sets while our own request is on its way, that request overwrites.
        is_late = any(path.endswith(f"/orders/{number}") for path in end.life.world.wire.late_paths)
        # The store itself moves the status of an order of which a return is refunded.
        is_refund = status in BY_REFUNDS and number in end.life.facts.returned
        if status != decided and not is_late and not is_refund:
            yield f"status_overwritten: {number}: the merchant set {decided}, now it is {status}"
        return
    if decided is not None or status in FINAL or document["order"]["is_deleted"]:
        return
    wanted = _wanted_status(held)
    if wanted is not None and status not in wanted:
        yield f"status_differs: {number}: {sorted(wanted)} by the OMS, the store shows {status}"


def _wanted_status(held: Json) -> set[int] | None:
    units: Counter[str] = Counter()
    downloads = {
        line["OrderLineId"]
        for line in held["order"]["OrderLine"]
        if line["DeliveryMethod"]["DeliveryMethodId"] == "Email"
    }
    for line in held["lines"]:
        for unit in line["units"] if line["OrderLineId"] not in downloads else ():
            units[_stage(unit["Status"])] += unit["Quantity"]
    live = units["open"] + units["released"] + units["shipped"] + units["delivered"]
    if not live:
        # A download that is not canceled keeps the order: the shopper still has it.
        is_canceled = units["canceled"] and not units["returned"] and not _live(held, downloads)
        return {5} if is_canceled else None
    if units["returned"]:
        return None
    gone = units["shipped"] + units["delivered"]
    if gone == live:
        return {10, 2} if units["delivered"] else {2}
    if gone:
        return {3}
    return {9} if units["released"] else {11}


def _live(held: Json, line_ids: Collection[str]) -> bool:
    """Return whether any unit of these lines is not canceled."""
    return any(
        _stage(unit["Status"]) != "canceled"
        for line in held["lines"]
        if line["OrderLineId"] in line_ids
        for unit in line["units"]
    )


def _stage(status: float) -> str:
    for least, name in (
        (9000.0, "canceled"),
        (8000.0, "returned"),
        (7500.0, "delivered"),
        (7000.0, "shipped"),
        (3000.0, "released"),
    ):
        if status >= least:
            return name
    return "open"
