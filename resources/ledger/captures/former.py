"""Former versions of records: with which one a target's record was created, and what it said."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import psycopg

from resources.ledger.captures.edits import applied, of_records
from resources.ledger.database.compression import decompress


def created_with(
    db: psycopg.Connection[Any], connection: str, stream: str, source_ids: Collection[str]
) -> dict[str, UUID]:
    """Return the capture with which each record was created at the target, if it is known."""
    rows = db.execute(
        """SELECT DISTINCT ON (source_id) source_id, capture_id FROM sync.delivery
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b)
             AND action = 'create' AND state = 'delivered'
           ORDER BY source_id, settled_at DESC""",
        (connection, stream, list(source_ids)),
    )
    return dict(rows.fetchall())


def newest_captures(
    db: psycopg.Connection[Any], connection: str, stream: str, source_ids: Collection[str]
) -> dict[str, UUID]:
    """Return the newest captured version of each record that has any."""
    rows = db.execute(
        """SELECT DISTINCT ON (source_id) source_id, capture_id FROM sync.capture
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b)
           ORDER BY source_id, source_updated_at DESC, captured_at DESC, capture_id DESC""",
        (connection, stream, list(source_ids)),
    )
    return dict(rows.fetchall())


def payloads_of(
    db: psycopg.Connection[Any],
    connection: str,
    stream: str,
    captures: Mapping[str, UUID],
    *,
    edited: bool = True,
) -> dict[str, bytes]:
    """Return the payloads of versions, one of each record by its id; ``edited``: as corrected.

    Without those that are no longer kept.
    """
    rows = db.execute(
        """SELECT source_id, capture_id, payload FROM sync.capture
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b)
             AND capture_id = ANY(%b) AND payload IS NOT NULL""",
        (connection, stream, list(captures), list(captures.values())),
        binary=True,
    ).fetchall()
    changes = of_records(db, connection, stream, list(captures)) if edited else {}
    return {name: applied(decompress(p), changes.get(c, ())) for name, c, p in rows}
