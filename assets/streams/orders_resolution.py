"""What became of orders whose delivery is uncertain: the OMS is asked once nothing can act.

Until then a record with another intent waits in the ledger. The same intent, an upsert, is sent
again at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import orjson

from domain.errors import RecordRejected
from domain.identity import content_digest
from domain.records.orders import Order
from domain.records.record import decode_record
from resources.ledger.rows import AcceptedRecord, SettleRow, TargetRow, UnsettledDelivery
from resources.ledger.session import Session
from resources.lockstep import Sync

CANCELED, CANCEL_REQUESTED = "canceled", "cancel_requested"
LOOKED_UP = "the OMS was asked for what it holds"


class Uncertain(NamedTuple):
    """An order of the chunk with deliveries other than its present intent that may have acted."""

    accepted: AcceptedRecord
    order: Order
    deliveries: Sequence[UnsettledDelivery]


def look_up(
    sync: Sync, session: Session, uncertain: Sequence[Uncertain], known: Mapping[str, TargetRow]
) -> dict[str, TargetRow | None]:
    """Ask the OMS what it holds of the orders, settle their deliveries by it, and return it.

    ``None`` for an order that the OMS does not have. An order that it has in a form which can't be
    read is left out, and stays uncertain.
    """
    if not uncertain:
        return {}
    ids = {one.order.order_id: one for one in uncertain}
    pages = sync.shipments.read(list(ids))
    found = {raw.source_id: raw.payload for page in pages for raw in page.records}
    held: dict[str, TargetRow | None] = {}
    settled: list[SettleRow] = []
    for order_id, one in ids.items():
        source_id = one.accepted.source_id
        payload, before = found.get(order_id), known.get(source_id)
        if payload is None:
            held[source_id] = None
            settled += [
                SettleRow(u.delivery_key, "superseded", error=LOOKED_UP) for u in one.deliveries
            ]
            continue
        try:
            row = _held(sync, session, one, payload, before)
        except RecordRejected:
            continue
        held[source_id] = row
        settled += [_settlement(u, row, is_new=before is None) for u in one.deliveries]
    with session.transaction():
        session.deliveries.settle(settled)
        session.deliveries.put_targets([row for row in held.values() if row is not None])
    return held


def _held(
    sync: Sync, session: Session, one: Uncertain, payload: bytes, before: TargetRow | None
) -> TargetRow:
    candidates = [orjson.loads(before.content)] if before is not None else []
    for delivery in one.deliveries:
        order = _sent(session, delivery)
        if order is not None and not order.cancelled:
            candidates.append(sync.oms.order_payload(order))
    if not candidates:
        candidates.append(sync.oms.order_payload(one.order))
    content = orjson.dumps(sync.oms.held_order(payload, candidates))
    origin = sync.shipments.to_origin(payload)
    milestone = before.milestone if before is not None else ""
    if origin is not None and origin.is_cancelled:
        milestone = CANCELED
    elif milestone == CANCELED:
        milestone = ""
    sequence = (before.sequence if before is not None else 0) + 1
    return TargetRow(
        one.accepted.source_id,
        one.order.order_id,
        content,
        content_digest(content),
        milestone,
        sequence,
        one.accepted.source_updated_at,
    )


def _sent(session: Session, delivery: UnsettledDelivery) -> Order | None:
    content = session.records.canonical(delivery.capture_id, delivery.source_id)
    return decode_record(Order, content) if content is not None else None


def _settlement(delivery: UnsettledDelivery, row: TargetRow, *, is_new: bool) -> SettleRow:
    """Return the outcome of a delivery by what the OMS holds, which does not show a change."""
    key: UUID = delivery.delivery_key
    happened = (delivery.action == "create" and is_new) or (
        delivery.action == "cancel" and row.milestone == CANCELED
    )
    state = "delivered" if happened else "superseded"
    return SettleRow(key, state, row.target_id if happened else "", error=LOOKED_UP)
