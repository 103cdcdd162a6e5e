"""Returns from their published form: orders whose lines name the order that they return. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal

import msgspec

from domain.connections import Connection
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.parsing.vendor_documents import text_of
from domain.records.returns import Return, ReturnLine, ReturnStatus, ReturnUnits
from resources.oms.manhattan.parsing import Findings, unreadable
from resources.oms.manhattan.payload import ReturnedLine, ReturnOrder, decode_return
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.statuses import CANCELED, return_status

ZERO = Decimal(0)
MARKS = (b'"ParentOrderId"', b'"IsReturn"')
NONE = (b"null", b'""', b"false")


class _Marks(msgspec.Struct, rename="pascal"):
    parent_order_id: msgspec.Raw = msgspec.Raw(b"null")
    is_return: msgspec.Raw = msgspec.Raw(b"null")


class _Marked(msgspec.Struct, rename="pascal"):
    order_line: list[_Marks] | None = None


_MARKED = msgspec.json.Decoder(_Marked)


def is_return(payload: bytes) -> bool:
    """Return whether an order has lines of a return.

    An order that can't be read and names a parent is one, so that its rejection shows it.
    """
    if not any(mark in payload for mark in MARKS):
        return False
    try:
        lines = _MARKED.decode(payload).order_line or []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return True
    return any(
        bytes(m.parent_order_id) not in NONE or bytes(m.is_return) not in NONE for m in lines
    )


def is_return_line(line: ReturnedLine) -> bool:
    """Return whether a line comes back; of an exchange, others are the goods that go out."""
    return bool(line.is_return) or bool(text_of(line.parent_order_id))


class ReturnMapper:
    """Maps returns by one connection's settings."""

    def __init__(self, settings: ManhattanSettings, connection: Connection) -> None:
        self._zone = settings.zone
        policy = connection.orders
        self._prefix = policy.order_id_prefix
        self._channels = frozenset(
            {policy.default_selling_channel, *policy.selling_channels.values()}
        )
        self._refunded = frozenset(map(str.casefold, settings.codes.refunded_return_types))

    def to_return(self, payload: bytes, orders: Collection[str]) -> Mapped[Return] | Skipped:
        """Return what an order has of returned units.

        One of none of ``orders`` is skipped if it can't be the connection's. Raises
        ``RecordRejected`` with all problems.
        """
        decoded = decode_return(payload)
        order, problems = decoded.document, Findings(self._zone, decoded.problems)
        with problems.collecting():
            return self._mapped(order, problems, orders)

    def _mapped(
        self, order: ReturnOrder, problems: Findings, orders: Collection[str]
    ) -> Mapped[Return] | Skipped:
        return_id = text_of(order.order_id)
        if not return_id:
            raise unreadable("OrderId", "The return has no id.")
        lines = order.order_line or []
        returned = [line for line in lines if is_return_line(line)]
        if not returned:
            return Skipped("not_a_return", f"{return_id} has no line of a return")
        parents = list(dict.fromkeys(_parents(returned)))
        if parents.count("") == len(parents):
            return self._without_order(order, return_id)
        named = [parent for parent in parents if parent]
        if not any(parent in orders or self._may_be_own(parent) for parent in named):
            reason = f"{return_id} is a return of {named[0]}, not an order of this connection"
            return Skipped("not_from_this_store", reason)
        if len(parents) > 1:
            raise RecordRejected(_several(return_id, parents))
        new_goods = [line for line in lines if not is_return_line(line)]
        kinds = {self._is_refunded(line) for line in returned}
        mapped = tuple(self._line(line, problems) for line in returned)
        record = Return(
            return_id=return_id,
            order_id=named[0],
            lines=mapped,
            is_refunded=not new_goods and kinds == {True},
            unsettled=_unsettled(kinds, mapped, new_goods, problems),
            updated_at=problems.updated_at(order.stamp(), "return"),
        )
        return Mapped(record, tuple(problems.warnings))

    def _may_be_own(self, order_id: str) -> bool:
        """Return whether an order without a link looks like one of the connection's."""
        return order_id.startswith(self._prefix) and order_id != self._prefix

    def _without_order(self, order: ReturnOrder, return_id: str) -> Skipped:
        """Reject a return that names no order, unless it came through another sales channel."""
        if (channel := order.channel()) and channel not in self._channels:
            reason = f"{return_id} names no order, and came through the channel {channel}"
            return Skipped("not_from_this_store", reason)
        raise RecordRejected(
            Problem(
                "return_without_order",
                "OrderLine.ParentOrderId",
                f"The return {return_id} names no order whose units come back.",
                "Name the order in the OMS. If it is of another store, or was refunded without "
                "Lockstep, discard this rejection.",
                return_id,
            )
        )

    def _is_refunded(self, line: ReturnedLine) -> bool:
        kind = text_of(line.return_type.return_type_id) if line.return_type else ""
        return not kind or kind.casefold() in self._refunded

    def _line(self, line: ReturnedLine, problems: Findings) -> ReturnLine:
        line_id, parent = text_of(line.order_line_id), text_of(line.parent_order_line_id)
        field = f"OrderLine[{line_id}]"
        if not line_id:
            problems.unreadable("OrderLine.OrderLineId", "A line has no id.")
        if not parent:
            problems.unreadable(
                f"{field}.ParentOrderLineId", "The line names no line of its order."
            )
        units = _units(line, field, problems)
        condition, reason = line.received_item_condition, line.return_reason
        return ReturnLine(
            line_id=line_id,
            order_line_id=parent,
            sku=text_of(line.item_id),
            quantity=sum(units.values(), ZERO),
            units=tuple(
                ReturnUnits(status=status, quantity=units[status])
                for status in ReturnStatus
                if units.get(status)
            ),
            condition_code=text_of(condition.item_condition_id) if condition else "",
            reason_code=text_of(reason.reason_id) if reason else "",
            tracking_number=text_of(line.return_tracking_number),
        )


def _parents(lines: Collection[ReturnedLine]) -> Iterator[str]:
    for line in lines:
        yield text_of(line.parent_order_id)


def _several(return_id: str, parents: Collection[str]) -> Problem:
    named = ", ".join(parent or "none" for parent in parents)
    return Problem(
        "return_of_several_orders",
        "OrderLine.ParentOrderId",
        f"The lines of the return {return_id} name different orders: {named}.",
        "Make a return of each order in the OMS, or refund the units in the store and discard this "
        "rejection.",
        return_id,
    )


def _unsettled(
    kinds: Collection[bool],
    returned: Sequence[ReturnLine],
    new_goods: Sequence[ReturnedLine],
    problems: Findings,
) -> str:
    """Return why a return is not settled; ``kinds``: whether its lines are for a refund.

    New goods that others have replaced are no reason.
    """
    if new_goods and all(map(_is_canceled, new_goods)):
        return "all new goods of the exchange are canceled"
    if any(map(_has_canceled, new_goods)):
        there = (unit for line in returned for unit in line.units)
        back = sum((u.quantity for u in there if u.status is not ReturnStatus.CANCELED), ZERO)
        if sum((_outgoing(line, problems) for line in new_goods), ZERO) < back:
            return "new goods of the exchange are canceled, and fewer go out than come back"
    if len(kinds) > 1 and not new_goods:
        return "some of its lines are for a refund, and others are not"
    return ""


def _has_canceled(line: ReturnedLine) -> bool:
    """Return whether units of a line were canceled."""
    details = line.quantity_detail or ()
    in_status = any(detail.quantity and detail.status_id == CANCELED for detail in details)
    return in_status or bool(line.order_line_cancel_history) or _is_canceled(line)


def _outgoing(line: ReturnedLine, problems: Findings) -> Decimal:
    """Return the units of a line of new goods that go out, or have gone."""
    if _is_canceled(line):
        return ZERO
    field = f"OrderLine[{text_of(line.order_line_id)}]"
    if not line.quantity_detail:
        return problems.number(line.quantity, f"{field}.Quantity")
    live = (detail for detail in line.quantity_detail if detail.status_id != CANCELED)
    return sum((problems.number(one.quantity, f"{field}.QuantityDetail") for one in live), ZERO)


def _is_canceled(line: ReturnedLine) -> bool:
    """Return whether no unit of a line goes out any more."""
    details = line.quantity_detail or ()
    if any(detail.quantity and detail.status_id != CANCELED for detail in details):
        return False
    statuses = {line.max_fulfillment_status_id, *(detail.status_id for detail in details)}
    return CANCELED in statuses or (bool(line.order_line_cancel_history) and not line.quantity)


def _units(line: ReturnedLine, field: str, problems: Findings) -> dict[ReturnStatus, Decimal]:
    """Return the line's units by status; those that were canceled are in the cancel history."""
    units: dict[ReturnStatus, Decimal] = {}
    details = [
        (detail.status_id, detail.quantity, f"{field}.QuantityDetail")
        for detail in line.quantity_detail or ()
    ]
    if not details:
        # Without them all units count as in the line's lowest status: none is refunded too early.
        lowest = line.min_fulfillment_status_id
        details = [
            (line.max_fulfillment_status_id if lowest is None else lowest, line.quantity, field)
        ]
    for number, quantity, where in details:
        count = problems.number(quantity, f"{where}.Quantity")
        code = problems.number(number, f"{where}.StatusId")
        try:
            status = return_status(code, f"{where}.StatusId")
        except RecordRejected as rejected:
            problems.add(rejected)
            continue
        units[status] = units.get(status, ZERO) + count
    if history := line.order_line_cancel_history:
        units[ReturnStatus.CANCELED] = sum(
            (problems.number(e.cancel_quantity, f"{field}.CancelQuantity") for e in history), ZERO
        )
    return units
