"""Actions of operators on rejections, with one audit for the command line, the UI and Lockstep.

Lockstep itself queues retries when a changed configuration could let records through.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from domain.errors import PermanentError
from domain.values import Partition
from resources.ledger.captures import edits
from resources.ledger.captures.edits import Change
from resources.ledger.records.amendments import respect_no_more
from resources.ledger.rejections import discards, reruns, under_way, work_queue
from resources.ledger.rejections.reruns import Mode, Rerun
from resources.ledger.rejections.work_queue import OPEN_STATES, Rejection, RejectionFilter

Database = psycopg.Connection[Any]
LISTED = 20
"""Ids that an error names."""
ABANDONED_AFTER = timedelta(hours=1)
"""So old is a retry in a command's own process that is taken for dead, as after a lost terminal."""


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """One action on a rejection; ``outcome`` is of its run, and empty until that has ended."""

    at: datetime
    who: str
    action: str
    mode: str
    why: str
    diff: str | None
    """JSON list of an edit's changes: it may be personal data."""
    run_id: str
    outcome: str
    note: str

    @property
    def changes(self) -> list[Change]:
        """Return an edit's changes."""
        return edits.decoded(self.diff) if self.diff else []


def chosen(
    db: Database, filters: RejectionFilter, approving: Collection[str] = ()
) -> list[Rejection]:
    """Return the rejections that pass a filter.

    Raises ``PermanentError`` if an id is not of an open rejection, or where a rejection is
    found without its id whose retry would approve one of these codes: nothing is done then.
    """
    found = work_queue.find(db, filters)
    held = [
        str(rejection.rejection_id)
        for rejection in found
        if any(problem["code"] in approving for problem in rejection.problems)
    ]
    if held and not filters.ids:
        raise PermanentError(
            "A retry with a reason approves refunds and prices, so these need their ids: "
            f"{', '.join(held[:LISTED])}{', ...' if held[LISTED:] else ''}. Nothing was done. Look "
            "at each with 'lockstep rejections show ID', or retry the others without a reason."
        )
    if missing := sorted(set(filters.ids or ()) - {r.rejection_id for r in found}):
        raise PermanentError(
            f"Not open, so nothing was done: {', '.join(map(str, missing))}. See "
            "'lockstep rejections list --state all'."
        )
    return found


def planned_edit(db: Database, rejection: Rejection, wanted: Sequence[str]) -> list[Change]:
    """Return what ``path=value`` texts would change in the rejected version.

    A field that the rejection itself names may be added.
    """
    payload = work_queue.payload(db, rejection)
    if payload is None:
        raise PermanentError(
            f"The captured version of rejection {rejection.rejection_id} is no longer kept, so it "
            "can't be edited."
        )
    now = edits.applied(payload, work_queue.changes(db, rejection))
    return edits.plan(
        now, wanted, rejection.source_id, {problem["field"] for problem in rejection.problems}
    )


def edit(db: Database, rejection: Rejection, changes: Sequence[Change], who: str, why: str) -> None:
    """Store an edit of the rejected version, with its author and the values before and after."""
    if not changes:
        return
    key = (rejection.connection, rejection.stream, rejection.source_day, rejection.capture_id)
    with db.transaction():
        edits.store(db, key, rejection.source_id, changes, who, why)
        db.execute(
            """INSERT INTO sync.rejection_action (rejection_id, who, action, why, diff)
               VALUES (%s, %s, 'edit', %s, %s::jsonb)""",
            (rejection.rejection_id, who, why, edits.encoded(changes)),
        )


def begin_retry(
    db: Database, found: Sequence[Rejection], who: str, mode: Mode, why: str = ""
) -> None:
    """Record that a retry starts now: the rejections are ``retried`` until ``end_retry``."""
    with db.transaction():
        _mark(db, found)
        _note(db, [(r.rejection_id, who, "retry", mode, why, None) for r in found])


def end_retry(db: Database, runs: Mapping[int, str]) -> None:
    """Record the run of each retried rejection (id -> run).

    A rejection that no run decided is open again: no retry of it is under way.
    """
    with db.transaction(), db.cursor() as cursor:
        cursor.executemany(
            """UPDATE sync.rejection_action SET run_id = %s
               WHERE action_id = (SELECT max(action_id) FROM sync.rejection_action
                                  WHERE rejection_id = %s AND action = 'retry')""",
            [(run_id, rejection_id) for rejection_id, run_id in runs.items()],
        )
        rows = db.execute(
            """UPDATE sync.rejection SET state = 'open'
               WHERE state = 'retried' AND rejection_id = ANY(%s) RETURNING rejection_id, stage""",
            (list(runs),),
        )
        under_way.give_up_retries(db, rows.fetchall())


def end_abandoned(db: Database, connection: str, stream: str) -> None:
    """Open the rejections again whose retry a process has started that died since.

    Nothing else would: they would count as being retried, and be left out of automatic retries.
    """
    rows = db.execute(
        """UPDATE sync.rejection r SET state = 'open'
           WHERE r.connection = %s AND r.stream = %s AND r.state = 'retried'
             AND NOT EXISTS (SELECT 1 FROM sync.rejection_action a
                             LEFT JOIN sync.rerun q USING (rerun_id)
                             WHERE a.rejection_id = r.rejection_id
                               AND a.action IN ('retry', 'reopen')
                               AND (q.outcome = '' OR q.rerun_id IS NULL AND a.at > now() - %s))
           RETURNING r.rejection_id, r.stage""",
        (connection, stream, ABANDONED_AFTER),
    )
    under_way.give_up_retries(db, rows.fetchall())


def queue_retry(
    db: Database, found: Sequence[Rejection], who: str, mode: Mode, why: str, action: str = "retry"
) -> list[int]:
    """Queue reruns of exactly the rejections' records, and return the reruns' ids.

    ``re_read`` queues reruns of their whole partitions.
    """
    partitions: dict[tuple[str, str, Partition], list[Rejection]] = {}
    for rejection in found:
        key = (rejection.connection, rejection.stream, rejection.partition)
        partitions.setdefault(key, []).append(rejection)
    ids: list[int] = []
    with db.transaction():
        _mark(db, found)
        for (connection, stream, partition), concerned in sorted(partitions.items()):
            for part in _parts(concerned) if mode == "as_captured" else [concerned]:
                records = sorted({r.source_id for r in part}) if mode == "as_captured" else None
                (rerun_id,) = reruns.ask(
                    db,
                    [
                        Rerun(
                            connection,
                            stream,
                            partition,
                            records,
                            mode,
                            force=False,
                            asked_by=who,
                            why=why or action,
                        )
                    ],
                )
                _note(db, [(r.rejection_id, who, action, mode, why, rerun_id) for r in part])
                ids.append(rerun_id)
    return ids


def discard(db: Database, found: Sequence[Rejection], who: str, why: str) -> list[int]:
    """Close open rejections for good; return the ids of those that were open.

    Raises ``PermanentError`` without a reason.
    """
    if not why.strip():
        raise PermanentError("A discard needs a reason: others must understand it later.")
    with db.transaction():
        rows = db.execute(
            """UPDATE sync.rejection
               SET state = 'discarded', closed_at = now(), closed_by = %s, closed_why = %s
               WHERE rejection_id = ANY(%s) AND state = ANY(%s) RETURNING rejection_id""",
            (who, why.strip(), [r.rejection_id for r in found], list(OPEN_STATES)),
        ).fetchall()
        closed = sorted(rejection_id for (rejection_id,) in rows)
        respect_no_more(db, closed)
        discards.give_up(db, closed)
        _note(
            db, [(rejection_id, who, "discard", "", why.strip(), None) for rejection_id in closed]
        )
    return closed


def history(db: Database, rejection_id: int) -> list[OperatorAction]:
    """Return the actions on a rejection, oldest first."""
    with db.cursor(row_factory=class_row(OperatorAction)) as cursor:
        cursor.execute(
            """SELECT a.at, a.who, a.action, a.mode, a.why, a.diff::text AS diff,
                      coalesce(nullif(a.run_id, ''), q.run_id, '') AS run_id,
                      coalesce(q.outcome, '') AS outcome, coalesce(q.note, '') AS note
               FROM sync.rejection_action a LEFT JOIN sync.rerun q USING (rerun_id)
               WHERE a.rejection_id = %s ORDER BY a.action_id""",
            (rejection_id,),
        )
        return cursor.fetchall()


def _parts(found: Sequence[Rejection]) -> list[Sequence[Rejection]]:
    return [
        found[start : start + reruns.RECORDS_AT_ONCE]
        for start in range(0, len(found), reruns.RECORDS_AT_ONCE)
    ]


def _mark(db: Database, found: Sequence[Rejection]) -> None:
    db.execute(
        """UPDATE sync.rejection SET state = 'retried'
           WHERE rejection_id = ANY(%s) AND state = 'open'""",
        ([r.rejection_id for r in found],),
    )


def _note(db: Database, rows: Sequence[tuple[Any, ...]]) -> None:
    with db.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO sync.rejection_action (rejection_id, who, action, mode, why, rerun_id)
               VALUES (%s, %s, %s, %s, %s, %s)""",
            rows,
        )
