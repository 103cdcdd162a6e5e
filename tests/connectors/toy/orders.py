"""Orders in the folder, as a target: a file is made once, and canceled if nothing has left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from domain.delivery import Claimed, Held, Operation, OrderCancel, Outcome, Question, outcome_of
from domain.errors import Problem, RecordRejected
from domain.exchange import ExchangeLog, Receipt
from domain.reconciliation import Difference
from domain.records.orders import Order
from domain.rules.ship_from import NodePlace
from tests.connectors.toy.client import Files

OPEN, CANCELED = "open", "canceled"
OWN = frozenset({"status", "updated"})
"""What the folder says of an order; all else is as the store has sent it."""


class ToyOrders:
    """``domain.targets.OrderTarget``, without ``update``: the warehouse may have read the file."""

    operations: Mapping[str, Operation] = {
        # A name is taken once, so an uncertain file is looked for, not made again.
        "create": Operation("find", creates=True, replaces=False),
        "cancel": Operation(replaces=False),
    }
    ships_from: ClassVar[NodePlace] = "nowhere"
    acts_for = 0.01
    """A write is over when its call is."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def payload(self, order: Order) -> dict[str, object]:
        """Map an order to its file."""
        address = next((g.address for g in order.groups if g.address is not None), order.billing)
        return {
            "id": order.order_id,
            "store_order": order.source_id,
            "number": order.number,
            "currency": order.currency,
            "total": str(order.total),
            "addressee": [
                f"{address.first_name} {address.last_name}",
                address.line_1,
                address.line_2,
                f"{address.postcode} {address.city}",
                address.country,
            ],
            "lines": [
                {
                    "line": line.line_id,
                    "sku": line.sku,
                    "units": str(line.quantity),
                    "price": str(line.unit_price),
                }
                for line in order.lines
            ],
        }

    def change(
        self, known: Mapping[str, object], wanted: Mapping[str, object], *, whole: bool = False
    ) -> dict[str, object] | None:
        """Return what differs, with the id: it can't be sent, but a rejection names it."""
        names = [name for name in wanted if whole or known.get(name) != wanted[name]]
        return {name: wanted[name] for name in ("id", *names)} if names else None

    def units(self, content: Mapping[str, object]) -> dict[str, Decimal]:
        """Return by SKU the units of a ``payload``."""
        units: dict[str, Decimal] = {}
        lines: Any = content["lines"]
        for line in lines:
            units[line["sku"]] = units.get(line["sku"], Decimal(0)) + Decimal(line["units"])
        return units

    def compare(
        self, payload: bytes, wanted: Mapping[str, object]
    ) -> tuple[dict[str, object], list[Difference]]:
        """Return what a captured order holds of ``wanted``, and the differences."""
        held = _sent(orjson.loads(payload)["order"])
        return held, [
            Difference(name, "as in the store", "another value", can_repair=False)
            for name in self.change(held, wanted) or ()
            if name != "id"
        ]

    @asynccontextmanager
    async def writer(self, log: ExchangeLog) -> AsyncIterator[OrdersWriter]:
        """Open the folder for writing."""
        yield OrdersWriter(self._files, log)


class OrdersWriter:
    """``domain.targets.Writer`` of orders."""

    def __init__(self, files: Files, log: ExchangeLog) -> None:
        self._files, self._log = files, log

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Save or cancel orders, a file each."""
        return [await outcome_of(self._apply(one)) for one in claimed]

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return the orders that are as they were to be made; another one of that id is not it."""
        found = [
            (each, self._order(each["id"])) for each in (one.content.wanted for one in claimed)
        ]
        return [
            Receipt(wanted["id"]) if _sent(order) == wanted and wanted["id"] not in owned else None
            for wanted, order in found
        ]

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what the folder holds of orders."""
        found = {order_id: self._order(order_id) for order_id in asked}
        return {
            order_id: Held(order_id, _sent(order), is_canceled=order["status"] == CANCELED)
            for order_id, order in found.items()
            if order
        }

    async def _apply(self, claimed: Claimed) -> Receipt:
        content = claimed.content
        if isinstance(content, OrderCancel):
            return self._cancel(content.order_id, claimed.correlation_id)
        order_id = str(content.wanted["id"])
        if order := self._order(order_id):
            if _sent(order) != content.wanted:
                raise _refused("order_exists_differently", "the folder has another order of its id")
            return Receipt(order_id)
        self._write({**content.payload, "status": OPEN}, claimed.correlation_id)
        return Receipt(order_id)

    def _cancel(self, order_id: str, correlation_id: str) -> Receipt:
        order = self._order(order_id)
        if order.get("status") == CANCELED:
            return Receipt(order_id)
        if order_id in self._files.shipments_by_order():
            raise _refused("cancel_refused", "it has shipped")
        self._write({**order, "status": CANCELED}, correlation_id)
        return Receipt(order_id)

    def _write(self, order: Mapping[str, object], correlation_id: str) -> None:
        stamped = {**order, "updated": datetime.now(UTC).isoformat()}
        self._files.write(stamped, correlation_id, self._log)

    def _order(self, order_id: str) -> dict[str, Any]:
        order: dict[str, Any] = orjson.loads(self._files.order(order_id) or b"{}")
        return order


def _sent(order: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in order.items() if name not in OWN}


def _refused(code: str, reason: str) -> RecordRejected:
    message = f"The folder does not take it: {reason}."
    return RecordRejected(Problem(code, "id", message, "Check the order's file, and correct it."))
