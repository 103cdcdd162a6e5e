"""What the ledger knows of the refunds of one return, and which of its units are owed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

import orjson

from domain.connections import UomRule
from domain.delivery import StoreRefund
from domain.errors import Problem
from domain.identity import content_digest
from domain.records.orders import ONE
from domain.records.returns import Return
from resources.ledger.rows import KnownLine, TargetRow

Lines = Mapping[str, KnownLine]
"""Line id -> line of the store's order."""


@dataclass
class ReturnState:
    """The refunds that were made for one return; grows with each that is made or found."""

    refunds: dict[str, StoreRefund] = field(default_factory=dict)
    """By their id at the payment service."""
    applied_at: str = ""
    sequence: int = 0

    @classmethod
    def from_ledger(cls, known: TargetRow | None) -> ReturnState:
        """Read what the ledger holds."""
        if known is None:
            return cls()
        content = orjson.loads(known.content)
        refunds = {
            name: StoreRefund(
                stored["id"],
                stored["units"],
                Decimal(stored["amount"]),
                known.target_key,
                stored["key"],
                stored["declined"],
            )
            for name, stored in content["refunds"].items()
        }
        return cls(refunds, content["applied_at"], known.sequence)

    def to_row(self, record: Return) -> TargetRow:
        """Return the ledger's row of this state."""
        refunds = {
            name: {
                "id": refund.refund_id,
                "units": dict(refund.units),
                "amount": str(refund.amount),
                "key": refund.key,
                "declined": refund.declined,
            }
            for name, refund in self.refunds.items()
        }
        content = orjson.dumps({"refunds": refunds, "applied_at": self.applied_at})
        return TargetRow(
            record.return_id,
            record.source_id,
            content,
            content_digest(content),
            "",
            self.sequence,
            record.updated_at,
        )

    def note(self, refund: StoreRefund) -> None:
        """Take note of a refund; one of nothing has no id."""
        self.refunds[refund.refund_id or refund.key] = refund

    def left_of(self, confirmed: Mapping[str, int]) -> dict[str, int]:
        """Return line id -> units that are confirmed and not refunded; negative where it's more."""
        left = dict(confirmed)
        for refund in self.refunds.values():
            for line_id, units in refund.units.items():
                left[line_id] = left.get(line_id, 0) - units
        return {line_id: units for line_id, units in left.items() if units}


class Confirmed(NamedTuple):
    """The units of an order that are owed for a return, and why some can't be expressed."""

    units: dict[str, int]
    """The store's line id -> units in the store's unit."""
    problems: tuple[Problem, ...]


def confirmed_units(record: Return, lines: Lines, uom_rules: Mapping[str, UomRule]) -> Confirmed:
    """Convert a return's confirmed units to the store's; what can't be keeps only its line back."""
    units: dict[str, int] = {}
    problems: list[Problem] = []
    skus = {line.order_line_id: line.sku for line in record.lines}
    for line_id, quantity in sorted(record.confirmed().items()):
        known = lines.get(line_id)
        if known is None:
            problems.append(_line_unknown(record, line_id))
            continue
        rule = uom_rules.get(skus[line_id])
        factor = known.factor or (rule.factor if rule is not None else ONE)
        number = quantity / factor
        if number != number.to_integral_value():
            problems.append(_not_whole(record, line_id, skus[line_id], quantity, factor))
            continue
        units[line_id] = int(number)
    return Confirmed(units, tuple(problems))


def _line_unknown(record: Return, line_id: str) -> Problem:
    return Problem(
        "line_not_in_store",
        f"lines[{line_id}]",
        f"The return {record.return_id} has a line of which the store's order {record.source_id} "
        "has none.",
        "Check whether the order was edited at the OMS; refund the line in the store by hand and "
        "discard this rejection.",
        line_id,
    )


def _not_whole(
    record: Return, line_id: str, sku: str, quantity: Decimal, factor: Decimal
) -> Problem:
    return Problem(
        "quantity_not_whole",
        f"lines[{line_id}].quantity",
        f"The return {record.return_id} has {quantity:f} confirmed of the OMS's units of {sku}, "
        f"and the store's unit is {factor:f} of them, so the store can't refund them.",
        "Refund the line in the store by hand and discard this rejection. If no return of the SKU "
        "can be refunded, correct its rule in orders.uom_rules.",
        str(quantity),
    )
