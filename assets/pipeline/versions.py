"""The order of a record's versions: the newest has a later date than all others.

Versions are ordered by the source's time, which does not always decide: a second change within a
second has the same date, as has one that the source doesn't date, and after its clock was set back
a newer version has an earlier date. Then what was read later is newer.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.identity import capture_id
from domain.values import LONG_AGO
from resources.http.clock import SAME_CLOCK
from resources.ledger.captures.captures import Newest
from resources.ledger.rows import CaptureRow
from resources.ledger.session import Session

LEAST = timedelta(microseconds=1)
SAME_STAMP = timedelta(milliseconds=1)
"""Versions closer together were stamped alike, and were set apart by ``LEAST`` when captured."""


class Ordered(NamedTuple):
    """Versions to store, and the records that have to be read again."""

    rows: list[CaptureRow]
    doubtful: list[str]
    """Their version may be older or newer than one that another run captured meanwhile."""


def in_order(
    session: Session, rows: list[CaptureRow], started: datetime, ahead: timedelta
) -> Ordered:
    """Return a chunk's versions, a newer one with a later date; the newest itself is left out.

    ``started`` is when reading the chunk began, ``ahead`` by how much the source's clock is ahead
    of ours. A version that was read while another run captured one that it may follow or precede
    is stored as the older one, and its record is doubtful.
    """
    if not rows:
        return Ordered(rows, [])
    ids = [row.source_id for row in rows]
    known = session.captures.newest_versions(rows[0].source_day, ids)
    counts = Counter(ids)
    if not known and len(counts) == len(rows):
        return Ordered(rows, [])
    disputed = [
        row
        for row in rows
        if counts[row.source_id] > 1 or _may_be_newer(row, known.get(row.source_id), ahead)
    ]
    stored = session.captures.stored(disputed)
    found = Ordered([], [])
    for row in sorted(rows, key=lambda row: row.source_updated_at):
        newest, dated = known.get(row.source_id), row
        if newest is not None and row.digest == newest.digest and _is_alike(row, newest):
            continue
        if newest is not None and _may_be_newer(row, newest, ahead):
            if newest.captured_at < started:
                later = newest.source_updated_at + LEAST
                dated = _dated(session, row, later, is_stored=row.capture_id in stored)
            else:
                found.doubtful.append(row.source_id)
                earlier = newest.source_updated_at - LEAST
                dated = row._replace(source_updated_at=min(row.source_updated_at, earlier))
        if newest is None or dated.source_updated_at > newest.source_updated_at:
            known[row.source_id] = Newest(dated.source_updated_at, LONG_AGO, dated.digest)
            stored.add(dated.capture_id)
        found.rows.append(dated)
    return found


def _may_be_newer(row: CaptureRow, newest: Newest | None, ahead: timedelta) -> bool:
    """Return whether a version may be newer than its record's newest one in spite of its date."""
    if newest is None or row.digest == newest.digest:
        return False
    moment = row.source_updated_at
    if moment > newest.source_updated_at:
        return False
    return _is_alike(row, newest) or moment - ahead + SAME_CLOCK > newest.captured_at


def _is_alike(row: CaptureRow, newest: Newest) -> bool:
    """Return whether a version has the date of its record's newest one, which may be set apart."""
    return timedelta(0) <= newest.source_updated_at - row.source_updated_at < SAME_STAMP


def _dated(session: Session, row: CaptureRow, date: datetime, *, is_stored: bool) -> CaptureRow:
    """Return a version with another date; one to which its record has returned has a new id."""
    if not is_stored:
        return row._replace(source_updated_at=date)
    identity = capture_id(
        session.connection, session.stream, row.source_id, row.digest, date.isoformat()
    )
    return row._replace(source_updated_at=date, capture_id=identity)
