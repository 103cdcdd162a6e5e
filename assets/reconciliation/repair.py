"""Repair: corrects the target state and makes records due; the normal delivery closes the gap.

Nothing is written to a target here, so there is one way of writing, with its claims and keys. A
repair is based on a record state and is dropped where the ledger has changed since: a delivery in
flight, a newer version, a new target state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assets.reconciliation.result import Repair
from domain.reconciliation import Mode
from domain.values import Partition
from resources.ledger.deliveries.drifts import (
    Drifts,
    close_lost_deliveries,
    forget_targets,
    make_due,
)
from resources.ledger.records.record_state import record_states
from resources.ledger.rejections import reruns
from resources.ledger.rejections.reruns import Rerun
from resources.ledger.session import Session
from resources.sync import Sync

WHY = "reconciliation: the target does not hold what it was sent"


def apply_repairs(sync: Sync, stream: str, repairs: Sequence[Repair], who: str) -> list[int]:
    """Correct the ledger and queue the reruns, in one transaction under the writer's lock.

    Returns the ids of the reruns.
    """
    if not repairs:
        return []
    with (
        sync.ledger.session(sync.name, stream, sync.run_id) as session,
        session.writer_lock(),
        session.transaction(),
    ):
        valid = _still_valid(sync, session, repairs)
        if not valid:
            return []
        states = [r.target_state for r in valid if r.target_state is not None]
        session.deliveries.put_targets(states)
        gone = [repair.target_key for repair in valid if repair.is_gone]
        forget_targets(session.db, sync.name, stream, gone)
        lost = {r.target_key: r.lost for r in valid if r.lost}
        close_lost_deliveries(session.db, sync.name, stream, lost, orders_gone=gone)
        due = [(r.partition.day, r.capture_id) for r in valid if r.capture_id is not None]
        make_due(session.db, sync.name, stream, due)
        drifts = Drifts(session.db, sync.name, sync.run_id)
        drifts.mark_repairing(stream, [repair.source_id for repair in valid], who)
        return reruns.ask(session.db, _reruns(sync, stream, valid, who))


def _still_valid(sync: Sync, session: Session, repairs: Sequence[Repair]) -> list[Repair]:
    targets = {repair.source_id: repair.target_key or repair.source_id for repair in repairs}
    now = record_states(session.db, sync.name, session.stream, list(targets), targets)
    return [repair for repair in repairs if now[repair.source_id] == repair.record_state]


def _reruns(sync: Sync, stream: str, repairs: Sequence[Repair], who: str) -> list[Rerun]:
    wanted: dict[tuple[Partition, Mode], list[str]] = {}
    for repair in repairs:
        wanted.setdefault((repair.partition, repair.mode), []).append(repair.source_id)
    return [
        Rerun(sync.name, stream, partition, sorted(ids), mode, force=False, asked_by=who, why=WHY)
        for (partition, mode), ids in sorted(wanted.items())
    ]


def by_stream(repairs: Sequence[Repair]) -> Mapping[str, list[Repair]]:
    """Return the repairs of each stream."""
    found: dict[str, list[Repair]] = {}
    for repair in repairs:
        found.setdefault(repair.stream, []).append(repair)
    return found
