"""The outcome of agents' requests, shown to the agents where they asked."""

from __future__ import annotations

import asyncio

from domain.connections import ACTIONS
from domain.errors import RateLimited
from resources.ledger.exchanges import exchanges_stored
from resources.ledger.monitoring.activation import activations
from resources.ledger.records.actions import Actions
from resources.sync import Sync

MOST, CHUNK = 1_000, 100
"""Outcomes that one run reports, and of one chunk, which is recorded before the next."""


def report_outcomes(sync: Sync) -> None:
    """Report outcomes that agents were not shown yet; a used-up quota leaves the rest for later.

    Nothing is reported while the stream is paused, or is the connection's no longer. Raises the
    store's fault: what it did not take stays to be reported.
    """
    if ACTIONS not in sync.connection.streams:
        return
    with sync.ledger.session(sync.name, ACTIONS, sync.run_id) as session:
        ledger = Actions(session.db, sync.name)
        ledger.note_invalid(sync.run_id)
        [activation] = activations(session.db, sync.name, [ACTIONS])
        if not activation.runs(sync.starting):
            return
        waiting = ledger.to_report(MOST)
        for start in range(0, len(waiting), CHUNK):
            chunk = waiting[start : start + CHUNK]
            try:
                with exchanges_stored(session):
                    known = set(asyncio.run(sync.actions.report(chunk)))
            except RateLimited as error:
                sync.log(f"{len(waiting) - start} outcomes are reported later: {error}")
                return
            ledger.reported([outcome for outcome in chunk if outcome.action_id in known])
