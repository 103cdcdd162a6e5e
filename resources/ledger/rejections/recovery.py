"""Retries of rejections of records that could not be sent or read, without an operator.

They say nothing about the record: the target did not answer, its quota was used up, or the source
gave a part of the record only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from domain.connections import ORDERS, RETURNS, SHIPMENTS
from domain.rejection_codes.codes import PART_NOT_READ
from domain.rules.export import Ended
from domain.values import doubled
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.reopening import WHO
from resources.ledger.rejections.work_queue import Rejection, RejectionFilter
from resources.ledger.session import Session

CATEGORIES = ("connection", "rate_limit")
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(days=1)
"""How long such a rejection waits; the pause doubles, as the fault may be the record's own."""


def retry_unreached(session: Session, failing_since: datetime | None = None) -> list[int]:
    """Queue retries of such rejections that are due; return the reruns' ids.

    ``failing_since`` is the start of an outage that has ended: what was rejected during it is due.
    """
    now = datetime.now(UTC)
    operator_actions.end_abandoned(session.db, session.connection, session.stream)
    found = [
        rejection
        for category in CATEGORIES
        for rejection in work_queue.find(
            session.db,
            RejectionFilter(
                connection=session.connection,
                stream=session.stream,
                stage="delivered",
                category=category,
                states=("open",),
            ),
        )
        if _is_due(rejection, now, failing_since)
    ]
    sent = operator_actions.queue_retry(
        session.db, found, WHO, "as_captured", "the target may accept it by now"
    )
    return sent + _read_again(session, now)


def _read_again(session: Session, now: datetime) -> list[int]:
    """Queue reads of the partitions of records of which a part was not read."""
    unread = RejectionFilter(
        connection=session.connection,
        stream=session.stream,
        stage="validated",
        code=PART_NOT_READ,
        states=("open",),
    )
    due = [one for one in work_queue.find(session.db, unread) if _is_due(one, now, None)]
    return operator_actions.queue_retry(
        session.db, due, WHO, "re_read", "the source may give all of it by now"
    )


def retry_linked(session: Session, code: str, oms_ids: Sequence[str]) -> list[int]:
    """Queue retries of the orders of the OMS, and their returns, that wait for a link.

    Return the reruns' ids. ``code`` is that of their rejections; a return's has the order's id as
    its value.
    """
    if not oms_ids:
        return []
    rows = session.db.execute(
        """SELECT rejection_id FROM sync.rejection
           WHERE connection = %s AND state = 'open' AND code = %s
             AND (stream = %s AND source_id = ANY(%b) OR stream = %s AND value = ANY(%b))""",
        (session.connection, code, SHIPMENTS, list(oms_ids), RETURNS, list(oms_ids)),
    ).fetchall()
    if not rows:
        return []
    found = work_queue.by_id(session.db, [rejection_id for (rejection_id,) in rows])
    return operator_actions.queue_retry(
        session.db, list(found.values()), WHO, "as_captured", "the order has a link now"
    )


def retry_ended(session: Session, ended: Mapping[str, Ended], fulfilled: str) -> list[int]:
    """Queue retries of the rejections of orders that the OMS is done with; return the reruns' ids.

    Of an order that has left, those with the code ``fulfilled``: others say what has not left as
    the store has it.
    """
    if not ended:
        return []
    rows = session.db.execute(
        """SELECT rejection_id, source_id, code FROM sync.rejection
           WHERE connection = %s AND stream = %s AND state = 'open'
             AND source_id = ANY(%b::text[])""",
        (session.connection, ORDERS, list(ended)),
    ).fetchall()
    wanted = [i for i, order, code in rows if ended[order] == "canceled" or code == fulfilled]
    if not wanted:
        return []
    found = list(work_queue.by_id(session.db, wanted).values())
    return operator_actions.queue_retry(
        session.db, found, WHO, "as_captured", "the OMS is done with the order"
    )


def pause_before_retry(seen: int) -> timedelta:
    """Return how long a rejection waits that was met ``seen`` times."""
    return doubled(FIRST_PAUSE, seen, LONGEST_PAUSE)


def _is_due(rejection: Rejection, now: datetime, failing_since: datetime | None) -> bool:
    if failing_since is not None and rejection.seen_at >= failing_since:
        return True
    return rejection.seen_at + pause_before_retry(rejection.seen_count) <= now
