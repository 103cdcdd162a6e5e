"""What a discard means: that version is not sent, by no rerun or sweep, and not with force.

An operator has entered it at the target by hand, or does not want it there. It would be sent twice,
or against that decision, once its cause is gone. A newer version is another matter, and so is one
that an operator retries or edits later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from domain.connections import ACTIONS, CUSTOMERS, ORDERS, PRICES, SHIPMENTS
from domain.errors import Problem
from domain.values import DAY, HOUR, Partition
from resources.ledger.partitions import counted
from resources.ledger.rejections import under_way

WHOLE = (ORDERS, CUSTOMERS)
"""Streams that send a version as a whole: of others a part is sent, and the rest is refused."""
STREAMS = (*WHOLE, SHIPMENTS, ACTIONS, PRICES)
"""Others have rules of their own: a refund asks again, a listing is requested anew, and a level is
compared with the store's."""
RULE = "discarded"
"""Under which a run names what it leaves alone."""


_LEFT_OUT = """x.state = 'discarded'
    AND NOT ((x.stage = 'validated' OR x.stream = ANY(%(whole)s)) AND EXISTS (
        SELECT 1 FROM sync.delivery d
        WHERE d.connection = x.connection AND d.stream = x.stream
          AND d.source_id IN (
              SELECT x.source_id UNION ALL SELECT l.store_id FROM sync.link l
              WHERE (l.connection, l.entity, l.oms_id) = (x.connection, 'order', x.source_id))
          AND d.capture_id = x.capture_id
          AND d.state IN ('delivered', 'requested')))
    AND NOT EXISTS (
        SELECT 1 FROM sync.rejection o JOIN sync.rejection_action a USING (rejection_id)
        WHERE (o.connection, o.stream, o.source_id) = (x.connection, x.stream, x.source_id)
          AND o.capture_id = x.capture_id AND o.rejection_id <> x.rejection_id
          AND a.action IN ('retry', 'edit') AND a.at > x.closed_at)"""


def left_out(
    db: psycopg.Connection[Any], connection: str, stream: str, day: date, captures: Sequence[UUID]
) -> set[UUID]:
    """Return the versions of a day of which an operator has discarded a rejection.

    But for those that an operator has retried or edited since, as another rejection, and those
    that had been sent before a rerun rejected them.
    """
    if stream not in STREAMS or not captures:
        return set()
    rows = db.execute(
        f"""SELECT x.capture_id FROM sync.rejection x
            WHERE x.connection = %(name)s AND x.stream = %(stream)s AND x.source_day = %(day)s
              AND x.capture_id = ANY(%(captures)b::uuid[]) AND {_LEFT_OUT}""",  # noqa: S608 - a constant
        _values(connection, stream) | {"day": day, "captures": list(captures)},
    )
    return {capture_id for (capture_id,) in rows}


def done_by_hand(
    db: psycopg.Connection[Any],
    connection: str,
    stream: str,
    source_ids: Sequence[str],
    code: str | None = None,
) -> set[str]:
    """Return the records that an operator may have changed at the target by hand.

    A rejection of them, with this code, was discarded since it was noted what the target holds.
    """
    rows = db.execute(
        """SELECT x.source_id FROM sync.rejection x
           JOIN sync.target_state t ON (t.connection, t.stream, t.target_key)
                                     = (x.connection, x.stream, x.source_id)
           WHERE x.connection = %s AND x.stream = %s AND x.source_id = ANY(%b::text[])
             AND x.state = 'discarded' AND x.closed_at > t.updated_at
             AND x.code = coalesce(%s, x.code)""",
        (connection, stream, list(source_ids), code),
    )
    return {source_id for (source_id,) in rows}


class DiscardedParts(NamedTuple):
    """Parts of records that the target does not get: operators have discarded their rejections."""

    intents: frozenset[UUID]
    """Delivery keys of what was refused, or given up: the same part has the same key again."""
    problems: frozenset[tuple[str, str, str]]
    """Code, field and value of the problems of parts that could not be sent."""

    def without(self, problems: Sequence[Problem]) -> tuple[Problem, ...]:
        """Return the problems that no operator has discarded."""
        return tuple(p for p in problems if (p.code, p.field, p.value) not in self.problems)


NO_PARTS = DiscardedParts(frozenset(), frozenset())


def parts(
    db: psycopg.Connection[Any], connection: str, stream: str, delivered_as: Mapping[str, str]
) -> dict[str, DiscardedParts]:
    """Return the parts of records that operators have discarded, by the ids of those with any.

    ``delivered_as`` has for each record the id under which its deliveries are kept: the OMS's order
    is a record, and its shipments are of the store's. A version may be newer than the discarded
    one, and have the same part.
    """
    rows = db.execute(
        """SELECT x.source_id, x.problems, array(
               SELECT d.delivery_key FROM sync.delivery d
               WHERE (d.connection, d.stream, d.source_id, d.capture_id)
                   = (x.connection, x.stream, i.key, x.capture_id)
                 AND d.state IN ('refused', 'dead'))
           FROM unnest(%b::text[], %b::text[]) AS i(id, key)
           JOIN sync.rejection x ON x.connection = %s AND x.stream = %s AND x.source_id = i.id
             AND x.stage = 'delivered' AND x.state = 'discarded'""",
        (list(delivered_as), list(delivered_as.values()), connection, stream),
    )
    found: dict[str, DiscardedParts] = {}
    for source_id, problems, keys in rows:
        intents, known = found.get(source_id, NO_PARTS)
        named = {(one["code"], one["field"], one["value"]) for one in problems or ()}
        found[source_id] = DiscardedParts(intents | set(keys), known | named)
    return found


def counts_left_out(
    db: psycopg.Connection[Any], connection: str, stream: str, first: Partition, last: Partition
) -> dict[Partition, int]:
    """Return how many accepted versions of partitions a rerun would leave out, where any."""
    if stream not in STREAMS:
        return {}
    rows = db.execute(
        f"""SELECT r.source_day, r.source_hour, count(DISTINCT r.capture_id)
            FROM sync.rejection x
            JOIN sync.record r USING (connection, stream, source_day, capture_id)
            WHERE x.connection = %(name)s AND x.stream = %(stream)s
              AND x.source_day BETWEEN %(first)s AND %(last)s AND r.state = 'accepted'
              AND (r.outcome IS NULL OR r.outcome = 'rejected') AND {_LEFT_OUT}
            GROUP BY 1, 2""",  # noqa: S608 - a constant
        _values(connection, stream) | {"first": first.day, "last": last.day},
    )
    return counted(rows, DAY if first.hour is None else HOUR)


def _values(connection: str, stream: str) -> dict[str, Any]:
    return {"name": connection, "stream": stream, "whole": list(WHOLE)}


def give_up(db: psycopg.Connection[Any], rejection_ids: Sequence[int]) -> None:
    """Give up what a retry has left to be sent of versions that were discarded just now."""
    rows = db.execute(
        "SELECT rejection_id FROM sync.rejection WHERE rejection_id = ANY(%s) AND stream = ANY(%s)",
        (list(rejection_ids), list(STREAMS)),
    )
    closed = [rejection_id for (rejection_id,) in rows]
    under_way.give_up(db, closed)
    db.execute(
        """UPDATE sync.record r SET outcome = 'rejected'
           FROM sync.rejection x
           WHERE x.rejection_id = ANY(%s)
             AND r.connection = x.connection AND r.stream = x.stream
             AND r.source_day = x.source_day AND r.capture_id = x.capture_id
             AND r.state = 'accepted' AND r.outcome IS NULL""",
        (closed,),
    )
