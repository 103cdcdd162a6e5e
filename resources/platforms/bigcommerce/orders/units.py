"""Units that a captured order takes from stock, as far as its lines can be read. Pure.

For orders that are rejected: whatever is wrong with one, its units are sold.
"""

from __future__ import annotations

from decimal import Decimal

from domain.errors import RecordRejected
from domain.problems import DocumentProblems
from resources.platforms.bigcommerce.orders.consignments import parts_of
from resources.platforms.bigcommerce.orders.lines import whole_number
from resources.platforms.bigcommerce.orders.mapping import sources_of
from resources.platforms.bigcommerce.orders.refunds import is_refunded
from resources.platforms.bigcommerce.payload import CAPTURED_ORDERS, Line


def ordered_units(payload: bytes) -> dict[str, Decimal]:
    """Return SKU -> units in the store's unit, without those refunded before they shipped."""
    try:
        sources = sources_of(CAPTURED_ORDERS.check(payload).document)
    except RecordRejected:
        return {}  # no order can be read in it
    if is_refunded(sources.order):
        return {}
    if sources.products is not None:
        lines = [line for line in sources.products if line is not None]
    else:
        parts = parts_of(sources.order, DocumentProblems())
        lines = [line for part in parts for line, _, _ in part.lines]
    units: dict[str, Decimal] = {}
    for line in lines:
        sku, left = (line.sku or "").strip(), _units_of(line)
        if sku and left:
            units[sku] = units.get(sku, Decimal(0)) + left
    return units


def _units_of(line: Line) -> int:
    ordered = whole_number(line.quantity) or 0
    refunded = whole_number(line.quantity_refunded) or 0
    if line.is_refunded is True and not refunded:
        return 0
    return max(ordered - refunded, 0)
