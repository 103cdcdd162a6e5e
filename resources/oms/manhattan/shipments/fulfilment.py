"""How far Manhattan has come with an order, from its published form. Pure; a payload of any other shape is a rejection."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec
from pydantic import ValidationError

from domain.connections import Connection
from domain.errors import Problem
from domain.exchange import Mapped, Skipped
from domain.milestones import STAGES, Milestone
from domain.records.fulfilment import Fulfilment, LineProgress, Units
from domain.records.orders import DeliveryMethod
from domain.values import is_of_this_era
from resources.oms.manhattan.envelope import words_of
from resources.oms.manhattan.payload import (
    Line,
    PublishedOrder,
    moment_of,
    read_order,
    text_of,
    to_number,
    unreadable,
)
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.shipments.parcels import ParcelMapper
from resources.oms.manhattan.statuses import is_return_status, sale_milestone

CancelAnswer = Literal["requested", "accepted", "rejected"]
ZERO = Decimal(0)


class FulfilmentMapper:
    """Maps published orders by one connection's settings."""

    def __init__(self, settings: ManhattanSettings, connection: Connection) -> None:
        self._zone = settings.zone
        self._prefix = connection.orders.order_id_prefix
        codes = settings.codes
        without = frozenset(
            codes.delivery_methods[method]
            for method in (DeliveryMethod.PICKUP, DeliveryMethod.EMAIL)
        )
        self._parcels = ParcelMapper(connection.shipments.carriers, without, self._zone)
        self._answers: dict[str, CancelAnswer] = dict.fromkeys(
            map(words_of, codes.cancel_requested), "requested"
        )
        self._answers |= dict.fromkeys(map(words_of, codes.cancel_accepted), "accepted")
        self._answers |= dict.fromkeys(map(words_of, codes.cancel_rejected), "rejected")

    def fulfilment(self, payload: bytes) -> Mapped[Fulfilment] | Skipped:
        """Return the order's state; raises ``RecordRejected`` for unknown statuses and unreadable payloads."""
        order = read_order(payload)
        order_id = text_of(order.order_id)
        if not order_id:
            raise unreadable("OrderId", "The order has no id.")
        if skipped := self._not_ours(order, order_id):
            return skipped
        lines = [line for line in order.order_line or () if not _is_return(line)]
        if order.order_line and not lines:
            return Skipped(
                "return_order",
                f"{order_id} holds lines of a return only; the sale's own lines tell what is returned",
            )
        warnings: list[Problem] = []
        try:
            record = Fulfilment(
                order_id=order_id,
                source_id=order_id.removeprefix(self._prefix),
                lines=tuple(self._progress(line, warnings) for line in lines),
                parcels=self._parcels.parcels(order, lines, warnings),
                cancel_answer=self._cancel_answer(order, lines, warnings),
                updated_at=self._updated_at(order),
            )
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise unreadable(".".join(map(str, first["loc"])), first["msg"]) from error
        return Mapped(record, tuple(warnings))

    def _not_ours(self, order: PublishedOrder, order_id: str) -> Skipped | None:
        """Skip orders of other sources: without the connection's prefix, or where there is none, without a store's id."""
        if not order_id.startswith(self._prefix) or order_id == self._prefix:
            return Skipped(
                "not_from_this_store",
                f"{order_id} does not begin with the connection's order_id_prefix {self._prefix!r}",
            )
        if not self._prefix and not text_of(order.alternate_order_id):
            return Skipped(
                "not_from_this_store",
                f"{order_id} has no AlternateOrderId, so no store has sent it",
            )
        return None

    def _updated_at(self, order: PublishedOrder) -> datetime:
        moment = moment_of(order.stamp(), "UpdatedTimestamp", self._zone)
        if moment is None:
            raise unreadable("UpdatedTimestamp", "The order does not say when it was changed.")
        if not is_of_this_era(moment):
            raise unreadable(
                "UpdatedTimestamp",
                "The order was changed in another century, says its time.",
                moment.isoformat(),
            )
        return moment

    def _progress(self, line: Line, warnings: list[Problem]) -> LineProgress:
        line_id, sku = text_of(line.order_line_id), text_of(line.item_id)
        if not line_id:
            raise unreadable("OrderLine.OrderLineId", "A line has no id.")
        field = f"OrderLine[{line_id}]"
        history = line.order_line_cancel_history or []
        units = _standing(line, field, warnings)
        if history:
            # The quantity drops to 0 on cancel, and what QuantityDetail still says of canceled units is the same units again.
            units[Milestone.CANCELED] = sum(
                (to_number(entry.cancel_quantity, f"{field}.CancelQuantity") for entry in history),
                ZERO,
            )
        elif _is_gone(line) and not units:
            text = "The line is canceled, and its cancel history, which alone tells how many units, is missing."
            warnings.append(
                Problem(
                    "cancel_quantity_missing",
                    field,
                    text,
                    "Add OrderLineCancelHistory to search_template.",
                    line_id,
                )
            )
        order = (*STAGES, Milestone.CANCELED)
        reasons = [
            text_of(entry.cancel_reason.reason_id) for entry in history if entry.cancel_reason
        ]
        return LineProgress(
            line_id=line_id,
            sku=sku,
            ordered=sum(units.values(), ZERO),
            units=tuple(
                Units(milestone=stage, quantity=units[stage]) for stage in order if units.get(stage)
            ),
            cancel_reason=next((reason for reason in reversed(reasons) if reason), ""),
        )

    def _cancel_answer(
        self, order: PublishedOrder, lines: list[Line], warnings: list[Problem]
    ) -> CancelAnswer | None:
        """Return what became of a cancel request: open while any line waits, accepted only if every line that was asked is."""
        told = [order.post_release_modification_status]
        told += [
            raw
            for line in lines
            for raw in (line.cancellation_request_status, line.cancellation_request)
        ]
        answers: set[CancelAnswer] = set()
        for raw in told:
            word = _word(raw)
            if not word:
                continue
            if word in self._answers:
                answers.add(self._answers[word])
            else:
                advice = "Add the word to codes.cancel_requested, cancel_accepted or cancel_rejected of the oms section."
                text = "The status of a cancel request is not known."
                warnings.append(
                    Problem(
                        "cancel_status_unknown", "PostReleaseModificationStatus", text, advice, word
                    )
                )
        ranked: tuple[CancelAnswer, ...] = ("requested", "rejected", "accepted")
        return next((answer for answer in ranked if answer in answers), None)


def _standing(line: Line, field: str, warnings: list[Problem]) -> dict[Milestone, Decimal]:
    """Return the line's units by milestone, canceled ones included where ``QuantityDetail`` names them."""
    if line.quantity_detail:
        units: dict[Milestone, Decimal] = {}
        for detail in line.quantity_detail:
            where = f"{field}.QuantityDetail"
            quantity = to_number(detail.quantity, f"{where}.Quantity")
            if detail.status_id is None:
                raise unreadable(f"{where}.StatusId", "Units without a status.")
            stage = sale_milestone(
                to_number(detail.status_id, f"{where}.StatusId"), f"{where}.StatusId"
            )
            units[stage] = units.get(stage, ZERO) + quantity
        return units
    lowest, highest = (
        None if status is None else to_number(status, f"{field}.{name}FulfillmentStatusId")
        for name, status in (
            ("Min", line.min_fulfillment_status_id),
            ("Max", line.max_fulfillment_status_id),
        )
    )
    status = lowest if lowest is not None else highest
    quantity = to_number(line.quantity, f"{field}.Quantity")
    if status is None:
        raise unreadable(f"{field}.QuantityDetail", "The line says nothing of its status.")
    if highest is not None and lowest != highest:
        text = "The line's units stand at different statuses, and how many at which is not said; all count as the lowest."
        warnings.append(
            Problem(
                "quantity_detail_missing",
                field,
                text,
                "Add QuantityDetail to search_template.",
                f"{lowest} to {highest}",
            )
        )
    stage = sale_milestone(status, f"{field}.MinFulfillmentStatusId")
    return {stage: quantity} if quantity else {}


def _word(raw: msgspec.Raw) -> str:
    try:
        return words_of(msgspec.json.decode(raw))
    except (ValueError, RecursionError) as error:
        raise unreadable(
            "PostReleaseModificationStatus",
            f"The status of a cancel request can't be read: {error}",
        ) from error


def _is_gone(line: Line) -> bool:
    status = line.max_fulfillment_status_id
    return (
        status is not None
        and sale_milestone(to_number(status, "MaxFulfillmentStatusId"), "MaxFulfillmentStatusId")
        is Milestone.CANCELED
    )


def _is_return(line: Line) -> bool:
    """Tell whether a line is of a return, which its parent's own line reports as well."""
    if line.is_return or text_of(line.parent_order_id):
        return True
    statuses = [
        line.min_fulfillment_status_id,
        *(detail.status_id for detail in line.quantity_detail or ()),
    ]
    return any(
        status is not None and status.is_finite() and is_return_status(status)
        for status in statuses
    )
