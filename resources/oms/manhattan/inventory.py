"""A stock level from a row of Manhattan's network or location availability (oms.md, section 1.8). Pure.

The network view answers a zero row for an item that it does not know, and nothing in the row need tell it from one without stock: then
only the item master tells them apart, which is the caller's to ask. Where a tenant's rows do tell (``codes.unknown_item_statuses``), such a
row is skipped by the rule ``item_unknown``, so that missing never looks like zero. The location view answers no row at all.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec
from pydantic import ValidationError

from domain.connections import InventoryPolicy
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.inventory import StockLevel
from resources.oms.manhattan.envelope import words_of
from resources.oms.manhattan.payload import Id, Number, moment_of, text_of, to_number, unreadable
from resources.oms.manhattan.settings import ManhattanSettings

Status = Literal["in_stock", "limited", "out_of_stock", "unknown"]


class StockRow(msgspec.Struct, rename="pascal"):
    """One row of either view; ``quantity`` is by location type in the network view, one number in the location view."""

    item_id: Id = None
    location_id: Id = None
    view_name: Id = None
    status: Id = None
    status_code: int | str | float | None = None
    total_quantity: Number = None
    quantity: dict[str, Number] | Decimal | None = None
    next_availability_date: str | None = None
    transaction_date_time: str | None = None
    is_infinite_availability: bool | None = None


_ROW = msgspec.json.Decoder(StockRow)


class StockMapper:
    """Maps availability rows by one connection's settings."""

    def __init__(self, settings: ManhattanSettings, policy: InventoryPolicy) -> None:
        self._zone = settings.zone
        self._view = policy.view
        self._statuses = settings.codes.stock_statuses
        self._unknown = frozenset(map(words_of, settings.codes.unknown_item_statuses))

    def level(self, payload: bytes) -> Mapped[StockLevel] | Skipped:
        """Return the level that a row tells; raises ``RecordRejected`` ``oms_payload_unreadable``."""
        try:
            row = _ROW.decode(payload)
        except (ValueError, RecursionError) as error:
            raise unreadable("ItemId", f"The availability row can't be read: {error}") from error
        sku = text_of(row.item_id)
        if row.status is not None and words_of(row.status) in self._unknown:
            return Skipped(
                "item_unknown", f"the OMS does not know the item {sku}: status {row.status}"
            )
        infinite = bool(row.is_infinite_availability)
        observed = moment_of(row.transaction_date_time, "TransactionDateTime", self._zone)
        try:
            level = StockLevel(
                sku=sku,
                node=text_of(row.location_id) or text_of(row.view_name) or self._view,
                available=_available(row, infinite=infinite),
                infinite=infinite,
                status=self._status(row),
                expected_at=moment_of(
                    row.next_availability_date, "NextAvailabilityDate", self._zone
                ),
                observed_at=observed,
            )
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise unreadable(".".join(map(str, first["loc"])), first["msg"]) from error
        return Mapped(level)

    def _status(self, row: StockRow) -> Status:
        code = row.status_code
        return self._statuses.get(
            str(int(code)) if isinstance(code, float) and code.is_integer() else text_of(code),
            "unknown",
        )


def _available(row: StockRow, *, infinite: bool) -> Decimal:
    """Return the row's number: the total, else the sum over location types; of an infinite item it means nothing."""
    if row.total_quantity is not None:
        return _counted(row.total_quantity, row)
    if isinstance(row.quantity, dict):
        return sum((_counted(part, row) for part in row.quantity.values()), Decimal(0))
    if row.quantity is not None:
        return _counted(row.quantity, row)
    if infinite:
        return Decimal(0)
    raise unreadable(
        "Quantity",
        "The row holds no quantity, which is not the same as none in stock.",
        text_of(row.item_id),
    )


def _counted(value: Number, row: StockRow) -> Decimal:
    if value is not None and value.is_finite() and value < 0:
        advice = "Availability is never negative at the OMS; look at the item's supply there."
        raise RecordRejected(
            Problem(
                "quantity_negative",
                "Quantity",
                "The availability is negative.",
                advice,
                f"{row.item_id}: {value}",
            )
        )
    return to_number(value, "Quantity")
