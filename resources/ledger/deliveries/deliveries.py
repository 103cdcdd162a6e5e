"""Deliveries: claimed before sending and settled after; and what each target is known to hold.

Arrays are sent in binary (``%b``): as text, every value would be searched for characters to escape.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, cast
from uuid import UUID

import psycopg

from domain.streams import KINDS
from resources.ledger.database.compression import compress, decompress
from resources.ledger.deliveries.requests import note_asked
from resources.ledger.rows import ClaimRow, SettleRow, TargetRow, UnsettledDelivery

KEPT = date.max
"""The month of deliveries that are never pruned."""
_IS_KEPT = f" AND prune_month = '{KEPT}'"
_MONTH = """coalesce((SELECT o.prune_month FROM sync.delivery o WHERE o.delivery_key = k LIMIT 1),
                     %(month)s)"""
"""The month under which a delivery is found again: the one it was first claimed in."""
_UNSETTLED = """delivery_key, source_id, action, target_key, state, attempts, claimed_at,
                capture_id, source_day, is_uncertain, may_act_until"""
"""The columns of an ``UnsettledDelivery``."""


class Deliveries:
    """Deliveries of one (connection, stream)."""

    def __init__(self, connection: psycopg.Connection[Any], name: str, stream: str) -> None:
        self._db = connection
        self._name = name
        self._stream = stream
        self._is_pruned = stream in KINDS and KINDS[stream].is_snapshot
        self._kept = "" if self._is_pruned else _IS_KEPT
        self._months = set[date]() if self._is_pruned else {KEPT}
        """Of the deliveries that were claimed or found unsettled here."""
        self.tries: dict[UUID, int] = {}
        """How often those that were claimed here have been tried, in outages too."""

    def claim(self, rows: Sequence[ClaimRow], run_id: str) -> dict[UUID, int]:
        """Mark intended effects as in flight, and return the number of each one's attempt.

        The caller commits before sending.
        """
        if not rows:
            return {}
        claimed = self._db.execute(
            f"""INSERT INTO sync.delivery (delivery_key, connection, stream, source_id, action,
                                          target_key, source_day, capture_id, state, attempts,
                                          tries, correlation_id, run_id, claimed_at, prune_month)
               SELECT k, %(name)s, %(stream)s, s, a, t, d, c, 'in_flight', 1, 1, r, %(run)s,
                      clock_timestamp(), {_MONTH if self._is_pruned else f"'{KEPT}'::date"}
               FROM unnest(%(keys)b::uuid[], %(sources)b::text[], %(actions)b::text[],
                           %(targets)b::text[], %(days)b::date[], %(captures)b::uuid[],
                           %(correlated)b::text[]) AS v(k, s, a, t, d, c, r)
               ON CONFLICT (delivery_key, prune_month) DO UPDATE SET
                   is_uncertain = delivery.is_uncertain OR delivery.state = 'in_flight',
                   state = 'in_flight', attempts = delivery.attempts + 1,
                   tries = delivery.tries + 1,
                   run_id = excluded.run_id, claimed_at = clock_timestamp(), settled_at = NULL,
                   capture_id = excluded.capture_id, source_day = excluded.source_day
               RETURNING delivery_key, attempts, tries, prune_month""",  # noqa: S608 - constants of this module only
            {
                "name": self._name,
                "stream": self._stream,
                "run": run_id,
                "month": self._present_month() if self._is_pruned else None,
                "keys": [r.delivery_key for r in rows],
                "sources": [r.source_id for r in rows],
                "actions": [r.action for r in rows],
                "targets": [r.target_key for r in rows],
                "days": [r.source_day for r in rows],
                "captures": [r.capture_id for r in rows],
                "correlated": [r.correlation_id for r in rows],
            },
        )
        found = claimed.fetchall()
        self._months.update(month for *_, month in found)
        self.tries.update((key, tries) for key, _, tries, _ in found)
        return {key: attempts for key, attempts, *_ in found}

    def _present_month(self) -> date:
        """Return the first day of the month, in which deliveries of the stream are claimed now."""
        row = self._db.execute(
            "SELECT sync.ensure_delivery_month(clock_timestamp()::date)"
        ).fetchone()
        return cast("date", row[0] if row else None)

    def settle(self, rows: Sequence[SettleRow], acts_for: float = 0.0) -> None:
        """Record the outcome of claimed deliveries.

        An effect stays uncertain unless it is known to have happened, or what came before it was
        certain. ``acts_for`` is for how many seconds a lost request may still take effect.
        """
        if not rows:
            return
        done = self._settle(rows, acts_for, self._months)
        if done < len(rows) and self._is_pruned:
            keys = [r.delivery_key for r in rows]
            found = self._db.execute(
                "SELECT DISTINCT prune_month FROM sync.delivery WHERE delivery_key = ANY(%b)",
                (keys,),
            )
            self._settle(rows, acts_for, {month for (month,) in found})
        note_asked(self._db, [r.delivery_key for r in rows if r.state == "requested"])

    def _settle(self, rows: Sequence[SettleRow], acts_for: float, months: Collection[date]) -> int:
        """Record outcomes of deliveries in these months.

        The keys are given twice: joined only, they are not index look-ups while a table has no
        statistics.
        """
        keys = [r.delivery_key for r in rows]
        return self._db.execute(
            """UPDATE sync.delivery d SET state = v.s, target_id = v.t, trace_id = v.x,
                      error = v.e,
                      settled_at = CASE WHEN v.s <> 'in_flight' THEN clock_timestamp() END,
                      is_uncertain = v.s NOT IN ('delivered', 'requested', 'superseded')
                                     AND (d.is_uncertain OR v.l),
                      may_act_until = CASE WHEN v.l
                          THEN clock_timestamp() + make_interval(secs => %s)
                          ELSE d.may_act_until END
               FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[],
                           %b::boolean[]) AS v(k, s, t, x, e, l)
               WHERE d.delivery_key = v.k AND d.delivery_key = ANY(%b::uuid[])
                 AND d.prune_month = ANY(%b::date[])""",
            (
                acts_for,
                keys,
                [r.state for r in rows],
                [r.target_id for r in rows],
                [r.trace_id for r in rows],
                [r.error for r in rows],
                [r.is_lost for r in rows],
                keys,
                list(months),
            ),
        ).rowcount

    def spare(self, keys: Sequence[UUID]) -> None:
        """Take back an attempt of deliveries that failed because the target as a whole did."""
        self._change(keys, "attempts = greatest(attempts - 1, 0)")

    def bury(self, keys: Sequence[UUID]) -> None:
        """Give deliveries up that have no attempts left; what is uncertain of them stays so."""
        self._change(keys, "is_uncertain = is_uncertain OR state = 'in_flight', state = 'dead'")

    def release(self, keys: Sequence[UUID]) -> None:
        """Release claims that were never sent: they do not count as attempts."""
        self._change(
            keys,
            """state = 'failed', attempts = attempts - 1, tries = tries - 1,
               error = 'not sent: an earlier effect failed', settled_at = clock_timestamp()""",
        )

    def supersede(self, keys: Sequence[UUID]) -> None:
        """Close deliveries that took no effect, or whose effect a look at the target has shown."""
        self._change(
            keys, "state = 'superseded', is_uncertain = false, settled_at = clock_timestamp()"
        )

    def _change(self, keys: Sequence[UUID], change: str) -> None:
        if not keys:
            return
        self._db.execute(
            f"""UPDATE sync.delivery SET {change}
                WHERE delivery_key = ANY(%b){self._kept}""",  # noqa: S608 - constants of this module only
            (list(keys),),
        )

    def revive(self, source_ids: Sequence[str]) -> None:
        """Let dead deliveries of records be tried again, as an operator asked for."""
        self._db.execute(
            f"""UPDATE sync.delivery SET attempts = 0, state = 'failed'
               WHERE connection = %s AND stream = %s AND source_id = ANY(%b)
                 AND state = 'dead'{self._kept}""",  # noqa: S608 - a constant
            (self._name, self._stream, list(source_ids)),
        )

    def unsettled(
        self, source_ids: Sequence[str], acts_for: float
    ) -> dict[str, list[UnsettledDelivery]]:
        """Return the deliveries of records that failed, are uncertain, or may still take effect.

        Called by the holder of the writer's lock: what is in flight belongs to a run that is dead
        or must stop, and whose requests may take effect for ``acts_for`` more seconds.
        """
        self._db.execute(
            f"""UPDATE sync.delivery SET is_uncertain = true,
                      may_act_until = clock_timestamp() + make_interval(secs => %s)
               WHERE connection = %s AND stream = %s AND state = 'in_flight'
                 AND (may_act_until IS NULL
                      OR may_act_until < claimed_at + make_interval(secs => %s))
                 AND source_id = ANY(%b){self._kept}""",  # noqa: S608 - a constant
            (acts_for, self._name, self._stream, acts_for, list(source_ids)),
        )
        rows = self._db.execute(
            f"""SELECT {_UNSETTLED}, prune_month
               FROM sync.delivery
               WHERE connection = %(name)s AND stream = %(stream)s AND source_id = ANY(%(ids)s)
                 AND (state IN ('in_flight', 'failed') OR is_uncertain){self._kept}
               UNION
               SELECT {_UNSETTLED}, prune_month
               FROM sync.delivery
               WHERE connection = %(name)s AND stream = %(stream)s AND source_id = ANY(%(ids)s)
                 AND may_act_until > clock_timestamp(){self._kept}
               ORDER BY claimed_at""",  # noqa: S608 - a constant
            {"name": self._name, "stream": self._stream, "ids": list(source_ids)},
        )
        found: dict[str, list[UnsettledDelivery]] = {}
        for *row, month in rows:
            self._months.add(month)
            found.setdefault(row[1], []).append(UnsettledDelivery(*row))
        return found

    def target_ids(self, target_keys: Sequence[str], actions: Collection[str]) -> set[str]:
        """Return the ids that the target gave to settled deliveries of these target records.

        Only of these actions: what another one is about, such as an order's status, may have the
        id that a shipment has.
        """
        rows = self._db.execute(
            f"""SELECT target_id FROM sync.delivery
               WHERE connection = %s AND stream = %s AND state = 'delivered' AND action = ANY(%b)
                 AND target_id <> '' AND target_key = ANY(%b){self._kept}""",  # noqa: S608 - a constant
            (self._name, self._stream, list(actions), list(target_keys)),
        )
        return {target_id for (target_id,) in rows}

    def answer(self, source_ids: Sequence[str], action: str, state: str) -> list[UnsettledDelivery]:
        """Record the late answer to requests such as cancellations; return their deliveries."""
        rows = self._db.execute(
            f"""UPDATE sync.delivery SET state = %s, settled_at = clock_timestamp()
               WHERE connection = %s AND stream = %s AND action = %s AND state = 'requested'
                 AND source_id = ANY(%b){self._kept}
               RETURNING {_UNSETTLED}""",  # noqa: S608 - a constant
            (state, self._name, self._stream, action, list(source_ids)),
        )
        return [UnsettledDelivery(*row) for row in rows]

    def targets(self, keys: Sequence[str]) -> dict[str, TargetRow]:
        """Return what the target is known to hold, for each of the records that it holds."""
        rows = self._db.execute(
            """SELECT target_key, target_id, content, digest, milestone, sequence,
                      source_updated_at
               FROM sync.target_state
               WHERE connection = %s AND stream = %s AND target_key = ANY(%b)""",
            (self._name, self._stream, list(keys)),
            binary=True,
        )
        return {
            k: TargetRow(k, t, decompress(c), bytes(d), m, s, u) for k, t, c, d, m, s, u in rows
        }

    def possible_targets(self, keys: Sequence[str]) -> set[str]:
        """Return which of the records the target holds, or may hold by an unsettled delivery."""
        rows = self._db.execute(
            f"""SELECT target_key FROM sync.target_state
               WHERE connection = %(name)s AND stream = %(stream)s AND target_key = ANY(%(keys)s)
               UNION
               SELECT target_key FROM sync.delivery
               WHERE connection = %(name)s AND stream = %(stream)s AND source_id = ANY(%(keys)s)
                 AND (state = 'in_flight' OR is_uncertain){self._kept}""",  # noqa: S608 - a constant
            {"name": self._name, "stream": self._stream, "keys": list(keys)},
        )
        return {key for (key,) in rows}

    def put_targets(self, rows: Sequence[TargetRow]) -> None:
        """Record what the target holds now."""
        if not rows:
            return
        self._db.execute(
            """INSERT INTO sync.target_state (connection, stream, target_key, target_id, content,
                                              digest, milestone, sequence, source_updated_at)
               SELECT %s, %s, k, t, c, d, m, s, u
               FROM unnest(%b::text[], %b::text[], %b::bytea[], %b::bytea[], %b::text[],
                           %b::int[], %b::timestamptz[]) AS v(k, t, c, d, m, s, u)
               ON CONFLICT (connection, stream, target_key) DO UPDATE SET
                   target_id = excluded.target_id, content = excluded.content,
                   digest = excluded.digest, milestone = excluded.milestone,
                   sequence = excluded.sequence, source_updated_at = excluded.source_updated_at,
                   updated_at = now()""",
            (
                self._name,
                self._stream,
                [r.target_key for r in rows],
                [r.target_id for r in rows],
                [compress(r.content) for r in rows],
                [r.digest for r in rows],
                [r.milestone for r in rows],
                [r.sequence for r in rows],
                [r.source_updated_at for r in rows],
            ),
        )
