"""Canonical returns: what an OMS has of the units that shoppers send back, and of their refund."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import structs

from domain.records.record import Record, check_keys, check_moment, check_quantity, check_sku
from domain.values import Key, PositiveQuantity, Quantity, Sku, UtcDatetime

ZERO = Decimal(0)


class ReturnStatus(StrEnum):
    """How far units of a return are; each connector has its own table of statuses."""

    ANNOUNCED = "announced"
    """The shopper still has them, or a carrier."""
    RECEIVED = "received"
    """They have arrived; whether they are taken back is not decided."""
    CONFIRMED = "confirmed"
    """Their disposition is confirmed: what was paid for them is owed to the shopper."""
    CANCELED = "canceled"


class ReturnUnits(Record, frozen=True, kw_only=True):
    """How many units of a line are in one status."""

    status: ReturnStatus
    quantity: PositiveQuantity

    def __post_init__(self) -> None:
        check_quantity(self, self.quantity, positive=True)


class ReturnLine(Record, frozen=True, kw_only=True):
    """Units of one line of the order that come back; quantities are in the OMS's unit."""

    line_id: Key
    """Of the return."""
    order_line_id: Key
    """Of the order."""
    sku: Sku
    quantity: Quantity
    """All units of the line, canceled ones included."""
    units: tuple[ReturnUnits, ...]
    condition_code: Key = ""
    """The OMS's code for the condition in which they arrived."""
    reason_code: Key = ""
    """The OMS's code for why they come back."""
    tracking_number: Key = ""

    def __post_init__(self) -> None:
        check_sku(self, self.sku)
        check_keys(
            self,
            self.line_id,
            self.order_line_id,
            self.condition_code,
            self.reason_code,
            self.tracking_number,
        )
        check_quantity(self, self.quantity)

    def in_status(self, *statuses: ReturnStatus) -> Decimal:
        """Return how many units are in one of the statuses."""
        return sum((part.quantity for part in self.units if part.status in statuses), ZERO)


class Return(Record, frozen=True, kw_only=True):
    """The OMS's state of one return at ``updated_at``; its quantities are cumulative."""

    return_id: Key
    order_id: Key
    """The id at the OMS of the order whose units come back."""
    source_id: Key = ""
    """That order's id at the store, by its link; empty until it is looked up."""
    lines: tuple[ReturnLine, ...]
    is_refunded: bool = True
    """The shopper gets money back. False for an exchange, which is settled by its new order."""
    unsettled: str = ""
    """Why neither a refund nor new goods are sure to settle all of it; empty if they are."""
    updated_at: UtcDatetime

    def __post_init__(self) -> None:
        check_keys(self, self.return_id, self.order_id, self.source_id)
        check_moment(self, "updated_at")

    def as_of(self, moment: UtcDatetime) -> Return:
        """Return the version with the time by which versions are ordered."""
        return self if self.updated_at == moment else structs.replace(self, updated_at=moment)

    def confirmed(self) -> dict[str, Decimal]:
        """Return the order's line id -> units whose disposition is confirmed, those with any."""
        return self.in_status(ReturnStatus.CONFIRMED)

    def in_status(self, *statuses: ReturnStatus) -> dict[str, Decimal]:
        """Return the order's line id -> units in one of the statuses, those with any."""
        units: dict[str, Decimal] = {}
        for line in self.lines:
            if number := line.in_status(*statuses):
                units[line.order_line_id] = units.get(line.order_line_id, ZERO) + number
        return units
