"""Orders whose shipments the store has, reported to an OMS that wants to know it.

Such an OMS would otherwise send an order's tracking to the store by itself.
"""

from __future__ import annotations

import asyncio

from domain.connections import SHIPMENTS
from domain.errors import PermanentError, RateLimited, RecordRejected
from resources.lockstep import Sync

MOST = 200
"""Orders of one run, each with two calls of the OMS's quota; later runs report the others."""
SHOWN = 5


def acknowledge_delivered(sync: Sync) -> None:
    """Report orders that have left and whose shipments the store has, each until it is done.

    Raises ``PermanentError``, once for an order, with what the OMS refuses. A used-up quota leaves
    the rest to a later run.
    """
    source = sync.shipments
    if not source.wants_delivered:
        return
    with sync.ledger.session(sync.name, SHIPMENTS, sync.run_id) as session:
        order_ids = session.progress.to_acknowledge(MOST)
        if not order_ids:
            return
        refused: RecordRejected | None = None
        try:
            asyncio.run(source.acknowledge(order_ids))
        except RateLimited as error:
            sync.log(f"{len(order_ids)} delivered orders are reported later: {error}")
            return
        except RecordRejected as rejected:
            refused = rejected
        session.progress.acknowledged(order_ids)
    if refused is not None:
        problems = refused.problems
        named = " ".join(problem.message for problem in problems[:SHOWN])
        more = f" And {len(problems) - SHOWN} more." if len(problems) > SHOWN else ""
        raise PermanentError(f"{sync.name}/{SHIPMENTS}: {named}{more} {problems[0].advice}")
