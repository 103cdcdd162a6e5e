"""Orders whose shipments the store has, reported to an OMS that wants to know it.

Such an OMS would otherwise also send an order's tracking to the store.
"""

from __future__ import annotations

import asyncio

from domain.connections import SHIPMENTS
from domain.errors import PermanentError, Problem, RateLimited, RecordRejected
from resources.ledger.exchanges import exchanges_stored
from resources.ledger.monitoring.activation import activations
from resources.sync import Sync

MOST, CHUNK = 200, 10
"""Orders of one run, and of one chunk, which is recorded before the next one is reported.

Each takes two calls of the OMS's quota; later runs report the others.
"""
SHOWN = 5


def acknowledge_delivered(sync: Sync) -> None:
    """Report orders that have left and whose shipments the store has, each until it is done.

    Raises ``PermanentError``, once for an order, with what the OMS refuses. A used-up quota leaves
    the rest to a later run; nothing is reported while the stream is paused.
    """
    if not sync.shipments.wants_delivered:
        return
    refused: list[Problem] = []
    with sync.ledger.session(sync.name, SHIPMENTS, sync.run_id) as session:
        [activation] = activations(session.db, sync.name, [SHIPMENTS])
        if not activation.runs(sync.starting):
            return
        order_ids = session.progress.to_acknowledge(MOST)
        for start in range(0, len(order_ids), CHUNK):
            chunk = order_ids[start : start + CHUNK]
            try:
                with exchanges_stored(session):
                    refused += _acknowledge(sync, chunk)
            except RateLimited as error:
                sync.log(f"{len(order_ids) - start} delivered orders are reported later: {error}")
                break
            session.progress.acknowledged(chunk)
    if refused:
        named = " ".join(problem.message for problem in refused[:SHOWN])
        more = f" And {len(refused) - SHOWN} more." if len(refused) > SHOWN else ""
        raise PermanentError(f"{sync.name}/{SHIPMENTS}: {named}{more} {refused[0].advice}")


def _acknowledge(sync: Sync, order_ids: list[str]) -> tuple[Problem, ...]:
    """Report orders; return what the OMS refuses."""
    try:
        asyncio.run(sync.shipments.acknowledge(order_ids))
    except RecordRejected as rejected:
        return rejected.problems
    return ()
