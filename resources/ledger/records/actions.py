"""Agents' actions: the outcome of each, and whether agents were shown it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from domain.connections import ACTIONS
from domain.identity import correlation_id
from domain.records.actions import ActionOutcome, ActionRequest

REUSED = "action_id_reused"
"""Code of a rejection of a request that is another one than the first of its id."""


REQUEST_FIELDS = (
    "action_id", "source_id", "kind", "line_id", "quantity", "hold", "node", "permission_set",
    "requested_by", "requested_at", "state", "code", "reason", "decided_at", "answered_at",
)  # fmt: skip
"""Columns of ``history.actions`` that ``requests`` returns."""


class StoredOutcome(NamedTuple):
    """The outcome of one action, and of which order it is."""

    source_id: str
    """The order's id at the store; empty for a request that can't be read."""
    outcome: ActionOutcome
    asked: bytes | None = None
    """Digest of what it asks for; ``None``: not known."""


class Pending(NamedTuple):
    """An accepted request of an order that has no outcome yet."""

    requested_at: datetime
    action_id: str


class Actions:
    """Actions of one connection."""

    def __init__(self, db: psycopg.Connection[Any], name: str) -> None:
        self._db, self._name = db, name

    def outcomes(self, action_ids: Collection[str]) -> dict[str, StoredOutcome]:
        """Return the outcome of actions, by their ids; of the others nothing is known yet."""
        rows = self._db.execute(
            """SELECT action_id, source_id, state, code, reason, asked FROM sync.action_outcome
               WHERE connection = %s AND action_id = ANY(%b)""",
            (self._name, list(action_ids)),
        )
        return {
            action_id: StoredOutcome(
                source_id,
                ActionOutcome(action_id=action_id, state=state, code=code, reason=reason),
                asked,
            )
            for action_id, source_id, state, code, reason, asked in rows
        }

    def announce(self, requests: Sequence[ActionRequest], run_id: str) -> None:
        """Note of which order each action is and what it asks for, before anything is sent for it.

        After a crash, what was sent can then be found by its order. What is noted of an id stays.
        """
        self._db.execute(
            """INSERT INTO sync.action_outcome (connection, action_id, source_id, state, run_id,
                                                asked)
               SELECT %s, i, o, 'waiting', %s, a
               FROM unnest(%b::text[], %b::text[], %b::bytea[]) AS v(i, o, a)
               ON CONFLICT (connection, action_id)
               DO UPDATE SET source_id = excluded.source_id, asked = excluded.asked
               WHERE action_outcome.source_id = ''""",
            (
                self._name,
                run_id,
                [one.action_id for one in requests],
                [one.source_id for one in requests],
                [one.asks_for() for one in requests],
            ),
        )

    def rename(self, action_id: str, named: str, source_id: str) -> None:
        """Note the store's id of an order that an action has named by another one of its ids."""
        for table in ("action", "action_outcome"):
            self._db.execute(
                f"""UPDATE sync.{table} SET source_id = %s
                    WHERE connection = %s AND action_id = %s AND source_id = %s""",  # noqa: S608
                (source_id, self._name, action_id, named),
            )

    def note_invalid(self, run_id: str) -> None:
        """Note the requests that can't be read, by their open rejections.

        Also one that waited, and whose newest version can't be read.
        """
        self._db.execute(
            """INSERT INTO sync.action_outcome AS a (connection, action_id, source_id, state, code,
                                                reason, run_id)
               SELECT x.connection, x.source_id, '', 'invalid', x.code,
                      concat_ws(': ', nullif(x.field, ''), x.message), %s
               FROM sync.rejection x
               WHERE x.connection = %s AND x.stream = %s AND x.stage = 'validated'
                 AND x.state IN ('open', 'retried')
               ON CONFLICT (connection, action_id) DO UPDATE SET
                   state = excluded.state, code = excluded.code, reason = excluded.reason,
                   run_id = excluded.run_id, decided_at = clock_timestamp(), reported_at = NULL
               WHERE a.state = 'waiting' AND NOT EXISTS (
                   SELECT FROM sync.delivery d
                   WHERE (d.connection, d.stream, d.source_id)
                       = (a.connection, %s, a.action_id))""",
            (run_id, self._name, ACTIONS, ACTIONS),
        )

    def show_again(self, action_ids: Sequence[str]) -> None:
        """Let agents be shown again the outcome of requests that have come again."""
        if not action_ids:
            return
        self._db.execute(
            """UPDATE sync.action_outcome SET reported_at = NULL
               WHERE connection = %s AND action_id = ANY(%b)""",
            (self._name, list(action_ids)),
        )

    def has_unreported(self) -> bool:
        """Return whether agents were not shown an outcome within a minute: the store was away."""
        row = self._db.execute(
            """SELECT EXISTS (SELECT FROM sync.action_outcome
                              WHERE connection = %s AND reported_at IS NULL
                                AND state <> 'waiting'
                                AND decided_at < clock_timestamp() - interval '1 minute')""",
            (self._name,),
        ).fetchone()
        return bool(row and row[0])

    def put(self, rows: Sequence[StoredOutcome], run_id: str) -> None:
        """Record the outcome of actions; the same again changes nothing, nor does it the order."""
        if not rows:
            return
        self._db.execute(
            """INSERT INTO sync.action_outcome AS a (connection, action_id, source_id, state, code,
                                                     reason, run_id, asked_at)
               SELECT %s, i, o, s, c, r, %s, CASE WHEN s = 'requested' THEN clock_timestamp() END
               FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[])
                    AS v(i, o, s, c, r)
               ON CONFLICT (connection, action_id) DO UPDATE SET
                   source_id = coalesce(nullif(a.source_id, ''), excluded.source_id),
                   state = excluded.state, code = excluded.code,
                   reason = excluded.reason, run_id = excluded.run_id,
                   decided_at = clock_timestamp(),
                   asked_at = coalesce(a.asked_at, excluded.asked_at), reported_at = NULL
               WHERE (a.state, a.code, a.reason)
                  IS DISTINCT FROM (excluded.state, excluded.code, excluded.reason)
                  OR (a.source_id = '' AND excluded.source_id <> '')""",
            (
                self._name,
                run_id,
                [row.outcome.action_id for row in rows],
                [row.source_id for row in rows],
                [row.outcome.state for row in rows],
                [row.outcome.code for row in rows],
                [row.outcome.reason for row in rows],
            ),
        )

    def answered(self, action_ids: Sequence[str]) -> None:
        """Note that the OMS's late answers to actions are recorded."""
        self._db.execute(
            """UPDATE sync.action_outcome SET answered_at = clock_timestamp()
               WHERE connection = %s AND action_id = ANY(%b)""",
            (self._name, list(action_ids)),
        )

    def pending(self, source_ids: Collection[str]) -> Mapping[str, list[Pending]]:
        """Return by order the accepted requests without an outcome, oldest first."""
        rows = self._db.execute(
            """SELECT DISTINCT a.source_id, a.requested_at, a.action_id
               FROM sync.action a
               JOIN sync.record r USING (connection, source_day, capture_id)
               WHERE a.connection = %s AND a.source_id = ANY(%b) AND r.stream = %s
                 AND r.state = 'accepted' AND r.outcome IS NULL
               ORDER BY a.source_id, a.requested_at, a.action_id""",
            (self._name, list(source_ids), ACTIONS),
        )
        found: dict[str, list[Pending]] = {}
        for source_id, requested_at, action_id in rows:
            found.setdefault(source_id, []).append(Pending(requested_at, action_id))
        return found

    def to_report(self, limit: int) -> list[ActionOutcome]:
        """Return what agents are to be shown, oldest first; nothing of what only waits."""
        rows = self._db.execute(
            """SELECT action_id, state, code, reason FROM sync.action_outcome
               WHERE connection = %s AND reported_at IS NULL AND state <> 'waiting'
               ORDER BY decided_at, action_id LIMIT %s""",
            (self._name, limit),
        )
        return [
            ActionOutcome(
                action_id=action_id,
                state=state,
                code=code,
                reason=reason,
                correlation_id=correlation_id(self._name, "action", action_id),
            )
            for action_id, state, code, reason in rows
        ]

    def reported(self, outcomes: Sequence[ActionOutcome]) -> None:
        """Note that agents were shown these states; one that has changed since is shown again."""
        self._db.execute(
            """UPDATE sync.action_outcome a SET reported_at = clock_timestamp()
               FROM unnest(%b::text[], %b::text[]) AS v(i, s)
               WHERE a.connection = %s AND a.action_id = v.i AND a.state = v.s""",
            (
                [outcome.action_id for outcome in outcomes],
                [outcome.state for outcome in outcomes],
                self._name,
            ),
        )

    def refused(self) -> list[str]:
        """Return the actions that have their outcome, and whose rejection at the OMS is open.

        Not those whose id was used again: the first one's refusal says nothing about another.
        """
        rows = self._db.execute(
            """SELECT x.source_id FROM sync.rejection x
               JOIN sync.action_outcome a ON (a.connection, a.action_id)
                                           = (x.connection, x.source_id)
               WHERE x.connection = %s AND x.stream = %s AND x.stage = 'delivered'
                 AND x.state IN ('open', 'retried') AND a.state IN ('done', 'refused', 'partly')
                 AND x.code <> %s""",
            (self._name, ACTIONS, REUSED),
        )
        return [action_id for (action_id,) in rows]


def requests(
    db: psycopg.Connection[Any], connection: str, *, order: str | None = None, limit: int
) -> list[dict[str, Any]]:
    """Return requests with their outcomes, newest first, by default of all orders."""
    rows = db.execute(
        f"""SELECT {", ".join(REQUEST_FIELDS)} FROM history.actions
            WHERE connection = %s AND (%s::text IS NULL OR source_id = %s)
            ORDER BY requested_at DESC, action_id LIMIT %s""".encode(),  # noqa: S608 - constants
        (connection, order, order, limit),
    )
    return [dict(zip(REQUEST_FIELDS, row, strict=True)) for row in rows.fetchall()]
