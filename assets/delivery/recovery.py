"""What a dead run had begun to send of a version that a newer one has overtaken, where that newer one is not sent.

The newest version's own delivery takes up whatever was begun for its record. Where it is skipped or rejected nobody would: an order that
the OMS created just before the run died, and that the store has shipped since, would be in flight for ever. So the OMS is asked.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from assets.streams import shipment_plan
from domain.identity import content_digest
from domain.records.orders import Order
from domain.records.record import decode_record
from resources.ledger.rows import AcceptedRecord, SettleRow, TargetRow, UnsettledDelivery
from resources.ledger.session import Session
from resources.lockstep import Sync


class Overtaken(NamedTuple):
    """Overtaken versions that are not simply superseded, by capture id."""

    waiting: frozenset[UUID]
    """Their newest version is not validated yet: they are decided when it is."""
    finishing: frozenset[UUID]
    """The OMS does not have what was begun, and is to have it."""


def conclude(sync: Sync, session: Session, overtaken: Sequence[AcceptedRecord]) -> Overtaken:
    """Settle what the OMS proves to have or never to have got; return the versions that need more."""
    # Most chunks have no overtaken version: they cost no look-up.
    unsettled = session.deliveries.unsettled([a.source_id for a in overtaken]) if overtaken else {}
    if not unsettled:
        return Overtaken(frozenset(), frozenset())
    newest = session.records.newest_states(list(unsettled))
    waiting = {
        a.capture_id
        for a in overtaken
        if a.source_id in unsettled and newest.get(a.source_id) is None
    }
    nobodys = {
        source_id: rows
        for source_id, rows in unsettled.items()
        if newest.get(source_id) in ("skipped", "rejected")
    }
    session.deliveries.supersede(
        [u.delivery_key for rows in nobodys.values() for u in rows if not u.may_have_been_sent]
    )
    begun = {
        source_id: sent
        for source_id, rows in nobodys.items()
        if (sent := [u for u in rows if u.may_have_been_sent])
    }
    moments = {
        a.source_id: a.source_updated_at
        for a in sorted(overtaken, key=lambda a: a.source_updated_at)
    }
    left = _look_up(sync, session, begun, moments) if begun else set()
    last = {
        a.source_id: a.capture_id
        for a in sorted(overtaken, key=lambda a: a.source_updated_at)
        if a.source_id in left
    }
    return Overtaken(frozenset(waiting), frozenset(last.values()))


def _look_up(
    sync: Sync,
    session: Session,
    begun: Mapping[str, Sequence[UnsettledDelivery]],
    moments: Mapping[str, datetime],
) -> set[str]:
    """Ask the OMS for the orders; return those for which something is still to be sent. ``moments``: the versions' times in the store."""
    # A request of a killed process may still be under way in the OMS.
    youngest = max(row.claimed_at for rows in begun.values() for row in rows)
    time.sleep(
        max(0.0, shipment_plan.GRACE_SECONDS - (datetime.now(UTC) - youngest).total_seconds())
    )
    prefix = sync.connection.orders.order_id_prefix
    held = {
        raw.source_id.removeprefix(prefix): raw.payload
        for raw in sync.oms.read_orders([prefix + source_id for source_id in begun])
    }
    known = session.deliveries.targets(list(begun))
    left: set[str] = set()
    for source_id, rows in begun.items():
        for row in sorted(rows, key=lambda row: row.claimed_at):
            settled, target = _judged(
                sync, session, row, held.get(source_id), known.get(source_id), moments[source_id]
            )
            if settled is None:
                left.add(source_id)
                continue
            with session.transaction():
                session.deliveries.settle([settled])
                if target is not None:
                    session.deliveries.put_targets([target])
                    known[source_id] = target
    return left


def _judged(
    sync: Sync,
    session: Session,
    row: UnsettledDelivery,
    held: bytes | None,
    known: TargetRow | None,
    moment: datetime,
) -> tuple[SettleRow | None, TargetRow | None]:
    """Return what became of an effect, and what the OMS holds; neither where it is to be sent once more.

    A change or a cancellation is an upsert and is repeated: that the OMS holds the order does not tell whether it got all of the change.
    """
    content = session.records.canonical(row.capture_id, row.source_id)
    if content is None or (row.action == "create" and held is None):
        return SettleRow(
            row.delivery_key,
            "superseded",
            "",
            "",
            "the OMS does not have it, and a newer version is not to be sent",
        ), None
    if row.action != "create" or held is None:
        return None, None
    order = decode_record(Order, content)
    wanted = sync.oms.order_payload(order)
    packed = orjson.dumps(sync.oms.compare_order(held, wanted)[0])
    sequence = (known.sequence if known else 0) + 1
    target = TargetRow(
        row.source_id, order.order_id, packed, content_digest(packed), "", sequence, moment
    )
    return SettleRow(row.delivery_key, "delivered", order.order_id, "", ""), target
