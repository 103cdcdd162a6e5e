"""Obligation: which version of a record is owed to the target when newer ones exist.

Once a record was accepted it is owed until it is delivered, an operator discards it, or the source
withdraws it. That its status has moved on to one that is not exported does not release it.
"""

from __future__ import annotations

from collections.abc import Sequence

from resources.ledger.rows import AcceptedRecord
from resources.ledger.session import Session

OWED_RULES = frozenset({"status_not_exported"})
"""Rules that skip a newer version and leave the accepted one before it owed."""


def owed_versions(session: Session, chunk: Sequence[AcceptedRecord]) -> list[AcceptedRecord]:
    """Return the chunk with the versions that are owed marked as not superseded.

    A version whose successor is not validated yet is left out: it is decided when that is.
    """
    older = {accepted.source_id for accepted in chunk if accepted.superseded}
    if not older:
        return list(chunk)
    newest = session.records.newest_states(sorted(older))
    moved_on = [
        source_id
        for source_id, (state, rule) in newest.items()
        if state == "skipped" and rule in OWED_RULES
    ]
    owed = set(session.records.newest_accepted(moved_on).values()) if moved_on else set()
    return [
        accepted._replace(superseded=False) if accepted.capture_id in owed else accepted
        for accepted in chunk
        if not accepted.superseded or newest.get(accepted.source_id, ("", ""))[0] is not None
    ]
