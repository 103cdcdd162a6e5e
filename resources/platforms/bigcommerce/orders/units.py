"""Units that a captured order takes from stock, as far as its lines can be read. Pure.

For orders that are rejected: whatever is wrong with one, its units are sold. As in an order that is
mapped, a refund gives back only units that have not shipped: others come back as a return.
"""

from __future__ import annotations

from decimal import Decimal

from domain.errors import RecordRejected
from domain.parsing.problems import DocumentProblems
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
    if sources.products is not None:
        lines = [line for line in sources.products if line is not None]
    else:
        parts = parts_of(sources.order, DocumentProblems())
        lines = [line for part in parts for line, _, _ in part.lines]
    everything, returned = is_refunded(sources.order), sources.returned
    units: dict[str, Decimal] = {}
    for line in lines:
        sku, own = (line.sku or "").strip(), returned.get(str(line.id), 0)
        left = _units_of(line, own, everything=everything)
        if sku and left:
            units[sku] = units.get(sku, Decimal(0)) + left
    return units


def _units_of(line: Line, returned: int, *, everything: bool) -> int:
    """Return a line's units; a number that can't be read takes none of them off.

    Nor do units that were ``returned``: Lockstep has refunded them.
    """
    ordered = whole_number(line.quantity) or 0
    refunded = whole_number(line.quantity_refunded) or 0
    if everything or (line.is_refunded is True and not refunded):
        refunded = ordered
    shipped = whole_number(line.quantity_shipped)
    unshipped = max(ordered - shipped, 0) if shipped is not None else 0
    return ordered - min(max(0, refunded - returned), unshipped)
