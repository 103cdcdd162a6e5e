"""How far the units of orders are, as stock counts them: awaiting shipment, or shipped."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from domain.rules.export import ended_by
from resources.ledger.records.fulfilment_progress import ProgressRow
from resources.ledger.rows import AcceptedRecord

RELEASED = (Milestone.RELEASED, Milestone.PICKED, Milestone.PACKED)
SHIPPED = (Milestone.SHIPPED, Milestone.DELIVERED, Milestone.RETURNED)


def progress_of(
    accepted: AcceptedRecord, fulfilment: Fulfilment, unshipped: Collection[str]
) -> ProgressRow:
    """Return an order's progress; ``unshipped`` are its lines that are not shipped at all."""
    units = [
        part for line in fulfilment.lines if line.line_id not in unshipped for part in line.units
    ]
    awaiting, shipped = (
        sum((u.quantity for u in units if u.milestone in stages), Decimal(0))
        for stages in (RELEASED, SHIPPED)
    )
    return ProgressRow(
        fulfilment.source_id,
        fulfilment.order_id,
        awaiting,
        shipped,
        accepted.correlation_id,
        fulfilment.updated_at,
        ended_by([fulfilment.milestone(unshipped, at_most=Milestone.SHIPPED)]),
    )
