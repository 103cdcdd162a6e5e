"""Orphaned deliveries: a dead run may have sent them, and their version is not sent any more.

The newest version's own delivery takes up what earlier runs left uncertain for its record. Where
the newest version is skipped or rejected there is no such delivery: an order that the OMS created
just before the run died, and that the store has shipped since, would stay in flight for ever. So
the OMS is asked.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from assets.delivery import target_state
from domain.identity import content_digest
from domain.records.orders import Order
from domain.records.record import decode_record
from resources.ledger.rows import AcceptedRecord, SettleRow, TargetRow, UnsettledDelivery
from resources.ledger.session import Session
from resources.lockstep import Sync


class Orphans(NamedTuple):
    """Superseded versions that can't be settled as superseded yet, by capture id."""

    waiting: frozenset[UUID]
    """Their newest version is not validated yet: they are decided when it is."""
    to_finish: frozenset[UUID]
    """The OMS lacks what may have been sent of them, and is to have it."""


def resolve_orphans(sync: Sync, session: Session, superseded: Sequence[AcceptedRecord]) -> Orphans:
    """Settle what the OMS proves to hold or to lack; return the versions that need more."""
    ids = [a.source_id for a in superseded]
    # Most chunks have no superseded version: they cost no look-up.
    unsettled = session.deliveries.unsettled(ids) if superseded else {}
    if not unsettled:
        return Orphans(frozenset(), frozenset())
    newest = session.records.newest_states(list(unsettled))
    waiting = {
        a.capture_id
        for a in superseded
        if a.source_id in unsettled and newest.get(a.source_id) is None
    }
    orphaned = {
        source_id: rows
        for source_id, rows in unsettled.items()
        if newest.get(source_id) in ("skipped", "rejected")
    }
    session.deliveries.supersede(
        [u.delivery_key for rows in orphaned.values() for u in rows if not u.may_have_been_sent]
    )
    uncertain = {
        source_id: sent
        for source_id, rows in orphaned.items()
        if (sent := [u for u in rows if u.may_have_been_sent])
    }
    in_order = sorted(superseded, key=lambda a: a.source_updated_at)
    changed_at = {a.source_id: a.source_updated_at for a in in_order}
    left = _look_up(sync, session, uncertain, changed_at) if uncertain else set()
    last = {a.source_id: a.capture_id for a in in_order if a.source_id in left}
    return Orphans(frozenset(waiting), frozenset(last.values()))


def _look_up(
    sync: Sync,
    session: Session,
    uncertain: Mapping[str, Sequence[UnsettledDelivery]],
    changed_at: Mapping[str, datetime],
) -> set[str]:
    """Ask the OMS for the orders; return those for which something is still to be sent.

    ``changed_at`` holds the versions' modification times at the store.
    """
    # A request of a killed process may still be under way in the OMS.
    youngest = max(row.claimed_at for rows in uncertain.values() for row in rows)
    age = (datetime.now(UTC) - youngest).total_seconds()
    time.sleep(max(0.0, target_state.GRACE_SECONDS - age))
    prefix = sync.connection.orders.order_id_prefix
    held = {
        raw.source_id.removeprefix(prefix): raw.payload
        for raw in sync.oms.read_orders([prefix + source_id for source_id in uncertain])
    }
    known = session.deliveries.targets(list(uncertain))
    left: set[str] = set()
    for source_id, rows in uncertain.items():
        for row in sorted(rows, key=lambda row: row.claimed_at):
            settled, target = _settlement(
                sync, session, row, held.get(source_id), known.get(source_id), changed_at[source_id]
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


def _settlement(
    sync: Sync,
    session: Session,
    row: UnsettledDelivery,
    held: bytes | None,
    known: TargetRow | None,
    changed_at: datetime,
) -> tuple[SettleRow | None, TargetRow | None]:
    """Return a delivery's outcome and what the OMS holds; neither where it is to be sent once more.

    A change or a cancellation is an upsert and is repeated: that the OMS holds the order does not
    prove that it received all of the change.
    """
    content = session.records.canonical(row.capture_id, row.source_id)
    if content is None or (row.action == "create" and held is None):
        reason = "the OMS does not have it, and a newer version is not to be sent"
        return SettleRow(row.delivery_key, "superseded", "", "", reason), None
    if row.action != "create" or held is None:
        return None, None
    order = decode_record(Order, content)
    wanted = sync.oms.order_payload(order)
    packed = orjson.dumps(sync.oms.compare_order(held, wanted)[0])
    sequence = (known.sequence if known else 0) + 1
    target = TargetRow(
        row.source_id, order.order_id, packed, content_digest(packed), "", sequence, changed_at
    )
    return SettleRow(row.delivery_key, "delivered", order.order_id, "", ""), target
