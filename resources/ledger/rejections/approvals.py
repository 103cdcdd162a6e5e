"""What operators have approved: retries with a reason of what a rejection holds back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import psycopg

from resources.ledger.rejections.reopening import WHO


def approvals(
    db: psycopg.Connection[Any],
    connection: str,
    stream: str,
    source_ids: Collection[str],
    codes: Collection[str],
) -> dict[str, dict[str, str]]:
    """Return what operators have approved: record -> code of the problem -> its value.

    An approval is an operator's retry with a reason, since the rejection was last met: it covers
    what that rejection says, and no later one. Lockstep's own retries are none.
    """
    rows = db.execute(
        """SELECT DISTINCT r.source_id, p ->> 'code', p ->> 'value'
           FROM sync.rejection r JOIN sync.rejection_action a USING (rejection_id),
                jsonb_array_elements(r.problems) p
           WHERE r.connection = %s AND r.stream = %s AND r.stage = 'delivered'
             AND r.state IN ('open', 'retried') AND r.source_id = ANY(%b)
             AND p ->> 'code' = ANY(%b)
             AND a.action = 'retry' AND btrim(a.why) <> '' AND a.who <> %s
             AND a.at >= r.seen_at""",
        (connection, stream, list(source_ids), list(codes), WHO),
    )
    found: dict[str, dict[str, str]] = {}
    for source_id, code, value in rows:
        found.setdefault(source_id, {})[code] = value or ""
    return found


def retried_with(
    db: psycopg.Connection[Any],
    connection: str,
    stream: str,
    source_ids: Collection[str],
    code: str,
) -> set[str]:
    """Return the records of which a retry of a rejection with a code is queued or running."""
    rows = db.execute(
        """SELECT source_id FROM sync.rejection
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b::text[])
             AND state = 'retried' AND code = %s""",
        (connection, stream, list(source_ids), code),
    )
    return {source_id for (source_id,) in rows}
