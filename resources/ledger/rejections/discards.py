"""What a discard means: that version is not sent, by no rerun or sweep, and not with force.

An operator has entered it at the target by hand, or does not want it there. It would be sent twice,
or against that decision, once its cause is gone. A newer version is another matter, and so is one
that an operator retries or edits later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

from domain.connections import ACTIONS, CUSTOMERS, ORDERS, PRICES, SHIPMENTS
from resources.ledger.rejections.reruns import ACTS_FOR

WHOLE = (ORDERS, CUSTOMERS)
"""Streams that send a version as a whole: of others a part is sent, and the rest is refused."""
STREAMS = (*WHOLE, SHIPMENTS, ACTIONS, PRICES)
"""Others have rules of their own: a refund asks again, a listing is requested anew, and a level is
compared with the store's."""
RULE = "discarded"
"""Under which a run names what it leaves alone."""


def left_out(
    db: psycopg.Connection[Any], connection: str, stream: str, day: date, captures: Sequence[UUID]
) -> set[UUID]:
    """Return the versions of a day of which an operator has discarded a rejection.

    But for those that an operator has retried or edited since, as another rejection, and those
    that had been sent before a rerun rejected them. A price counts that was kept from the store:
    one that could not be read has no place in the store yet, and is not known to be in it.
    """
    if stream not in STREAMS or not captures:
        return set()
    rows = db.execute(
        """SELECT x.capture_id FROM sync.rejection x
           WHERE x.connection = %s AND x.stream = %s AND x.state = 'discarded'
             AND x.source_day = %s AND x.capture_id = ANY(%b::uuid[])
             AND (x.stage = 'delivered' OR x.stream <> %s)
             AND NOT ((x.stage = 'validated' OR x.stream = ANY(%s)) AND EXISTS (
                 SELECT 1 FROM sync.delivery d
                 WHERE d.connection = x.connection AND d.stream = x.stream
                   AND d.source_id = x.source_id AND d.capture_id = x.capture_id
                   AND d.state IN ('delivered', 'requested')))
             AND NOT EXISTS (
                 SELECT 1 FROM sync.rejection o JOIN sync.rejection_action a USING (rejection_id)
                 WHERE (o.connection, o.stream, o.source_id)
                     = (x.connection, x.stream, x.source_id)
                   AND o.capture_id = x.capture_id AND o.rejection_id <> x.rejection_id
                   AND a.action IN ('retry', 'edit') AND a.at > x.closed_at)""",
        (connection, stream, day, list(captures), PRICES, list(WHOLE)),
    )
    return {capture_id for (capture_id,) in rows}


def give_up(db: psycopg.Connection[Any], rejection_ids: Sequence[int]) -> None:
    """Give up what a retry has left to be sent of versions that were discarded just now.

    What may have been sent stays uncertain, so that a newer version looks for it.
    """
    values = {"ids": list(rejection_ids), "streams": list(STREAMS), "acts_for": ACTS_FOR}
    db.execute(
        """UPDATE sync.delivery d SET state = 'dead',
                  is_uncertain = d.is_uncertain OR d.state = 'in_flight',
                  may_act_until = CASE WHEN d.state = 'in_flight'
                      THEN greatest(d.may_act_until, d.claimed_at + %(acts_for)s)
                      ELSE d.may_act_until END
           FROM sync.rejection x
           WHERE x.rejection_id = ANY(%(ids)s) AND x.stream = ANY(%(streams)s)
             AND d.connection = x.connection AND d.stream = x.stream
             AND d.source_id = x.source_id AND d.capture_id = x.capture_id
             AND d.state IN ('failed', 'in_flight')""",
        values,
    )
    db.execute(
        """UPDATE sync.record r SET outcome = 'rejected'
           FROM sync.rejection x
           WHERE x.rejection_id = ANY(%(ids)s) AND x.stream = ANY(%(streams)s)
             AND r.connection = x.connection AND r.stream = x.stream
             AND r.source_day = x.source_day AND r.capture_id = x.capture_id
             AND r.state = 'accepted' AND r.outcome IS NULL""",
        values,
    )
