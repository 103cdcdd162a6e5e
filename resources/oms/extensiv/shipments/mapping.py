"""The progress of an order's fulfilment, from its view. Pure."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from domain.builders.parcels import OrderedLine
from domain.connections import Connection
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.milestones import Milestone
from domain.parsing.text import clean_text, mask_emails, without_values
from domain.parsing.vendor_documents import text_of
from domain.personal import personal_values
from domain.records.fulfilment import Fulfilment, LineProgress, Units
from resources.oms.extensiv.orders.lookup import Origins
from resources.oms.extensiv.parsing import Findings, is_yes
from resources.oms.extensiv.payload import OrderView, decode_order
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.extensiv.shipments.cartons import CartonMapper
from resources.oms.extensiv.statuses import ERROR, STATUSES, Status, status_of

ZERO = Decimal(0)
LONGEST_REASON = 200
UNKNOWN_DATA = "see the order there, since parts of it can't be read"


class FulfilmentMapper:
    """Maps orders by one connection's settings; an order of another shape is rejected."""

    def __init__(
        self, settings: ExtensivSettings, connection: Connection, origins: Origins
    ) -> None:
        self._origins = origins
        zone = ZoneInfo(settings.naive_time_zone)
        self._cartons = CartonMapper(connection.shipments.carriers, zone)

    def fulfilment(
        self, payload: bytes, *, is_linked: bool = False
    ) -> Mapped[Fulfilment] | Skipped:
        """Return the order's progress.

        One without a link is skipped if it can't be the connection's own. Raises
        ``RecordRejected`` with all problems: unknown statuses, unreadable values, and what keeps
        the order from the warehouse, in Extensiv's own words.
        """
        decoded = decode_order(payload)
        order, found = decoded.document, Findings(decoded.problems)
        with found.collecting():
            cust_ref = text_of(order.cust_ref)
            if not cust_ref:
                found.unreadable("cust_ref", "The order has no id.")
            if not is_linked and cust_ref and (reason := self._origins.is_foreign(order)):
                return Skipped("not_from_this_store", reason)
            if (blocked := _blocked(order, payload)) is not None:
                if not order.shipments:
                    raise RecordRejected(blocked)
                found.warnings.append(blocked)
            record = self._record(cust_ref, order, found)
        return Mapped(record, tuple(found.warnings))

    def _record(self, cust_ref: str, order: OrderView, found: Findings) -> Fulfilment:
        status = _status(order, found)
        lines = _lines(order, found)
        cartons = self._cartons.cartons(order.shipments or [], lines, found)
        return Fulfilment(
            order_id=cust_ref,
            updated_at=found.updated_at(order.updated_date_time, "updated_date_time"),
            lines=tuple(
                _progress(line, cartons.shipped.get(line.line_id, ZERO), status, found)
                for line in lines
            ),
            parcels=cartons.parcels,
            # Extensiv states no answer of the warehouse: that it has shipped is one.
            cancel_answer="rejected" if cartons.parcels else None,
        )


def _status(order: OrderView, found: Findings) -> Status:
    try:
        return status_of(order.order_status)
    except RecordRejected as rejected:
        found.problems += rejected.problems
        return STATUSES[ERROR]


def _lines(order: OrderView, found: Findings) -> list[OrderedLine]:
    lines: list[OrderedLine] = []
    for place, item in enumerate(order.items or ()):
        field = f"items[{place}]"
        sku = text_of(item.item)
        if not sku:
            found.unreadable(f"{field}.item", "A line has no SKU.")
            continue
        line_id = text_of(item.line_item_id)
        if not line_id:
            found.unreadable(f"{field}.line_item_id", "A line has no id of the store's line.")
        lines.append(OrderedLine(line_id, sku, found.number(item.quantity, f"{field}.quantity")))
    if not lines:
        found.unreadable("items", "The order has no lines.")
    return lines


def _progress(line: OrderedLine, shipped: Decimal, status: Status, found: Findings) -> LineProgress:
    units: list[Units] = []
    rest = line.ordered - shipped
    if rest > 0:
        if status.has_left:
            message = (
                f"Extensiv shows the order as {status.name.lower()}, and {rest:f} units of "
                f"{line.sku} are in no shipment; they count as not shipped."
            )
            advice = "Ask the warehouse whether it has shipped them, and have it load the shipment."
            found.warn("units_without_shipment", f"items[{line.line_id}]", message, advice)
        units.append(Units(milestone=status.milestone, quantity=rest))
    if shipped > 0:
        units.append(Units(milestone=Milestone.SHIPPED, quantity=shipped))
    return LineProgress(
        line_id=line.line_id, sku=line.sku, ordered=line.ordered, units=tuple(units)
    )


def _blocked(order: OrderView, payload: bytes) -> Problem | None:
    """Return what keeps an order from the warehouse until an operator acts, or ``None``."""
    status = (order.order_status or "").strip().casefold()
    is_held, is_stopped = is_yes(order.on_hold), is_yes(order.sending_canceled)
    if status == ERROR:
        what, field = "Extensiv could not send the order to the warehouse", "error_reason"
    elif status in ("new", "at_wms") and (is_held or is_stopped):
        what = "Extensiv holds the order" if is_held else "Sending the order was stopped"
        field = "on_hold" if is_held else "sending_canceled"
    else:
        return None
    reason = _reason(order.error_reason, payload)
    message = f"{what}: {reason or 'it gives no reason'}."
    advice = "Correct it in Extensiv (ship method, address or product), and send the order there."
    return Problem("order_held_at_oms", field, message, advice, text_of(order.cust_ref))


def _reason(text: str | None, payload: bytes) -> str:
    """Return Extensiv's own words without the customer's data, which they may quote.

    Of a document that can't be read as a whole, that data is not known, and nothing is shown.
    """
    try:
        document = msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return UNKNOWN_DATA
    values = personal_values(document) - {(text or "").strip()}
    cleaned = without_values(clean_text(text or ""), values)
    return mask_emails(cleaned)[:LONGEST_REASON].rstrip(". ")
