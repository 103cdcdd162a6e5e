"""Refunds whose payment may still be declined: they are looked at again until that is decided.

A provider pays after it was asked, and may decline then. What has changed makes the return due
again: its plan shows the refund in the store, or keeps it open as declined. So does a refund that
the service no longer has, or that was made by a service which is no longer asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from assets.streams.returns.state import ReturnState
from assets.streams.returns.target import ReturnsTarget, id_of, returns_target
from domain.connections import RETURNS
from domain.errors import LockstepError
from domain.exchange import Exchange
from domain.refunds import GONE, PARTS, ZERO, StoreRefund, joined
from resources.ledger.records.refunds import OpenRefund
from resources.ledger.session import Session
from resources.sync import Sync


def look_at_open_refunds(sync: Sync) -> None:
    """Check the connection's open refunds whose turn it is.

    A payment service that does not answer leaves them open, and says so in the run's log.
    """
    with sync.ledger.session(sync.name, RETURNS, sync.run_id) as session:
        if not session.refunds.open_ones():
            return
        target = returns_target(sync)
        with session.writer_lock():
            found = [
                one._replace(refund_id=id_of(one.refund_id, one.service, target.service))
                for one in session.refunds.open_ones()
            ]
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


def _found(shown: Mapping[str, StoreRefund], refund_id: str) -> StoreRefund | None:
    """Return a refund by its id, or by the ids of its parts, whose marks may be lost."""
    parts = refund_id.split(PARTS)
    if refund_id in shown or not all(part in shown for part in parts):
        return shown.get(refund_id)
    return joined([replace(shown[part], key=refund_id) for part in parts], {refund_id})[0]


def _note(
    session: Session,
    found: Sequence[OpenRefund],
    shown: Mapping[str, Mapping[str, StoreRefund]],
) -> None:
    """Write the outcome of the refunds, and make the returns due of which some has changed."""
    found = [one for one in found if one.source_id in shown]
    known = session.deliveries.targets(sorted({one.return_id for one in found}))
    states = {return_id: ReturnState.from_ledger(row) for return_id, row in known.items()}
    changed: list[str] = []
    for one in found:
        key, state = one.delivery_key.hex, states.get(one.return_id, ReturnState())
        now = _found(shown[one.source_id], one.refund_id)
        if now is not None:
            state.missing.discard(key)
        elif state.misses(key):  # nothing else would ever show that it may not be paid
            now = StoreRefund(one.refund_id, {}, ZERO, declined=GONE)
        if now is None or (now.declined, now.is_pending) == (one.declined, one.is_pending):
            session.refunds.note_look(one.delivery_key)
            continue
        session.refunds.note_look(one.delivery_key, now)
        state.update(key, now)
        changed.append(one.return_id)
    session.deliveries.put_targets(
        [
            row.holding(content)
            for return_id, row in known.items()
            if (content := states[return_id].content()) != row.content
        ]
    )
    session.refunds.make_due(changed)
