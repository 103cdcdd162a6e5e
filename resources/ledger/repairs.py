"""Corrections of what the ledger believes of a target, where a reconciliation has seen that it is otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

LOST = "the target no longer holds it: a reconciliation found it gone"


def forget_targets(db: psycopg.Connection[Any], connection: str, stream: str, keys: Sequence[str]) -> None:
    """Forget what a target was believed to hold of records that it does not have."""
    db.execute(
        "DELETE FROM sync.target_state WHERE connection = %s AND stream = %s AND target_key = ANY(%s)", (connection, stream, list(keys))
    )


def lose_deliveries(
    db: psycopg.Connection[Any], connection: str, stream: str, lost: Mapping[str, Collection[str]], *, orders_gone: Sequence[str]
) -> None:
    """Close settled deliveries whose effect no longer stands, so that the same effect may be claimed anew with all its attempts.

    ``lost`` maps target keys to the target's ids that are gone; of ``orders_gone`` no effect stands at all.
    """
    pairs = [(key, target_id) for key, ids in lost.items() for target_id in ids]
    db.execute(
        """UPDATE sync.delivery d SET state = 'superseded', attempts = 0, error = %s
           WHERE d.connection = %s AND d.stream = %s AND d.state IN ('delivered', 'requested')
             AND (d.target_key = ANY(%s)
                  OR (d.target_key, d.target_id) IN (SELECT * FROM unnest(%s::text[], %s::text[])))""",
        (LOST, connection, stream, list(orders_gone), [key for key, _ in pairs], [target_id for _, target_id in pairs]),
    )


def make_due(db: psycopg.Connection[Any], connection: str, stream: str, captures: Sequence[tuple[date, UUID]]) -> None:
    """Let accepted records be delivered again."""
    db.execute(
        """UPDATE sync.record r SET outcome = NULL, settled_at = NULL
           FROM unnest(%s::date[], %s::uuid[]) AS v(day, capture_id)
           WHERE r.connection = %s AND r.stream = %s AND r.source_day = v.day AND r.capture_id = v.capture_id AND r.state = 'accepted'""",
        ([day for day, _ in captures], [capture_id for _, capture_id in captures], connection, stream),
    )
