"""Obligation: which version of a record is owed to the target when newer ones exist.

Once a record was accepted, or rejected in a status that is exported, it is owed until it is
delivered, an operator discards it, or the source withdraws it. That its status has moved on to one
that is not exported does not release it, and closes no rejection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from domain.rules.export import AFTER_END, CHANGE_NOT_SENT, NOT_SENT_RULE
from resources.ledger.records import owed
from resources.ledger.rows import AcceptedRecord, RecordRow, StoredCapture
from resources.ledger.session import Session

OWED_RULES = frozenset({NOT_SENT_RULE})
"""Rules that skip a newer version and leave the accepted or rejected one before it owed."""
MOVED_ON = frozenset({("skipped", NOT_SENT_RULE), ("rejected", CHANGE_NOT_SENT)})
"""States and rules of versions whose status has moved on to one that is not exported."""
STAGES = ("validated", "delivered")


def owed_versions(session: Session, chunk: Sequence[AcceptedRecord]) -> list[AcceptedRecord]:
    """Return the chunk with the versions that are owed marked as not superseded.

    A version whose successor is not validated yet is left out: it is decided when that is.
    """
    older = {accepted.source_id for accepted in chunk if accepted.superseded}
    if not older:
        return list(chunk)
    newest = session.records.newest_states(sorted(older))
    moved_on = [source_id for source_id, (state, rule) in newest.items() if _moved_on(state, rule)]
    # What was sent of an order before it became history must not stay unknown.
    history = [source_id for source_id, (_, rule) in newest.items() if rule == AFTER_END]
    moved_on += owed.uncertain(session.db, session.connection, session.stream, history)
    due = set(session.records.newest_accepted(moved_on).values()) if moved_on else set()
    return [
        accepted._replace(superseded=False) if accepted.capture_id in due else accepted
        for accepted in chunk
        if not accepted.superseded or newest.get(accepted.source_id, ("", ""))[0] is not None
    ]


def owed_captures(session: Session, chunk: Sequence[StoredCapture]) -> list[StoredCapture]:
    """Return the chunk with the rejected versions that are owed marked as not superseded.

    Their rejections stayed open while their status moved on, so a retry must validate them.
    """
    older = {capture.source_id for capture in chunk if capture.superseded}
    if not older or not session.rejections.any_open():
        return list(chunk)
    rejected = session.rejections.open_captures("validated", sorted(older))
    newest = session.records.newest_states(sorted(rejected))
    owed = {rejected[source_id] for source_id, found in newest.items() if _moved_on(*found)}
    return [
        capture._replace(superseded=False) if capture.capture_id in owed else capture
        for capture in chunk
    ]


def unexamined_captures(
    session: Session, chunk: Sequence[StoredCapture], decided: Mapping[str, tuple[str, str]]
) -> list[list[StoredCapture]]:
    """Return the superseded versions of records that may be owed, the newest of each first.

    A version that could not be validated while the OMS was away, and whose status has moved on
    since, must not end unseen. ``decided`` is what validation has just made of newer versions:
    their state and rule. What the OMS has, and what is owed already, is left out; a record whose
    newest version is not validated yet is looked at when that is (``reopen_owed``).
    """
    older: dict[str, list[StoredCapture]] = {}
    for capture in chunk:
        if capture.superseded:
            older.setdefault(capture.source_id, []).append(capture)
    if not older:
        return []
    states = {**session.records.newest_states(sorted(older)), **decided}
    moved_on = [s for s, found in states.items() if s in older and _moved_on(*found)]
    return [
        sorted(older[source_id], key=_age, reverse=True)
        for source_id in _not_owed_yet(session, moved_on)
    ]


def reopen_owed(session: Session, rows: Sequence[RecordRow]) -> set[date]:
    """Let older versions of records be looked at again whose status has just moved on.

    They may have ended as superseded by the version of another partition before that was validated,
    or by one that withdrew the order: one that is no longer withdrawn is owed as before. Return
    the days of what is due again.
    """
    moved_on = [row.source_id for row in rows if _moved_on(row.state, row.rule)]
    if not (waiting := _not_sent(session, moved_on)):
        return set()
    return owed.reopen(
        session.db, session.connection, session.stream, waiting, [row.capture_id for row in rows]
    )


def reopen_moved_on(session: Session, source_ids: Sequence[str]) -> set[date]:
    """Let the newest versions of records be validated again that were skipped; return the days.

    An older version has turned out to be owed since, and must not go out in its form where units
    were refunded or shipped in the meantime.
    """
    if not source_ids:
        return set()
    return owed.reopen_skipped(
        session.db, session.connection, session.stream, source_ids, OWED_RULES
    )


def _not_owed_yet(session: Session, source_ids: Sequence[str]) -> list[str]:
    """Return the records that the OMS does not have, and that are not owed to it already."""
    known = session.records.newest_accepted(source_ids).keys() if source_ids else set()
    return _not_sent(session, [source_id for source_id in source_ids if source_id not in known])


def _not_sent(session: Session, source_ids: Sequence[str]) -> list[str]:
    """Return the records that the OMS does not have, and whose rejection does not decide."""
    if not source_ids:
        return []
    known = session.deliveries.possible_targets(source_ids)
    known |= session.rejections.deciding(source_ids)
    return [source_id for source_id in source_ids if source_id not in known]


def _age(capture: StoredCapture) -> tuple[datetime, UUID]:
    return capture.source_updated_at, capture.capture_id


def close_rejections(session: Session, rows: Sequence[RecordRow]) -> None:
    """Close the rejections of records that validation accepts, or that are owed no more.

    A newer version may have been skipped long before the rejected one is validated again, so
    the newest outcome decides for those that are superseded.
    """
    if not session.rejections.any_open():
        return
    accepted = [row.source_id for row in rows if row.state == "accepted"]
    why = "a later validation accepted the record"
    session.rejections.close("validated", accepted, why, session.run_id)
    skipped = {row.source_id: row.rule for row in rows if row.state == "skipped"}
    older = {row.source_id for row in rows if row.state == "superseded"} - skipped.keys()
    for source_id, (state, rule) in session.records.newest_states(sorted(older)).items():
        if state == "skipped":
            skipped[source_id] = rule
    by_rule: dict[str, list[str]] = {}
    for source_id, rule in skipped.items():
        by_rule.setdefault(rule, []).append(source_id)
    # A version whose status is not exported, and whose content is as the OMS has it.
    why = "the content is as it was sent"
    for rule in sorted(by_rule.keys() & OWED_RULES):
        session.rejections.close(
            "validated", by_rule[rule], why, session.run_id, code=CHANGE_NOT_SENT
        )
    for rule in sorted(by_rule.keys() - OWED_RULES):
        for stage in STAGES:
            session.rejections.close(stage, by_rule[rule], f"obsolete: {rule}", session.run_id)


def withdraw(session: Session, rows: Sequence[RecordRow]) -> None:
    """Close what failed of records whose newest version a rule skips: no run tries it again."""
    skipped = {row.source_id for row in rows if row.state == "skipped"}
    failed = owed.failed(session.db, session.connection, session.stream, sorted(skipped))
    newest = session.records.newest_states(sorted(set(failed.values()))) if failed else {}
    session.deliveries.supersede(
        [
            key
            for key, source_id in failed.items()
            if newest[source_id][0] == "skipped" and newest[source_id][1] not in OWED_RULES
        ]
    )


def _moved_on(state: str | None, rule: str) -> bool:
    return (state, rule) in MOVED_ON
