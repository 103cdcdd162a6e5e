"""Retries of rejections that a changed configuration or mapping could let through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from domain.rejection_codes.codes import could_fix, entry_of
from resources.fingerprint import CODE
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import Rejection, RejectionFilter

WHO = "lockstep"
_OURS = ("value", "mapping")


def reopen(db: psycopg.Connection[Any], connection: str, parts: Mapping[str, bytes]) -> list[int]:
    """Queue reruns of the records that a change since the last call could let through.

    Return the reruns' ids. ``parts`` are the current digests (``fingerprint.parts_of``). They are
    only stored when the connection is new.
    """
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(hashtext('lockstep.reopen'))")
        changed, is_new = _exchange(db, connection, parts)
        if is_new or not changed:
            return []
        found = [
            r
            for r in work_queue.find(db, RejectionFilter(connection=connection))
            if _may_pass(r, changed)
        ]
        return operator_actions.queue_retry(
            db, found, WHO, "as_captured", f"changed: {', '.join(sorted(changed))}"[:500], "reopen"
        )


def _exchange(
    db: psycopg.Connection[Any], connection: str, parts: Mapping[str, bytes]
) -> tuple[frozenset[str], bool]:
    """Store the current digests.

    Return which parts differ from those stored before, and whether none were stored.
    """
    rows = db.execute(
        "SELECT part, digest FROM sync.mapping_digest WHERE connection = %s", (connection,)
    ).fetchall()
    kept = {part: bytes(digest) for part, digest in rows}
    changed = frozenset(
        part for part in kept.keys() | parts.keys() if kept.get(part) != parts.get(part)
    )
    if not changed:
        return changed, False
    db.execute(
        "DELETE FROM sync.mapping_digest WHERE connection = %s AND part = ANY(%s)",
        (connection, list(changed - parts.keys())),
    )
    with db.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO sync.mapping_digest (connection, part, digest) VALUES (%s, %s, %s)
               ON CONFLICT (connection, part) DO UPDATE SET
                   digest = excluded.digest, changed_at = now()""",
            [(connection, part, parts[part]) for part in sorted(changed & parts.keys())],
        )
    return changed, not kept


def _may_pass(rejection: Rejection, changed: frozenset[str]) -> bool:
    """Return whether the change could fix one of the rejection's problems.

    That is a setting which its code names, or code that decides how a record is read.
    """
    codes = {problem["code"] for problem in rejection.problems}
    if (
        CODE in changed
        and rejection.stage == "validated"
        and any(entry_of(code).category in _OURS for code in codes)
    ):
        return True
    return any(could_fix(code, changed) for code in codes)
