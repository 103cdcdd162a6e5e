"""What agents' actions have changed of orders, and may have changed unseen."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from domain.connections import ACTIONS
from domain.identity import content_digest
from domain.records.actions import Amendment
from domain.records.record import decode_record, encode_record
from resources.ledger.database.compression import compress, decompress

GIVEN_UP = """(o.state = 'failed' AND t.milestone = 'tentative' AND NOT EXISTS (
    SELECT FROM sync.delivery d
    WHERE (d.connection, d.stream, d.source_id) = (o.connection, t.stream, o.action_id)
      AND (d.state IN ('in_flight', 'failed') OR d.may_act_until > {until})))"""
"""Whether no run will look the outcome of an action, and it can't take effect after a time."""
NOW, EVER = "now()", "'infinity'"


class Amendments:
    """Amendments of one connection's orders."""

    def __init__(self, db: psycopg.Connection[Any], name: str) -> None:
        self._db, self._name = db, name

    def of_orders(self, source_ids: Collection[str]) -> dict[str, dict[str, Amendment]]:
        """Return by order and action what actions have changed of it, in the actions' order.

        Also what one may have changed, whose effect is uncertain; but not a cancellation that was
        given up, which no later version may carry out: the order is read, which shows whether it
        has happened. An amendment whose person was forgotten is left out: nothing is sent of such
        an order.
        """
        return self._read(source_ids, given_up=False)

    def given_up(self, source_ids: Collection[str]) -> dict[str, dict[str, Amendment]]:
        """Return by order and action what may have been changed although no answer said so.

        No attempt is left, and none that was lost can take effect any more.
        """
        return self._read(source_ids, given_up=True)

    def _read(
        self, source_ids: Collection[str], *, given_up: bool
    ) -> dict[str, dict[str, Amendment]]:
        if not source_ids:
            return {}
        rows = self._db.execute(
            f"""SELECT o.source_id, o.action_id, t.content, {GIVEN_UP.format(until=NOW)}
               FROM sync.action_outcome o
               JOIN sync.target_state t
                 ON (t.connection, t.stream, t.target_key) = (o.connection, %s, o.action_id)
               WHERE o.connection = %s AND o.source_id = ANY(%b)
               ORDER BY o.source_id, t.source_updated_at, o.action_id""",  # noqa: S608 - a constant
            (ACTIONS, self._name, list(source_ids)),
        )
        found: dict[str, dict[str, Amendment]] = {}
        for source_id, action_id, content, is_given_up in rows:
            try:
                amendment = decode_record(Amendment, decompress(content))
            except msgspec.ValidationError:
                continue
            is_left_out = is_given_up and amendment.canceled
            if (is_given_up and amendment != Amendment()) if given_up else not is_left_out:
                found.setdefault(source_id, {})[action_id] = amendment
        return found

    def doubtful(self, source_ids: Collection[str]) -> dict[str, tuple[bool, datetime | None]]:
        """Return the orders that an action may have changed unseen.

        For each whether a run will look at it, and until when its request may still take effect.
        """
        rows = self._db.execute(
            """SELECT o.source_id, bool_or(d.state IN ('in_flight', 'failed')
                                           AND d.claimed_at > now() - interval '1 hour'),
                      max(d.may_act_until)
               FROM sync.action_outcome o
               JOIN sync.delivery d ON (d.connection, d.stream, d.source_id)
                                     = (o.connection, %s, o.action_id)
               WHERE o.connection = %s AND o.source_id = ANY(%b)
                 AND (d.is_uncertain OR d.state = 'in_flight')
               GROUP BY o.source_id""",
            (ACTIONS, self._name, list(source_ids)),
        )
        return {source_id: (is_alive, until) for source_id, is_alive, until in rows}


def respect_no_more(db: psycopg.Connection[Any], rejection_ids: Collection[int]) -> None:
    """Leave nothing of actions that were given up and whose rejections are discarded.

    Later versions of their orders no longer respect them.
    """
    nothing = encode_record(Amendment())
    db.execute(
        f"""UPDATE sync.target_state t
            SET content = %s, digest = %s, sequence = t.sequence + 1, updated_at = now()
            FROM sync.action_outcome o, sync.rejection x
            WHERE x.rejection_id = ANY(%b) AND x.stream = %s AND x.stage = 'delivered'
              AND (o.connection, o.action_id) = (x.connection, x.source_id)
              AND (t.connection, t.stream, t.target_key) = (x.connection, x.stream, o.action_id)
              AND {GIVEN_UP.format(until=EVER)}""",  # noqa: S608 - a constant
        (compress(nothing), content_digest(nothing), list(rejection_ids), ACTIONS),
    )
