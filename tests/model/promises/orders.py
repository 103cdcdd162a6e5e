"""Orders: what is owed is at the OMS once, with its content, or a rejection says why not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.model.life import is_refunded, is_withdrawn, wanted_of
from tests.model.promises.channels import is_left_out
from tests.model.promises.end import End

Json = dict[str, Any]
RELEASED, CANCELED = 3000.0, 9000.0
SHIPPED_STATES = (2, 10, 3)


def check(end: End) -> Iterator[str]:
    """Return each order that is lost, doubled, or held in another form than the store's."""
    by_alternate = end.life.world.ask_oms("counts")["duplicate_alternate_ids"]
    if by_alternate:
        yield f"order_doubled: the OMS has {by_alternate} twice"
    for number, row in end.oms.items():
        if row["creates"] > 1:
            yield f"order_doubled: {number} was created {row['creates']} times"
        if number not in end.store:
            yield f"order_invented: {number} is at the OMS and not in the store"
    for number, document in sorted(end.store.items()):
        if number in end.life.facts.forgotten or is_left_out(end.life, number):
            continue
        held = end.oms.get(number)
        yield from (
            _missing(end, number, document) if held is None else _held(end, number, document, held)
        )


def _missing(end: End, number: int, document: Json) -> Iterator[str]:
    """Return why an order that the OMS does not have should be there."""
    facts, open_codes = end.life.facts, end.rejections(number)
    if is_withdrawn(document) or is_refunded(document):
        if open_codes:
            yield f"rejection_stale: {number} was withdrawn, and {open_codes} is still open"
        return
    if ("orders", str(number)) in facts.discarded:
        return
    if all(line["quantity_shipped"] >= line["quantity"] for line in document["products"]):
        return
    is_due = document["order"]["status_id"] == 11
    if (is_due or number in facts.seen_outgoing) and not open_codes:
        yield (
            f"order_lost: {number} in status {document['order']['status_id']} is not at the OMS, "
            "and no rejection says why"
        )


def _held(end: End, number: int, document: Json, held: Json) -> Iterator[str]:
    facts, open_codes = end.life.facts, end.rejections(number)
    was_seen = number in facts.seen_outgoing | facts.maybe_outgoing
    if not was_seen and document["order"]["status_id"] != 11:
        yield f"order_unasked: {number} is at the OMS and was never to be exported"
    if is_withdrawn(document) or is_refunded(document):
        if is_refunded(document) and held["max_status"] >= RELEASED:
            return  # too late to cancel: a warning
        is_ended = _is_ended(held) or (is_refunded(document) and _is_by_hand(end, number, held))
        is_settled = bool(open_codes) or ("orders", str(number)) in facts.discarded
        if not is_ended and not is_settled and held["late_cancel"] != "Requested":
            yield f"cancel_lost: {number} was withdrawn in the store, and the OMS still ships it"
        return
    if open_codes or ("orders", str(number)) in facts.discarded:
        return
    if facts.has_asked(number) or number in facts.returned:
        return  # actions.py; units that Lockstep refunds are not a wish of the shopper's
    if held["canceled"]:
        if document["order"]["status_id"] == 11:
            yield f"cancel_hidden: {number} is canceled at the OMS and waits in the store"
        return
    wanted = facts.wanted.get(number) or [wanted_of(document)]
    found = [difference for one in wanted if (difference := _difference(end, number, one, held))]
    if len(found) == len(wanted):
        yield f"order_differs: {number}: {found[-1]}"


def _is_ended(held: Json) -> bool:
    """Return whether no unit of the order can still be shipped."""
    return all(unit["Status"] >= 7000.0 for line in held["lines"] for unit in line["units"])


def _is_by_hand(end: End, number: int, held: Json) -> bool:
    """Return whether all that can still be shipped are units that the store shows as shipped.

    The merchant has shown them by hand: they are refunded after shipping, which is a warning.
    """
    return all(
        sum(unit["Quantity"] for unit in line["units"] if unit["Status"] < 7000.0)
        <= end.life.facts.by_hand[number, int(line["OrderLineId"])]
        * end.life.world.factor(line["ItemId"], number)
        for line in held["lines"]
    )


def _difference(end: End, number: int, wanted: Json, held: Json) -> str:
    """Return how the OMS's order differs from what it should hold; empty if it does not."""
    factor = partial(end.life.world.factor, number=number)
    sent = partial(end.life.as_sent, number)
    owed = {line: (sku, units * factor(sku)) for line, (sku, units) in wanted["units"].items()}
    units: dict[str, tuple[str, Any]] = {}
    for line in held["lines"]:
        ordered = line["OrderedQuantity"]
        if line["canceled"] and line["OrderLineId"] not in wanted["units"]:
            continue
        if line["canceled"] and number in end.life.facts.canceled_at_oms:
            _, still = owed.get(line["OrderLineId"], ("", 0))
            if still <= ordered:
                owed.pop(line["OrderLineId"], None)  # it stays as the OMS has canceled it
                continue
        units[line["OrderLineId"]] = (line["ItemId"], ordered)
    corrected = {line: (sent(sku), number) for line, (sku, number) in owed.items()}
    if units not in (owed, corrected):
        return f"the store has {owed}, the OMS {units}"
    lines = held["order"]["OrderLine"]
    streets = {
        line["ShipToAddress"]["Address"].get("Address1")
        for line in lines
        if line["DeliveryMethod"]["DeliveryMethodId"] != "Email" and not line["IsCancelled"]
    }
    if streets - {wanted["street"]}:
        return f"the address is {wanted['street']!r}, at the OMS {sorted(streets)}"
    notes = str(held["order"].get("OrderNote", ""))
    if wanted["message"] and wanted["message"] not in notes:
        return f"the message {wanted['message']!r} is not among the notes {notes!r}"
    return ""
