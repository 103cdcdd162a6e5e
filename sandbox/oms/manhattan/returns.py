"""Returned units on the parent sale line: Pending Return, then Returned (oms.md 1.6 and 1.9).

``return_lines`` moves them alone, as where the tenant's search does not show return orders.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.oms.manhattan.statuses import (
    DELIVERED,
    FULFILLED,
    PENDING_RETURN,
    RETURNED,
    base_status,
    units_of,
)
from sandbox.oms.manhattan.stock import as_decimal, as_number

Json = dict[str, Any]


def return_lines(order: Json, wanted: list[Json] | None, *, received: bool) -> int | float:
    """Move shipped units to 8000, or to 8500 once ``received``, and return how many moved.

    ``wanted`` is ``[{line, quantity}]``, or None for all. Raises ValueError where a line has too
    few units to return.
    """
    total = Decimal(0)
    by_id = {line["OrderLineId"]: line for line in order["OrderLine"]}
    for line_id, quantity in (
        [(w["line"], w.get("quantity")) for w in wanted]
        if wanted is not None
        else [(i, None) for i in by_id]
    ):
        line = by_id[line_id]
        sources = (FULFILLED, DELIVERED, PENDING_RETURN) if received else (FULFILLED, DELIVERED)
        total += move_units(
            line,
            sources,
            RETURNED if received else PENDING_RETURN,
            None if quantity is None else as_decimal(quantity),
        )
    if not total:
        raise ValueError(f"order {order['OrderId']!r} has no shipped units to return")
    return as_number(total)


def move_units(
    line: Json, sources: tuple[float, ...], target: float, quantity: Decimal | None
) -> Decimal:
    """Move units of a line between statuses, and return how many; ``None``: all that can.

    Raises ValueError where the line has too few of them.
    """
    moved = Decimal(0)
    units: list[Json] = []
    # Units with an announced return come first: a receipt completes their return before it opens
    # another.
    for status, unit in sorted(units_of(line), key=lambda pair: -pair[0]):
        have = as_decimal(unit["Quantity"])
        share = have if quantity is None else min(have, quantity - moved)
        if base_status(status) not in sources or share <= 0:
            units.append(unit)
            continue
        moved += share
        units.append({**unit, "StatusId": str(target), "Quantity": as_number(share)})
        if share < have:
            units.append({**unit, "Quantity": as_number(have - share)})
    if quantity is not None and moved < quantity:
        raise ValueError(
            f"line {line['OrderLineId']!r} has only {moved} units to return, not {quantity}"
        )
    line["QuantityDetail"] = units
    return moved
