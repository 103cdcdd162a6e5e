"""Links: which record of the store and which record of the OMS are the same thing.

The ids of both systems are opaque. The only way from one to the other is a link, which is made
before the OMS's record is created. A record of the OMS has one owner: two connections to one
organisation can't write the same order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg

from domain.errors import PermanentError
from domain.streams import KINDS
from resources.ledger.store_links import SentElsewhere, sent_elsewhere

ORDER, CUSTOMER = "order", "customer"
"""What is linked, in ``sync.link``."""
_KEY = "CASE WHEN %(ignore_case)s THEN lower(v.o) ELSE v.o END"
"""An id of the OMS in the form in which the OMS compares ids."""


def linked_entity(stream: str) -> str:
    """Return what the links of a stream are of: its own records, or the orders they belong to."""
    kind = KINDS.get(stream)
    return CUSTOMER if kind is not None and kind.entity == CUSTOMER else ORDER


class Link(NamedTuple):
    """One record in both systems, by its ids and by the numbers that operators see."""

    store_id: str
    store_number: str
    oms_id: str
    oms_number: str


class RefusedLink(NamedTuple):
    """A link that was not made: another one has the record of the OMS, or that of the store."""

    wanted: Link
    linked_id: str
    """The OMS's id that the store's record is linked to; empty if it has no link."""
    owner: str
    """The connection that has the OMS's record; empty if none has."""
    owner_id: str
    """The store's id of the owner's record."""
    sent_as: str = ""
    """The id under which the owner has sent the very same order of the store."""


class _Organisation(NamedTuple):
    name: str
    ids_ignore_case: bool


class Links:
    """Links of one connection's records of one kind."""

    def __init__(self, db: psycopg.Connection[Any], name: str, entity: str = ORDER) -> None:
        self._db, self._name, self.entity = db, name, entity
        self._known: _Organisation | None = None

    def claim(self, rows: Sequence[Link], run_id: str) -> list[RefusedLink]:
        """Make the links that do not exist yet; return those that can't be made.

        In the transaction of the claims: a link whose record is never sent would be of no harm,
        but a record without one would be.
        """
        if not rows:
            return []
        sent: Mapping[str, SentElsewhere] = {}
        if self.entity == ORDER:  # customers may be several connections'
            sent = sent_elsewhere(self._db, self._name, [row.store_id for row in rows], lock=True)
        refused = [
            RefusedLink(row, "", one.connection, row.store_id, one.oms_id)
            for row in rows
            if (one := sent.get(row.store_id)) is not None
        ]
        return refused + self._claim([row for row in rows if row.store_id not in sent], run_id)

    def _claim(self, rows: Sequence[Link], run_id: str) -> list[RefusedLink]:
        if not rows:
            return []
        made = self._db.execute(
            f"""INSERT INTO sync.link (connection, entity, store_id, store_number, organisation,
                                       oms_id, oms_key, oms_number, linked_by)
                SELECT %(name)s, %(entity)s, s, sn, %(organisation)s, v.o, {_KEY}, n, %(run_id)s
                FROM unnest(%(s)b::text[], %(sn)b::text[], %(o)b::text[], %(n)b::text[])
                     AS v(s, sn, o, n)
                ORDER BY v.o
                ON CONFLICT DO NOTHING""",  # noqa: S608 - a constant
            self._parameters()
            | {
                "run_id": run_id,
                "s": [row.store_id for row in rows],
                "sn": [row.store_number for row in rows],
                "o": [row.oms_id for row in rows],
                "n": [row.oms_number for row in rows],
            },
        ).rowcount
        if made == len(rows):
            return []
        linked = self.oms_ids([row.store_id for row in rows])
        refused = [row for row in rows if linked.get(row.store_id) != row.oms_id]
        return self._refused(refused) if refused else []

    def _refused(self, rows: Sequence[Link]) -> list[RefusedLink]:
        owners = self._owners([row.oms_id for row in rows])
        linked = dict(
            self._db.execute(
                """SELECT store_id, oms_id FROM sync.link
                   WHERE connection = %s AND entity = %s AND store_id = ANY(%b)""",
                (self._name, self.entity, [row.store_id for row in rows]),
            ).fetchall()
        )
        return [
            RefusedLink(row, linked.get(row.store_id, ""), *owners.get(row.oms_id, ("", "")))
            for row in rows
        ]

    def store_ids(self, oms_ids: Collection[str]) -> dict[str, str]:
        """Return the store's ids of the OMS's records that are linked in this connection."""
        return self._linked("oms_id", "store_id", oms_ids)

    def oms_ids(self, store_ids: Collection[str]) -> dict[str, str]:
        """Return the OMS's ids of the store's records that are linked in this connection."""
        return self._linked("store_id", "oms_id", store_ids)

    def others(self, oms_ids: Collection[str]) -> dict[str, str]:
        """Return which of the OMS's records other connections have, each with its connection."""
        if not oms_ids or self._organisation() is None:
            return {}
        found = self._owners(oms_ids)
        return {oms_id: owner for oms_id, (owner, _) in found.items() if owner != self._name}

    def store_ids_after(self, after: str, limit: int) -> list[str]:
        """Return the next store's ids that are linked, in their order."""
        rows = self._db.execute(
            """SELECT store_id FROM sync.link
               WHERE connection = %s AND entity = %s AND store_id > %s
               ORDER BY store_id LIMIT %s""",
            (self._name, self.entity, after, limit),
        )
        return [store_id for (store_id,) in rows]

    def find(self, text: str) -> list[Link]:
        """Return the links with this id or number in either system."""
        rows = self._db.execute(
            """SELECT store_id, store_number, oms_id, oms_number FROM sync.link
               WHERE connection = %(name)s AND entity = %(entity)s
                 AND %(text)s IN (store_id, oms_id, store_number, oms_number)
               ORDER BY (store_id = %(text)s) DESC, (oms_id = %(text)s) DESC, store_id""",
            {"name": self._name, "entity": self.entity, "text": text},
        )
        return [Link(*row) for row in rows]

    def _linked(self, given: str, wanted: str, ids: Collection[str]) -> dict[str, str]:
        """Return given id -> wanted id.

        A link whose record another connection has as well, from before links were made, is none.
        Each id is looked up by the index of its own: without statistics, Postgres would take one
        by which it reads all links of the connection.
        """
        if not ids or self._organisation() is None:
            return {}
        rows = self._db.execute(
            f"""SELECT v.id, l.{wanted} FROM unnest(%(ids)b::text[]) AS v(id)
                CROSS JOIN LATERAL (
                    SELECT {wanted}, organisation FROM sync.link
                    WHERE connection = %(name)s AND entity = %(entity)s AND {given} = v.id OFFSET 0
                ) l
                WHERE l.organisation = %(organisation)s""",  # noqa: S608 - columns' names
            self._parameters() | {"ids": list(ids)},
        )
        return dict(rows.fetchall())

    def _owners(self, oms_ids: Collection[str]) -> dict[str, tuple[str, str]]:
        """Return the connection and the store's id of each record that any connection has."""
        rows = self._db.execute(
            f"""SELECT w.o, l.connection, l.store_id
                FROM (SELECT v.o, {_KEY} AS key FROM unnest(%(ids)b::text[]) AS v(o)) w
                JOIN sync.link l ON (l.organisation, l.entity, l.oms_key)
                                  = (%(organisation)s, %(entity)s, w.key)""",  # noqa: S608 - a constant
            self._parameters() | {"ids": list(oms_ids)},
        )
        return {oms_id: (owner, store_id) for oms_id, owner, store_id in rows}

    def _organisation(self) -> _Organisation | None:
        if self._known is None:
            row = self._db.execute(
                "SELECT organisation, ids_ignore_case FROM sync.connection WHERE connection = %s",
                (self._name,),
            ).fetchone()
            self._known = _Organisation(*row) if row is not None else None
        return self._known

    def _parameters(self) -> dict[str, Any]:
        known = self._organisation()
        if known is None:
            raise PermanentError(
                f"{self._name}: the ledger does not have the connection's configuration, so its "
                "OMS is not known. Any command that runs the connection stores it."
            )
        return {
            "name": self._name,
            "entity": self.entity,
            "organisation": known.name,
            "ignore_case": known.ids_ignore_case,
        }


def is_captured(db: psycopg.Connection[Any], connection: str, store_id: str) -> bool:
    """Return whether an order of the store with this id was captured."""
    row = db.execute(
        """SELECT EXISTS (SELECT FROM sync.capture
                          WHERE connection = %s AND stream = 'orders' AND source_id = %s)""",
        (connection, store_id),
    ).fetchone()
    return bool(row and row[0])


def accepted_orders(
    db: psycopg.Connection[Any],
    connection: str,
    *,
    store_ids: Collection[str] = (),
    oms_ids: Collection[str] = (),
) -> list[Link]:
    """Return the ids in both systems that accepted orders state, whether they are linked or not."""
    rows = db.execute(
        """SELECT DISTINCT ON (source_id) source_id, number, order_id FROM (
               SELECT h.source_id, h.number, h.order_id, r.source_updated_at
               FROM sync.record r
               JOIN sync.order_header h USING (connection, source_day, capture_id)
               WHERE r.connection = %(name)s AND r.stream = 'orders' AND r.state = 'accepted'
                 AND r.source_id = ANY(%(store_ids)b)
               UNION ALL
               SELECT h.source_id, h.number, h.order_id, r.source_updated_at
               FROM sync.order_header h
               JOIN sync.record r USING (connection, source_day, capture_id)
               WHERE h.connection = %(name)s AND r.stream = 'orders'
                 AND h.order_id = ANY(%(oms_ids)b)) found
           ORDER BY source_id, source_updated_at DESC""",
        {"name": connection, "store_ids": list(store_ids), "oms_ids": list(oms_ids)},
    )
    return [Link(store_id, number, oms_id, oms_id) for store_id, number, oms_id in rows]


def move_links(
    db: psycopg.Connection[Any], connection: str, organisation: str, *, ids_ignore_case: bool
) -> None:
    """Give a connection's links the OMS organisation that its configuration names now.

    A record that another connection has there already keeps its old organisation, and so counts as
    not linked.
    """
    db.execute(
        f"""UPDATE sync.link SET organisation = %(organisation)s, oms_key = w.key
            FROM (SELECT DISTINCT ON (entity, {_KEY}) store_id, entity, {_KEY} AS key
                  FROM (SELECT entity, store_id, oms_id AS o FROM sync.link
                        WHERE connection = %(name)s AND organisation <> %(organisation)s) v
                  ORDER BY entity, {_KEY}, store_id) w
            WHERE link.connection = %(name)s
              AND (link.entity, link.store_id) = (w.entity, w.store_id)
              AND NOT EXISTS (
                  SELECT FROM sync.link t
                  WHERE (t.organisation, t.entity, t.oms_key)
                      = (%(organisation)s, link.entity, w.key))""",  # noqa: S608 - a constant
        {"name": connection, "organisation": organisation, "ignore_case": ids_ignore_case},
    )
