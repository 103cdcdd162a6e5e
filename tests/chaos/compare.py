"""Comparison of store, OMS and ledger, record by record: lost, done twice, wrong, still open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from tests.chaos.facts import Facts, Recorded, Result

Json = dict[str, Any]
Rejected = tuple[str, str, str]
"""Stream, source id and code of a rejection."""
LOST, DUPLICATED, WRONG, OPEN = "lost", "duplicated", "wrong", "open"
EXPORTED, CANCELLED = 11, (5, 6)
RELEASED, SHIPPED, DELIVERED, CANCELED = 3000, 7000, 7500, 9000
SETTLED = ("delivered", "requested", "refused", "superseded")
KEPT_OUT_FOR_GOOD = ("cancel_refused", "line_not_eligible", "oms_modification_not_allowed")
"""Codes of rejections that are the right result, and stay open until an operator acts."""
CHANGE_NOT_SENT = "change_not_sent"
"""The code of a change that came when the order had left."""


class Difference(NamedTuple):
    """One thing that is not as it must be."""

    kind: str
    record: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.record}: {self.text}"


def differences(facts: Facts) -> list[Difference]:
    """Return everything in which the three differ."""
    right = _right_rejections(facts)
    return [
        *_orders(facts),
        *_shipments(facts),
        *_stock(facts),
        *ledger_differences(facts, facts.oms_orders.keys(), right),
    ]


def _orders(facts: Facts) -> Iterator[Difference]:
    for number in facts.oms_orders.keys() - facts.store_orders.keys():
        yield Difference(WRONG, f"order {number}", "at the OMS but not in the store")
    for alternate in facts.oms_duplicates:
        yield Difference(
            DUPLICATED, f"order {alternate}", "two orders of the OMS have this alternate id"
        )
    rejected = {source_id for stream, source_id, _ in facts.rejections if stream == "orders"}
    rejected |= _refused_changes(facts)
    for number, order in facts.store_orders.items():
        held, result = facts.oms_orders.get(number), facts.results.get(number)
        if held is None:
            yield from _absent(number, order, facts)
            continue
        if held["creates"] != 1:
            yield Difference(
                DUPLICATED, f"order {number}", f"created {held['creates']} times at the OMS"
            )
        if result is None:
            yield Difference(
                WRONG, f"order {number}", "at the OMS, and the ledger has no result for it"
            )
        if number not in rejected:
            if number not in facts.cut:
                yield from _content(number, order, held)
            yield from _status(number, order, held, facts)


def _absent(number: str, order: Json, facts: Facts) -> Iterator[Difference]:
    """Return what is wrong with an order that the OMS lacks, unless its status holds it back."""
    result = facts.results.get(number)
    if result is None:
        yield Difference(LOST, f"order {number}", "never captured")
    elif is_withdrawn(result, is_canceled=order["status_id"] in CANCELLED):
        return
    elif result.state == "accepted":
        yield Difference(
            LOST, f"order {number}", f"accepted ({result.outcome or 'pending'}) but not at the OMS"
        )
    elif result.state == "rejected":
        yield Difference(
            LOST, f"order {number}", f"rejected by {result.rule}, and nothing is wrong with it"
        )
    elif order["status_id"] == EXPORTED:
        yield Difference(
            LOST,
            f"order {number}",
            f"{result.state} by {result.rule}, but the store says it is to be fulfilled",
        )


def is_withdrawn(result: Result, *, is_canceled: bool) -> bool:
    """Return whether an order was canceled while its creation was uncertain, which did not happen.

    Its canceled version has nothing to send then.
    """
    return is_canceled and (result.state, result.outcome) == ("accepted", "unchanged")


def _content(number: str, order: Json, held: Json) -> Iterator[Difference]:
    bought = Counter(
        {str(line["id"]): Decimal(str(line["quantity"])) for line in order["products"]}
    )
    taken = Counter(
        {str(line["OrderLineId"]): Decimal(str(line["OrderedQuantity"])) for line in held["lines"]}
    )
    if bought != taken:
        yield Difference(
            WRONG, f"order {number}", f"the store has {_units(bought)}, the OMS {_units(taken)}"
        )
    total = Decimal(str(held["saved_total"]))
    wanted = Decimal(str(order["total_inc_tax"]))
    # A change that came after the OMS had canceled units is saved without what they are worth.
    units = [unit for line in held["lines"] for unit in line["units"]]
    is_reduced = total < wanted and any(u["Status"] == CANCELED and u["Quantity"] for u in units)
    if wanted != total and not is_reduced:
        yield Difference(
            WRONG,
            f"order {number}",
            f"total {order['total_inc_tax']} in the store, {held['saved_total']} at the OMS",
        )


def _units(lines: Counter[str]) -> str:
    return ", ".join(f"{line}: {quantity:f}" for line, quantity in sorted(lines.items()))


def _status(number: str, order: Json, held: Json, facts: Facts) -> Iterator[Difference]:
    """Compare the order's progress: canceled here means canceled, requested or refused there."""
    status = order["status_id"]
    if number in facts.returned:
        return
    if status in CANCELLED:
        answers = [
            d.state
            for d in facts.deliveries
            if (d.stream, d.source_id, d.action) == ("orders", number, "cancel")
        ]
        if not held["canceled"] and not {"requested", "refused"} & set(answers):
            yield Difference(
                LOST,
                f"order {number}",
                f"canceled in the store, not at the OMS; cancellations sent: {answers or 'none'}",
            )
        return
    wanted = _expected_status(order, held)
    if wanted and status not in wanted:
        yield Difference(
            WRONG,
            f"order {number}",
            f"status {status} in the store, where fulfilment asks for "
            f"{' or '.join(map(str, wanted))}",
        )


def _expected_status(order: Json, held: Json) -> tuple[int, ...]:
    """Return the store's statuses that fit what the OMS has done; none before it has started.

    Downloads and gift certificates do not count beside lines that leave in a parcel and are left.
    """
    physical = {str(line["id"]) for line in order["products"] if line["type"] == "physical"}
    left = [line for line in held["lines"] if not line["canceled"]]
    lines = [line for line in left if str(line["OrderLineId"]) in physical]
    units: Counter[float] = Counter()
    for line in lines or held["lines"]:
        for unit in line["units"]:
            units[unit["Status"]] += unit["Quantity"]
    live = [status for status, quantity in units.items() if status < CANCELED and quantity]
    if not live:
        return (5, 6)
    if min(live) >= DELIVERED:
        return (10,)
    if min(live) >= SHIPPED:
        return (2, 3)
    if max(live) >= SHIPPED:
        return (3,)
    return (9,) if max(live) >= RELEASED else ()


def _shipments(facts: Facts) -> Iterator[Difference]:
    """Compare each unit shipped by the OMS with the store's shipments, by number and line."""
    store: Counter[tuple[str, str, str]] = Counter()
    for row in facts.store_shipments:
        for item in row["items"]:
            store[
                (str(row["order_id"]), row["tracking_number"] or "", str(item["order_product_id"]))
            ] += int(item["quantity"])
    oms: Counter[tuple[str, str, str]] = Counter()
    for number, held in facts.oms_orders.items():
        for package in held["packages"]:
            for line in (
                package["lines"] if package["PackageId"] is not None else ()
            ):  # without: picked up, or sent by e-mail
                oms[(number, package["TrackingNumber"] or "", str(line["OrderLineId"]))] += int(
                    line["Quantity"]
                )
    unchanged = _refused_changes(facts)
    for key in sorted(store | oms):
        order, tracking, line = key
        if store[key] != oms[key] and order not in unchanged:
            kind = DUPLICATED if store[key] > oms[key] else LOST
            text = (
                f"line {line}, tracking {tracking or 'none'}: {oms[key]} shipped by the OMS, "
                f"{store[key]} in the store's shipments"
            )
            yield Difference(kind, f"shipment of order {order}", text)


def _stock(facts: Facts) -> Iterator[Difference]:
    for sku in sorted(facts.tracked & facts.oms_stock.keys()):
        if facts.store_stock.get(sku, 0) != max(facts.oms_stock[sku], 0):
            text = (
                f"{facts.oms_stock[sku]} available at the OMS, "
                f"{facts.store_stock.get(sku, 0)} in the store"
            )
            yield Difference(WRONG, f"stock of {sku}", text)


def _refused_changes(facts: Facts) -> set[str]:
    """Return the orders whose last change came too late for the OMS, which ships the earlier one.

    An operator has their rejections; store and OMS can't agree on their units. Where the order had
    shipped before its change was read, the rejection is that of the parcel, refused by the store.
    """
    return {
        source_id
        for stream, source_id, code in facts.rejections
        if (stream == "orders" and code in KEPT_OUT_FOR_GOOD)
        or (
            (stream, code) == ("shipments", "shipment_refused")
            and _has_lost_shipped_units(
                facts.store_orders.get(source_id), facts.oms_orders.get(source_id)
            )
        )
    }


def _has_lost_shipped_units(order: Json | None, held: Json | None) -> bool:
    """Return whether the OMS has shipped more units of a line than the store's order has."""
    if order is None or held is None:
        return False
    bought = {str(line["id"]): int(line["quantity"]) for line in order["products"]}
    shipped: Counter[str] = Counter()
    for package in held["packages"]:
        for line in package["lines"]:
            shipped[str(line["OrderLineId"])] += int(line["Quantity"])
    return any(units > bought.get(line_id, 0) for line_id, units in shipped.items())


def _right_rejections(facts: Facts) -> set[Rejected]:
    """Return the open rejections that are the right result, and stay until an operator acts."""
    unchanged = _refused_changes(facts)
    return {
        (stream, source_id, code)
        for stream, source_id, code in facts.rejections
        if code in KEPT_OUT_FOR_GOOD
        or (code == CHANGE_NOT_SENT and source_id in facts.changed)
        # The OMS ships a unit that the store's order has lost.
        or (code == "shipment_refused" and source_id in unchanged)
    }


def ledger_differences(
    facts: Recorded, at_oms: Collection[str], right: Collection[Rejected]
) -> Iterator[Difference]:
    """Return what the ledger has open, and where it says what is not so.

    ``at_oms`` are the OMS's orders by the store's id, ``right`` the rejections that must be open.
    """
    for delivery in facts.deliveries:
        if delivery.state not in SETTLED:
            text = (
                f"{delivery.action} is {delivery.state} after {delivery.attempts} attempts: "
                f"{delivery.error[:200]}"
            )
            yield Difference(OPEN, f"{delivery.stream} {delivery.source_id}", text)
        elif (delivery.stream, delivery.state, delivery.action) == (
            "orders",
            "delivered",
            "create",
        ) and delivery.source_id not in at_oms:
            yield Difference(
                LOST,
                f"order {delivery.source_id}",
                "delivered, says the ledger; the OMS does not have it",
            )
    for text in facts.unaccounted:
        yield Difference(OPEN, "captures", text)
    for rejected in facts.rejections:
        if rejected not in right:
            stream, source_id, code = rejected
            yield Difference(
                OPEN, f"{stream} {source_id}", f"kept out by {code}, and nothing is wrong with it"
            )
    if facts.waiting_webhooks:
        yield Difference(
            OPEN, "webhooks", f"{facts.waiting_webhooks} events of the inbox were not taken"
        )
    for text in facts.stuck_runs:
        yield Difference(OPEN, "run", text)
