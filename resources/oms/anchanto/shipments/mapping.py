"""The progress of an order's fulfilment, from its row and those of its shipments. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from domain.builders.parcels import OrderedLine
from domain.connections import Connection
from domain.exchange import Mapped, Skipped
from domain.milestones import STAGES, Milestone
from domain.parsing.vendor_documents import text_of
from domain.records.fulfilment import Fulfilment, LineProgress, Units
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.parsing import Findings
from resources.oms.anchanto.payload import Documents, OrderView
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.anchanto.shipments.parcels import ParcelMapper
from resources.oms.anchanto.statuses import Status, StatusTable

ZERO = Decimal(0)


class FulfilmentMapper:
    """Maps orders by one connection's settings; an order of another shape is rejected."""

    def __init__(
        self, settings: AnchantoSettings, connection: Connection, origins: Origins
    ) -> None:
        self._origins, self._documents = origins, Documents(settings.wire.fields)
        self._statuses = StatusTable(settings.statuses)
        self._parcels = ParcelMapper(connection.shipments.carriers, self._statuses)

    def fulfilment(
        self, payload: bytes, *, is_linked: bool = False
    ) -> Mapped[Fulfilment] | Skipped:
        """Return the order's progress.

        One without a link is skipped if it can't be the connection's own. Raises
        ``RecordRejected`` with all problems: unknown statuses and unreadable values.
        """
        document = self._documents.order(payload)
        order, found = document.order, Findings(document.problems)
        with found.collecting():
            number = text_of(order.number)
            if not number:
                found.unreadable("number", "The order has no number.")
            if not is_linked and number and (reason := self._origins.is_foreign(order)):
                return Skipped("not_from_this_store", reason)
            status = self._statuses.status(order.status, "status")
            lines = _lines(order, found)
            packed = self._parcels.parcels(document.shipments, lines, found)
            is_packed = any(packed.units.values())
            record = Fulfilment(
                order_id=number,
                updated_at=found.updated_at(order.updated_at, "updated_at"),
                lines=tuple(
                    _progress(line, packed.units.get(line.line_id, {}), status, is_packed, found)
                    for line in lines
                ),
                parcels=packed.parcels,
                canceled_parcels=packed.canceled,
                # Anchanto states no answer to a late cancellation: that it has packed is one.
                cancel_answer="rejected" if packed.parcels or _is_packed(status) else None,
            )
        return Mapped(record, tuple(found.warnings))


def _lines(order: OrderView, found: Findings) -> list[OrderedLine]:
    lines: list[OrderedLine] = []
    for place, item in enumerate(order.order_items or ()):
        field = f"order_items[{place}]"
        sku = text_of(item.sku)
        if not sku:
            found.unreadable(f"{field}.sku", "A line has no SKU.")
            continue
        line_id = text_of(item.line_id)
        if not line_id:
            found.unreadable(f"{field}.line_id", "A line has no id of the store's line.")
        lines.append(OrderedLine(line_id, sku, found.number(item.quantity, f"{field}.quantity")))
    if not lines:
        found.unreadable("order_items", "The order has no lines.")
    return lines


def _progress(
    line: OrderedLine,
    packed: Mapping[Milestone, Decimal],
    status: Status,
    is_packed: bool,
    found: Findings,
) -> LineProgress:
    """Return how far the units of a line are; ``is_packed``: the order has shipments."""
    units: dict[Milestone, Decimal] = {}
    rest = line.ordered - sum(packed.values(), ZERO)
    for milestone, quantity in packed.items():
        # A delivered or completed order is so with all of its shipments.
        reached = Milestone.DELIVERED if status.milestone is Milestone.DELIVERED else milestone
        units[reached] = units.get(reached, ZERO) + quantity
    if rest > 0:
        reached = _reached_without_shipment(line, rest, status, is_packed, found)
        units[reached] = units.get(reached, ZERO) + rest
    return LineProgress(
        line_id=line.line_id,
        sku=line.sku,
        ordered=line.ordered,
        units=tuple(
            Units(milestone=milestone, quantity=units[milestone])
            for milestone in (*STAGES, Milestone.CANCELED)
            if units.get(milestone)
        ),
    )


def _reached_without_shipment(
    line: OrderedLine, rest: Decimal, status: Status, is_packed: bool, found: Findings
) -> Milestone:
    """Return where units are that are in no shipment; the order's status may be ahead of them."""
    milestone = status.milestone
    if milestone is Milestone.CANCELED or _is_before(milestone, Milestone.PACKED):
        return milestone
    if milestone is Milestone.PACKED:
        return Milestone.ALLOCATED if is_packed else milestone
    message = (
        f"Anchanto shows the order as {status.name}, and {rest:f} units of {line.sku} are in no "
        "shipment; they count as not shipped."
    )
    advice = "Ask the warehouse whether it has shipped them, and have it create the shipment."
    found.warn("units_without_shipment", f"order_items[{line.line_id}]", message, advice)
    return Milestone.ALLOCATED


def _is_packed(status: Status) -> bool:
    is_canceled = status.milestone is Milestone.CANCELED
    return not is_canceled and not _is_before(status.milestone, Milestone.PACKED)


def _is_before(milestone: Milestone, other: Milestone) -> bool:
    return STAGES.index(milestone) < STAGES.index(other)
