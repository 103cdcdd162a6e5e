"""Refunds whose payment may still be declined: they are looked at again until that is decided.

A provider pays after it was asked, and may decline then. What has changed makes the return due
again: its plan shows the refund in the store, or keeps it open as declined.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from assets.streams.returns_state import ReturnState
from assets.streams.returns_target import ReturnsTarget, returns_target
from domain.connections import RETURNS
from domain.errors import LockstepError
from domain.exchange import Exchange
from domain.refunds import StoreRefund
from resources.ledger.records.refunds import OpenRefund
from resources.ledger.session import Session
from resources.lockstep import Sync


def look_at_open_refunds(sync: Sync) -> None:
    """Look at the connection's open refunds whose turn it is.

    A payment service that does not answer leaves them open, and says so in the run's log.
    """
    with sync.ledger.session(sync.name, RETURNS, sync.run_id) as session:
        if not session.refunds.open_ones():
            return
        target = returns_target(sync)
        with session.writer_lock():
            found = [one for one in session.refunds.open_ones() if one.service == target.service]
            shown = asyncio.run(_shown(sync, target, sorted({one.source_id for one in found})))
            session.repeatable(lambda: _note(session, found, shown))


async def _shown(
    sync: Sync, target: ReturnsTarget, orders: Sequence[str]
) -> dict[str, dict[str, StoreRefund]]:
    """Return order -> refund's id -> the refund, of the orders that could be read."""
    found: dict[str, dict[str, StoreRefund]] = {}
    async with target.writer(_unlogged) as writer:
        for order_id in orders:
            try:
                held = (await writer.held({order_id: ()}))[order_id]
            except LockstepError as error:
                sync.log(f"the refunds of order {order_id} stay open: {error}")
                continue
            if held.problems:
                sync.log(f"the refunds of order {order_id} stay open: {held.problems[0].message}")
                continue
            found[order_id] = {refund.refund_id: refund for refund in held.content.refunds}
    return found


def _unlogged(exchange: Exchange) -> None:
    """Log nothing: reads change nothing."""
    del exchange


def _note(
    session: Session,
    found: Sequence[OpenRefund],
    shown: Mapping[str, Mapping[str, StoreRefund]],
) -> None:
    """Write what became of the refunds, and make the returns due of which some has changed."""
    changed: dict[str, list[StoreRefund]] = {}
    for one in found:
        refunds = shown.get(one.source_id)
        if refunds is None:
            continue
        now = refunds.get(one.refund_id)
        if now is None or (now.declined, now.is_pending) == (one.declined, one.is_pending):
            session.refunds.note_look(one.delivery_key)
            continue
        session.refunds.note_look(one.delivery_key, now)
        changed.setdefault(one.return_id, []).append(now)
    known = session.deliveries.targets(list(changed))
    rows = []
    for return_id, row in known.items():
        state = ReturnState.from_ledger(row)
        for now in changed[return_id]:
            state.update(now)
        rows.append(row.holding(state.content()))
    session.deliveries.put_targets(rows)
    session.refunds.make_due(list(changed))
