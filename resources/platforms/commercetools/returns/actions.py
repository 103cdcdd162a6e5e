"""Update actions that make an order show a return, in the version that was read. Pure.

Return items have keys of the return and the line, and the number of units before them: they are
found again by these, and nothing is added twice. What was announced only is not shown: an item that
was added as ``Advised`` can't become ``Returned`` (platforms.md 2.5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from domain.errors import Problem, RecordRejected
from domain.refunds import ReturnedUnits, ReturnRecord
from resources.platforms.commercetools.payload import Order, ReturnItem
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.platforms.commercetools.shipments.order import KEY, item_id

Action = dict[str, Any]
RETURNED, ADVISED = "Returned", "Advised"
IN_STOCK, UNUSABLE = "BackInStock", "Unusable"
INITIAL, REFUNDED, NOT_REFUNDED = "Initial", "Refunded", "NotRefunded"
LONGEST_TEXT = 250


class Item(NamedTuple):
    """A return item of ours: its place among the units of its line, and its states."""

    key: str
    start: int
    quantity: int
    shipment_state: str
    payment_state: str

    @property
    def end(self) -> int:
        """Return the number of the line's units up to and with this item."""
        return self.start + self.quantity


def show_return(
    order: Order, record: ReturnRecord, settings: CommercetoolsSettings
) -> list[Action]:
    """Return the items to add and the states to set; none where the order shows the return.

    Raises ``RecordRejected`` if the order shows other returned units of a line already.
    """
    added: list[Action] = []
    states: list[Action] = []
    for line in record.lines:
        prefix = item_prefix(record.return_id, line.line_id)
        held = own_items(order, prefix)
        reached = sum(item.quantity for item in held)
        if line.arrived > reached:
            if not record.is_separate:
                _refuse_others(order, record, line)
            item = Item(f"{prefix}{reached}", reached, line.arrived - reached, RETURNED, INITIAL)
            added.append(_draft(item, record, line))
            held.append(item)
        for item in held:
            states += _states(item, record, line, settings)
    if not added:
        return states
    action: Action = {"action": "addReturnInfo", "items": added}
    if record.tracking_number:
        action["returnTrackingId"] = record.tracking_number
    return [action, *states]


def item_prefix(return_id: str, line_id: str) -> str:
    """Return what the keys of the items of a return's line begin with."""
    digest = hashlib.sha256(f"{return_id}\0{line_id}".encode()).hexdigest()
    return f"{KEY}{digest[:32]}-"


def return_items(order: Order) -> Iterator[ReturnItem]:
    """Yield all return items of an order."""
    for info in order.return_info or ():
        for item in (info.items if info is not None else None) or ():
            if item is not None:
                yield item


def own_items(order: Order, prefix: str) -> list[Item]:
    """Return the items of a return's line, in the order in which they were added."""
    found: list[Item] = []
    for raw in return_items(order):
        start = (raw.key or "").removeprefix(prefix)
        if (raw.key or "").startswith(prefix) and start.isascii() and start.isdigit():
            shipment, payment = raw.shipment_state or "", raw.payment_state or ""
            found.append(Item(raw.key or "", int(start[:12]), raw.quantity or 0, shipment, payment))
    return sorted(found, key=lambda item: item.start)


def is_others(item: ReturnItem) -> bool:
    """Return whether an item was added without Lockstep."""
    return not (item.key or "").startswith(KEY)


def _draft(item: Item, record: ReturnRecord, line: ReturnedUnits) -> Action:
    return {
        "key": item.key,
        "lineItemId": item_id(line.line_id),
        "quantity": item.quantity,
        "shipmentState": RETURNED,
        "comment": _comment(record, line),
    }


def _comment(record: ReturnRecord, line: ReturnedUnits) -> str:
    said = {"condition": line.condition, "reason": line.reason}
    parts = [f"Return {record.return_id}", *(f"{name} {v}" for name, v in said.items() if v)]
    return ", ".join(parts)[:LONGEST_TEXT]


def _states(
    item: Item, record: ReturnRecord, line: ReturnedUnits, settings: CommercetoolsSettings
) -> list[Action]:
    """Return the moves of an item's states; an item moves once all of its units have."""
    actions: list[Action] = []
    wanted = _shipment_state(line.condition, settings) if item.end <= line.confirmed else ""
    if wanted and item.shipment_state == RETURNED:
        actions.append(
            {
                "action": "setReturnShipmentState",
                "returnItemKey": item.key,
                "shipmentState": wanted,
            }
        )
    paid = _payment_state(item, record, line)
    if paid and item.payment_state not in (paid, "NonRefundable"):
        actions.append(
            {"action": "setReturnPaymentState", "returnItemKey": item.key, "paymentState": paid}
        )
    return actions


def _shipment_state(condition: str, settings: CommercetoolsSettings) -> str:
    if condition in settings.unusable_conditions:
        return UNUSABLE
    return IN_STOCK if condition in settings.stock_conditions else ""


def _payment_state(item: Item, record: ReturnRecord, line: ReturnedUnits) -> str:
    if item.end <= line.refunded:
        return REFUNDED
    is_canceled = item.start >= line.arrived
    is_exchanged = not record.is_refunded and item.end <= line.confirmed
    return NOT_REFUNDED if is_canceled or is_exchanged else ""


def _refuse_others(order: Order, record: ReturnRecord, line: ReturnedUnits) -> None:
    plain = item_id(line.line_id)
    others = [i for i in return_items(order) if i.line_item_id == plain and is_others(i)]
    units = sum(item.quantity or 0 for item in others)
    if units:
        raise RecordRejected(
            Problem(
                "return_made_in_store",
                f"lines[{line.line_id}]",
                f"The store's order {record.order_id} shows {units} returned units of line "
                f"{line.line_id} that were entered there, and the OMS has {line.arrived} in the "
                f"return {record.return_id}: it may be shown already.",
                "If it is, discard this rejection. If it is another return, show it, too, "
                "with 'lockstep rejections retry ID --reason TEXT', and enter the other one at "
                "the OMS.",
                record.return_id,
            )
        )
