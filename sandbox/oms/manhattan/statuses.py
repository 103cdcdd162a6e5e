"""Fulfilment statuses of the order component and their roll-up (oms.md 1.6).

The units of a line are in ``QuantityDetail``; line and order carry the lowest and the highest
status among them. Cancelled units are left out of the roll-up unless nothing else is left. The
contract does not say so, but a canceled line that raised the order's maximum to 9000 would block
every later change of the remaining lines.
"""

from __future__ import annotations

import zlib
from typing import Any

Json = dict[str, Any]

OPEN = 1000.0
BACK_ORDERED = 1500.0
ALLOCATED = 2000.0
RELEASED = 3000.0
IN_PROCESS = 3500.0
PICKED = 3600.0
PACKED = 3700.0
FULFILLED = 7000.0
DELIVERED = 7500.0
PENDING_RETURN = 8000.0
RETURNED = 8500.0
CANCELED = 9000.0
RETURN_PENDING = 11000.0
RETURN_APPROVAL = 13000.0
RETURN_SCANNED = 14000.0
RETURN_RECEIVED = 15000.0
RETURN_CONFIRMED = 18000.0
RETURN_CANCELED = 19000.0

NAMES = {
    OPEN: "Open",
    BACK_ORDERED: "Back Ordered",
    1600.0: "Awaiting Procurement",
    ALLOCATED: "Allocated",
    RELEASED: "Released",
    IN_PROCESS: "In Process",
    PICKED: "Picked",
    PACKED: "Packed",
    FULFILLED: "Fulfilled",
    DELIVERED: "Delivered",
    PENDING_RETURN: "Pending Return",
    RETURNED: "Returned",
    CANCELED: "Canceled",
    RETURN_PENDING: "Pending Return",
    RETURN_APPROVAL: "Pending Approval",
    RETURN_SCANNED: "Carrier Scanned",
    RETURN_RECEIVED: "Received",
    RETURN_CONFIRMED: "Returned",
    RETURN_CANCELED: "Canceled",
}
GONE = (CANCELED, RETURN_CANCELED)


def base_status(status: float) -> float:
    """Return the highest standard status not above an extended one: 2000.100 -> 2000."""
    return max((known for known in NAMES if known <= status), default=OPEN)


def to_text(status: float, *, decimals: bool) -> str:
    """Format a status id as ``7000`` or ``7000.000``; an extended one always has its decimals."""
    return f"{status:.3f}" if decimals or status != int(status) else str(int(status))


def units_of(line: Json) -> list[tuple[float, Json]]:
    """Return the status and the entry of each group of units of a line."""
    return [(float(unit["StatusId"]), unit) for unit in line["QuantityDetail"]]


def roll_up(order: Json, style: str, names: dict[str, str]) -> tuple[float, float]:
    """Set the statuses of units, lines and order, and return the order's lowest and highest."""
    header_decimals = line_decimals = style == "decimal"
    if style == "mixed":
        # Both spellings in one body, and which level has which varies by order: a reader must
        # compare numbers, never text.
        header_decimals = bool(zlib.crc32(str(order["OrderId"]).encode()) & 1)
        line_decimals = not header_decimals
    lows: list[float] = []
    highs: list[float] = []
    for line in order["OrderLine"]:
        units = units_of(line)
        for status, unit in units:
            unit["StatusId"] = to_text(status, decimals=header_decimals)
        low, high = _span([status for status, _ in units])
        line["IsCancelled"] = low in GONE
        _write(line, low, high, names, decimals=line_decimals)
        lows.append(low)
        highs.append(high)
    low, high = _span(lows)[0], _span(highs)[1]
    order["IsCancelled"] = low in GONE
    _write(order, low, high, names, decimals=header_decimals)
    return low, high


def _span(statuses: list[float]) -> tuple[float, float]:
    live = [status for status in statuses if status not in GONE] or statuses or [OPEN]
    return min(live), max(live)


def _write(entity: Json, low: float, high: float, names: dict[str, str], *, decimals: bool) -> None:
    entity["MinFulfillmentStatusId"] = to_text(low, decimals=decimals)
    entity["MaxFulfillmentStatusId"] = to_text(high, decimals=decimals)
    base = base_status(high)
    name = names.get(to_text(base, decimals=False), NAMES[base])
    entity["FulfillmentStatus"] = name if low == high else f"Partially {name}"
