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


def give_up_retries(db: psycopg.Connection[Any], reopened: Iterable[tuple[int, str]]) -> None:
    """Give up what retries have tried in vain, by rejections that are open again (id, stage).

    Not what is due: the next run goes on with it.
    """
    tried = [rejection_id for rejection_id, stage in reopened if stage == "delivered"]
    if not tried:
        return
    ended = db.execute(
        """SELECT rejection_id FROM sync.rejection x
           WHERE rejection_id = ANY(%s) AND NOT EXISTS (
               SELECT 1 FROM sync.record r
               WHERE r.connection = x.connection AND r.stream = x.stream
                 AND r.source_day = x.source_day AND r.capture_id = x.capture_id
                 AND r.state = 'accepted' AND r.outcome IS NULL)""",
        (tried,),
    )
    give_up(db, [rejection_id for (rejection_id,) in ended])
