"""The units of a return in the store's unit: expected, arrived and confirmed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from domain.errors import Problem
from domain.policies import UomRule
from domain.records.orders import ONE
from domain.records.returns import Return, ReturnStatus
from domain.skus import BySku
from resources.ledger.rows import KnownLine

Lines = Mapping[str, KnownLine]
"""Line id -> line of the store's order."""
ARRIVED = (ReturnStatus.RECEIVED, ReturnStatus.CONFIRMED)
EXPECTED = (ReturnStatus.ANNOUNCED, *ARRIVED)
NOT_SHOWN = (
    "The store does not show these units of the return. They become a rejection if they are "
    "confirmed so; if no return of the SKU can be shown, correct its rule in orders.uom_rules."
)


@dataclass(frozen=True)
class Counted:
    """Line id -> units of a return in the store's unit, by how far they are."""

    arrived: Mapping[str, int] = field(default_factory=dict)
    """Empty where the store shows no returns."""
    confirmed: Mapping[str, int] = field(default_factory=dict)
    expected: Mapping[str, int] = field(default_factory=dict)
    """With those that are announced; empty where the store shows none of them."""
    kept_back: tuple[Problem, ...] = ()
    """Why confirmed units can't be expressed, so that they can't be refunded."""
    not_shown: tuple[Problem, ...] = ()
    """Why other units can't be expressed, which the store then does not show."""


def count_units(
    record: Return,
    lines: Lines,
    uom_rules: BySku[UomRule],
    *,
    shown: bool,
    announced: bool,
) -> Counted:
    """Count the units that are confirmed, and of what the store shows those that arrived.

    ``announced``: the store shows units that are only expected, too.
    """
    confirmed = store_units(record, record.confirmed(), lines, uom_rules)
    counted = Counted(confirmed=confirmed.units, kept_back=confirmed.problems)
    if not shown:
        return counted
    arrived = store_units(record, record.in_status(*ARRIVED), lines, uom_rules)
    expected = StoreUnits({}, arrived.problems)
    if announced:
        expected = store_units(record, record.in_status(*EXPECTED), lines, uom_rules)
    rejected = {problem.field for problem in confirmed.problems}
    return replace(
        counted,
        arrived=arrived.units,
        expected=expected.units,
        not_shown=tuple(
            replace(problem, advice=NOT_SHOWN)
            for problem in expected.problems
            if problem.field not in rejected
        ),
    )


class StoreUnits(NamedTuple):
    """Units of a return in the store's unit, and why some can't be expressed."""

    units: dict[str, int]
    """The store's line id -> units."""
    problems: tuple[Problem, ...]


def store_units(
    record: Return,
    quantities: Mapping[str, Decimal],
    lines: Lines,
    uom_rules: BySku[UomRule],
) -> StoreUnits:
    """Convert units by the order's line; what can't be converted keeps only its line back."""
    units: dict[str, int] = {}
    problems: list[Problem] = []
    skus = {line.order_line_id: line.sku for line in record.lines}
    for line_id, quantity in sorted(quantities.items()):
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
    return StoreUnits(units, tuple(problems))


def _line_unknown(record: Return, line_id: str) -> Problem:
    return Problem(
        "line_not_in_store",
        f"lines[{line_id}]",
        f"The return {record.return_id} has a line that is not in the store's order "
        f"{record.source_id}.",
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
        f"The return {record.return_id} has {quantity:f} of the OMS's units of {sku}, "
        f"and the store's unit is {factor:f} of them, so the store can't refund them.",
        "Refund the line in the store by hand and discard this rejection. If no return of the SKU "
        "can be refunded, correct its rule in orders.uom_rules.",
        str(quantity),
    )
