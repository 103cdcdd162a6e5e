"""The progress of an order's fulfilment, from its published form. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from domain.connections import Connection
from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.milestones import STAGES, Milestone
from domain.parsing.vendor_documents import text_of
from domain.records.fulfilment import Fulfilment, LineProgress, Units
from domain.records.orders import DeliveryMethod
from resources.oms.manhattan.parsing import Findings, folded, to_number, unreadable
from resources.oms.manhattan.payload import NULL, Line, PublishedOrder, decode_order
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.shipments.parcels import ParcelMapper
from resources.oms.manhattan.statuses import is_return_status, sale_milestone

CancelAnswer = Literal["requested", "accepted", "rejected"]
PRECEDENCE: tuple[CancelAnswer, ...] = ("requested", "rejected", "accepted")
"""Of several lines' answers the first counts: open while a line waits, accepted only if all are."""
ZERO = Decimal(0)


class FulfilmentMapper:
    """Maps published orders by one connection's settings; an order of another shape is rejected."""

    def __init__(self, settings: ManhattanSettings, connection: Connection) -> None:
        self._zone = settings.zone
        self._prefix = connection.orders.order_id_prefix
        codes = settings.codes
        no_parcel = frozenset(
            codes.delivery_methods[method]
            for method in (DeliveryMethod.PICKUP, DeliveryMethod.EMAIL)
        )
        self._parcels = ParcelMapper(connection.shipments.carriers, no_parcel)
        self._answers: dict[str, CancelAnswer] = {
            **dict.fromkeys(map(folded, codes.cancel_requested), "requested"),
            **dict.fromkeys(map(folded, codes.cancel_accepted), "accepted"),
            **dict.fromkeys(map(folded, codes.cancel_rejected), "rejected"),
        }

    def fulfilment(
        self, payload: bytes, *, is_linked: bool = False
    ) -> Mapped[Fulfilment] | Skipped:
        """Return the order's progress.

        One without a link is skipped if it can't be the connection's own. Raises
        ``RecordRejected`` with all problems: unknown statuses and unreadable values.
        """
        decoded = decode_order(payload)
        order, problems = decoded.document, Findings(self._zone, decoded.problems)
        with problems.collecting():
            return self._mapped(order, problems, is_linked=is_linked)

    def _mapped(
        self, order: PublishedOrder, problems: Findings, *, is_linked: bool
    ) -> Mapped[Fulfilment] | Skipped:
        order_id = text_of(order.order_id)
        if not order_id:
            raise unreadable("OrderId", "The order has no id.")
        if not is_linked and (skipped := self._not_from_this_store(order, order_id)):
            return skipped
        lines = [line for line in order.order_line or () if not _is_return(line)]
        if order.order_line and not lines:
            reason = f"{order_id} has return lines only; the sale's own lines show what is returned"
            return Skipped("return_order", reason)
        if not is_linked and len(lines) < len(order.order_line or ()):
            reason = f"{order_id} is an exchange, whose new goods no order of the store has"
            return Skipped("return_order", reason)
        record = Fulfilment(
            order_id=order_id,
            updated_at=problems.updated_at(order.stamp(), "order"),
            lines=tuple(_progress(line, problems) for line in lines),
            parcels=self._parcels.parcels(order, lines, problems),
            cancel_answer=self._cancel_answer(order, lines, problems),
        )
        return Mapped(record, tuple(problems.warnings))

    def _not_from_this_store(self, order: PublishedOrder, order_id: str) -> Skipped | None:
        """Skip orders without the connection's prefix, or without a store's id if it has none."""
        rule = "not_from_this_store"
        if not order_id.startswith(self._prefix) or order_id == self._prefix:
            prefix = repr(self._prefix)
            reason = f"{order_id} does not start with the connection's order_id_prefix {prefix}"
            return Skipped(rule, reason)
        if not self._prefix and not text_of(order.alternate_order_id):
            return Skipped(rule, f"{order_id} has no AlternateOrderId, so no store has sent it")
        return None

    def _cancel_answer(
        self, order: PublishedOrder, lines: list[Line], problems: Findings
    ) -> CancelAnswer | None:
        """Return the answer to a cancel request, ``None`` if there is none."""
        statuses = [order.post_release_modification_status]
        for line in lines:
            statuses += [line.cancellation_request_status, line.cancellation_request]
        answers: set[CancelAnswer] = set()
        for word in [_word(status, problems) for status in statuses if status != NULL]:
            if word in self._answers:
                answers.add(self._answers[word])
            elif word:
                problems.warn(
                    "cancel_status_unknown",
                    "PostReleaseModificationStatus",
                    "The status of a cancel request is not known.",
                    "Add the word to codes.cancel_requested, cancel_accepted or cancel_rejected "
                    "of the oms section.",
                    word,
                )
        return next((answer for answer in PRECEDENCE if answer in answers), None)


def _progress(line: Line, problems: Findings) -> LineProgress:
    line_id = text_of(line.order_line_id)
    if not line_id:
        problems.unreadable("OrderLine.OrderLineId", "A line has no id.")
    field = f"OrderLine[{line_id}]"
    units = _units(line, field, problems)
    history = line.order_line_cancel_history or []
    if history:
        # The quantity drops to 0 on canceling, and canceled units of QuantityDetail are the same
        # units again.
        units[Milestone.CANCELED] = sum(
            (problems.number(e.cancel_quantity, f"{field}.CancelQuantity") for e in history), ZERO
        )
    elif _is_canceled(line, problems) and not units:
        problems.warn(
            "cancel_quantity_missing",
            field,
            "The line is canceled, and the cancel history with the number of units is missing.",
            "Add OrderLineCancelHistory to search_template.",
            line_id,
        )
    reasons = [text_of(entry.cancel_reason.reason_id) for entry in history if entry.cancel_reason]
    stages = (*STAGES, Milestone.CANCELED)
    return LineProgress(
        line_id=line_id,
        sku=text_of(line.item_id),
        ordered=sum(units.values(), ZERO),
        units=tuple(
            Units(milestone=stage, quantity=units[stage]) for stage in stages if units.get(stage)
        ),
        cancel_reason=next((reason for reason in reversed(reasons) if reason), ""),
    )


def _units(line: Line, field: str, problems: Findings) -> dict[Milestone, Decimal]:
    """Return the line's units by milestone, with canceled ones that ``QuantityDetail`` lists."""
    if not line.quantity_detail:
        return _units_of_status(line, field, problems)
    units: dict[Milestone, Decimal] = {}
    field = f"{field}.QuantityDetail"
    for detail in line.quantity_detail:
        quantity = problems.number(detail.quantity, f"{field}.Quantity")
        if detail.status_id is None:
            problems.unreadable(f"{field}.StatusId", "Units without a status.")
            continue
        stage = _milestone(detail.status_id, f"{field}.StatusId", problems)
        units[stage] = units.get(stage, ZERO) + quantity
    return units


def _units_of_status(line: Line, field: str, problems: Findings) -> dict[Milestone, Decimal]:
    """Return all units at the line's lowest status, where how many are at which is not known."""
    lowest, highest = (
        None if status is None else problems.number(status, f"{field}.{name}FulfillmentStatusId")
        for name, status in (
            ("Min", line.min_fulfillment_status_id),
            ("Max", line.max_fulfillment_status_id),
        )
    )
    quantity = problems.number(line.quantity, f"{field}.Quantity")
    status = lowest if lowest is not None else highest
    if status is None:
        problems.unreadable(f"{field}.QuantityDetail", "The line has no status.")
        return {}
    stage = _milestone(status, f"{field}.MinFulfillmentStatusId", problems)
    if highest is not None and lowest != highest:
        problems.warn(
            "quantity_detail_missing",
            field,
            "The line's units have different statuses, and the units of each are not given; "
            "all count as the lowest.",
            "Add QuantityDetail to search_template.",
            f"{lowest} to {highest}",
        )
    return {stage: quantity} if quantity else {}


def _milestone(status: Decimal, field: str, problems: Findings) -> Milestone:
    try:
        return sale_milestone(to_number(status, field), field)
    except RecordRejected as rejected:
        problems.add(rejected)
        return Milestone.CREATED


def _word(status: msgspec.Raw, problems: Findings) -> str:
    try:
        return folded(msgspec.json.decode(status))
    except (ValueError, RecursionError) as error:
        text = f"The status of a cancel request can't be read: {error}"
        problems.unreadable("PostReleaseModificationStatus", text)
        return ""


def _is_canceled(line: Line, problems: Findings) -> bool:
    status, field = line.max_fulfillment_status_id, "MaxFulfillmentStatusId"
    return status is not None and _milestone(status, field, problems) is Milestone.CANCELED


def _is_return(line: Line) -> bool:
    """Return whether a line belongs to a return, which the parent's own line shows as well."""
    if line.is_return or text_of(line.parent_order_id):
        return True
    statuses = [line.min_fulfillment_status_id]
    statuses += [detail.status_id for detail in line.quantity_detail or ()]
    return any(
        status is not None and status.is_finite() and is_return_status(status)
        for status in statuses
    )
