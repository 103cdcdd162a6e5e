"""What retries leave under way of rejected versions: it is given up, and the operator's again.

A delivery is known by the version that it sends. By the record it is not: the OMS's order is a
record, and its shipments are delivered under the store's id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import psycopg

ACTS_FOR = timedelta(minutes=1)
"""A request of a run that died may take effect for this long: more than any client's time-out."""


def give_up(db: psycopg.Connection[Any], rejection_ids: Sequence[int]) -> None:
    """Give up what is under way of the versions that rejections are about, and of those before.

    A version that one of them has superseded is sent by no run any more, and was perhaps on its way
    while the target was down. What may have been sent stays uncertain, so that a newer version
    looks for it.
    """
    if not rejection_ids:
        return
    db.execute(
        """WITH versions AS (
               SELECT connection, stream, capture_id FROM sync.rejection
               WHERE rejection_id = ANY(%(ids)s)
               UNION
               SELECT r.connection, r.stream, r.capture_id
               FROM sync.rejection x JOIN sync.record r USING (connection, stream, source_id)
               WHERE x.rejection_id = ANY(%(ids)s) AND r.outcome = 'superseded')
           UPDATE sync.delivery d SET state = 'dead',
                  is_uncertain = d.is_uncertain OR d.state = 'in_flight',
                  may_act_until = CASE WHEN d.state = 'in_flight'
                      THEN greatest(d.may_act_until, d.claimed_at + %(acts_for)s)
                      ELSE d.may_act_until END
           FROM versions v
           WHERE d.connection = v.connection AND d.stream = v.stream
             AND d.capture_id = v.capture_id AND d.state IN ('failed', 'in_flight')""",
        {"ids": list(rejection_ids), "acts_for": ACTS_FOR},
    )


def tried_in_vain(reopened: Iterable[tuple[int, str]]) -> list[int]:
    """Return of rejections that are open again (id, stage) those whose delivery was tried."""
    return [rejection_id for rejection_id, stage in reopened if stage == "delivered"]
