"""Older versions of records that the target is owed again: their outcomes are taken back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import psycopg


def reopen(
    db: psycopg.Connection[Any],
    name: str,
    stream: str,
    source_ids: Sequence[str],
    but: Sequence[UUID],
) -> set[date]:
    """Take back the outcomes of older versions of records that are owed; return their days.

    The target has none of them. The newest accepted version is due again, if it was not
    sent. Validated again are a version that had only asked to withdraw the record, and, of
    one without an accepted version, those that were rejected or superseded. ``but`` are
    captures that were looked at just now.
    """
    mine = (name, stream, list(source_ids))
    # A withdrawal: accepted while the target might have had it, and then nothing was to do.
    withdrawn = db.execute(
        """DELETE FROM sync.record
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b)
             AND state = 'accepted' AND outcome = 'unchanged'
           RETURNING source_day""",
        mine,
    ).fetchall()
    due = db.execute(
        """WITH accepted AS (
               SELECT DISTINCT ON (source_id) source_day, capture_id, outcome
               FROM sync.record
               WHERE connection = %s AND stream = %s AND source_id = ANY(%b)
                 AND state = 'accepted'
               ORDER BY source_id, source_updated_at DESC, capture_id DESC)
           UPDATE sync.record r SET outcome = NULL, settled_at = NULL FROM accepted a
           WHERE r.connection = %s AND r.stream = %s AND r.source_day = a.source_day
             AND r.capture_id = a.capture_id AND a.outcome IN ('superseded', 'rejected')
           RETURNING r.source_day""",
        (*mine, name, stream),
    ).fetchall()
    again = db.execute(
        """DELETE FROM sync.record r
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b)
             AND state IN ('superseded', 'rejected') AND NOT capture_id = ANY(%b)
             AND NOT EXISTS (SELECT 1 FROM sync.record a
                 WHERE (a.connection, a.stream, a.source_id)
                     = (r.connection, r.stream, r.source_id) AND a.state = 'accepted')
           RETURNING source_day""",
        (*mine, list(but)),
    ).fetchall()
    return {day for (day,) in (*withdrawn, *due, *again)}


def reopen_skipped(
    db: psycopg.Connection[Any],
    name: str,
    stream: str,
    source_ids: Sequence[str],
    rules: Collection[str],
) -> set[date]:
    """Take back the outcomes of newest versions that one of the rules has skipped.

    Return their days.
    """
    rows = db.execute(
        """WITH newest AS (
               SELECT DISTINCT ON (c.source_id) c.source_day, c.capture_id
               FROM sync.capture c
               WHERE c.connection = %s AND c.stream = %s AND c.source_id = ANY(%b)
               ORDER BY c.source_id, c.source_updated_at DESC, c.captured_at DESC,
                        c.capture_id DESC)
           DELETE FROM sync.record r USING newest n
           WHERE r.connection = %s AND r.stream = %s AND r.source_day = n.source_day
             AND r.capture_id = n.capture_id AND r.state = 'skipped' AND r.rule = ANY(%s)
           RETURNING r.source_day""",
        (
            name,
            stream,
            list(source_ids),
            name,
            stream,
            sorted(rules),
        ),
    )
    return {day for (day,) in rows}


def uncertain(
    db: psycopg.Connection[Any], connection: str, stream: str, source_ids: Sequence[str]
) -> set[str]:
    """Return the records of which it is not known what a delivery has done."""
    if not source_ids:
        return set()
    rows = db.execute(
        """SELECT DISTINCT source_id FROM sync.delivery
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b)
             AND (state = 'in_flight' OR is_uncertain)""",
        (connection, stream, list(source_ids)),
    )
    return {source_id for (source_id,) in rows}


def failed(
    db: psycopg.Connection[Any], connection: str, stream: str, source_ids: Sequence[str]
) -> dict[UUID, str]:
    """Return the deliveries of records that failed without any effect: key -> record."""
    if not source_ids:
        return {}
    rows = db.execute(
        """SELECT delivery_key, source_id FROM sync.delivery
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b)
             AND state = 'failed' AND NOT is_uncertain""",
        (connection, stream, list(source_ids)),
    )
    return dict(rows.fetchall())
