"""What a look at the OMS shows of an order: what it holds, and which deliveries have happened."""

from __future__ import annotations

from uuid import UUID

import orjson

from assets.delivery.plan import Due
from assets.streams.orders.cancel_answers import CANCELED
from domain.delivery import Held
from domain.records.orders import Order
from resources.ledger.rows import SettleRow, TargetRow, UnsettledDelivery

LOOKED_UP = "the OMS was asked for what it holds"


def as_read(due: Due[Order], held: Held) -> TargetRow:
    """Return what the OMS holds as it was read."""
    before = due.known
    milestone = before.milestone if before is not None else ""
    if held.is_canceled:
        milestone = CANCELED
    elif milestone == CANCELED:
        milestone = ""
    return TargetRow.as_read(
        before,
        due.accepted.source_id,
        held.target_id,
        orjson.dumps(held.content),
        due.accepted.source_updated_at,
        milestone,
    )


def settlement(
    delivery: UnsettledDelivery, target_id: str, *, is_new: bool, is_canceled: bool
) -> SettleRow:
    """Return the outcome of a delivery by what the OMS holds, which does not show a change."""
    key: UUID = delivery.delivery_key
    happened = (delivery.action == "create" and is_new) or (
        delivery.action == "cancel" and is_canceled
    )
    state = "delivered" if happened else "superseded"
    return SettleRow(key, state, target_id if happened else "", error=LOOKED_UP)
