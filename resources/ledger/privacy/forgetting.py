"""Forgetting a person: their personal data is removed from the ledger, and facts of orders stay.

Payloads are compressed, so finding a person means reading every payload of the connection. What is
found is changed in one transaction, under the writers' locks. The records are marked: a later
capture of one is stored without the person and never sent.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import msgspec
import psycopg

from domain.errors import PermanentError
from domain.milestones import Milestone
from domain.personal import subjects
from resources.ledger.database.compression import decompress
from resources.ledger.links import Links
from resources.ledger.privacy.erasure import BLOBS, OF_ORDERS, THEIRS, erase, subject_parameters

Kind = Literal["email", "customer_id"]
STREAMS = ("orders", "shipments")
"""Streams whose records are about orders: the first by the store's id, the second by the OMS's."""
ENDED = [
    str(milestone)
    for milestone in (
        Milestone.SHIPPED, Milestone.PARTIALLY_DELIVERED, Milestone.DELIVERED,
        Milestone.PARTIALLY_RETURNED, Milestone.RETURNED, Milestone.CANCELED,
    )
]  # fmt: skip
"""Milestones of an order of which nothing is left to ship."""
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


@dataclass
class Forgotten:
    """What was, or would be, forgotten: the orders, and how many rows of each table."""

    orders: list[str]
    open_orders: dict[str, str]
    """Further orders of theirs with open work, which are kept until it ends -> what is open."""
    counts: dict[str, int] = field(default_factory=dict)


def subject_of(text: str) -> tuple[Kind, str]:
    """Return the kind of a text that names a person, and the text as it is compared."""
    subject = text.strip().casefold()
    if not subject:
        raise PermanentError("Name the person: an e-mail address, or the store's customer id.")
    return ("email" if "@" in subject else "customer_id"), subject


def forget(
    db: psycopg.Connection[Any], connection: str, subject: str, who: str, *, dry_run: bool = False
) -> Forgotten:
    """Remove a person from a connection's ledger.

    Orders with open work are kept, since it needs the personal data: they can still be shipped and
    cancelled, and are forgotten when this is called again after it has ended. ``db`` is in
    autocommit mode and has the owner's rights. Raises ``PermanentError`` where rights are missing,
    and where all of the person's orders have open work.
    """
    kind, value = subject_of(subject)
    row = db.execute("SELECT has_table_privilege('sync.capture', 'UPDATE')").fetchone()
    if not dry_run and not (row and row[0]):
        raise PermanentError(
            "Payloads may only be changed by the ledger's owner: for this command set DATABASE_URL "
            "to a user who is a member of lockstep_owner."
        )
    with db.transaction():  # takes minutes in a large ledger, so before the locks are taken
        matches = _found(db, connection, kind, value)
    with db.transaction():
        # A run in the middle of a chunk would store or send what it has read before.
        for stream in STREAMS:
            db.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", (f"{connection}/{stream}",)
            )
        ids, at_store = _ids(db, connection, matches)
        still_open = _open_work(db, connection, ids, at_store)
        ids = _without(ids, still_open, at_store)
        unlinked = [order_id for order_id in ids["shipments"] if order_id not in at_store]
        found = Forgotten(sorted({*ids["orders"], *unlinked}), still_open)
        if found.open_orders and not found.orders and not dry_run:
            named = ", ".join(
                f"{order} ({why})" for order, why in list(found.open_orders.items())[:10]
            )
            raise PermanentError(
                f"Work on their orders is still to be done: {named}. Nothing was changed. Try "
                "again when the orders are shipped or cancelled, or the rejection is discarded."
            )
        erase(db, connection, ids, found.counts, dry_run=dry_run)
        if not dry_run and found.orders:
            _mark(db, connection, (kind, value), ids, found.counts, who)
    return found


def was_forgotten(db: psycopg.Connection[Any], connection: str, subject: str) -> bool:
    """Return whether this person was forgotten: the ledger keeps no name, but a salted digest."""
    kind, value = subject_of(subject)
    rows = db.execute(
        "SELECT salt, digest FROM sync.forgotten WHERE connection = %s AND kind = %s",
        (connection, kind),
    )
    return any(_digest(value, bytes(salt)) == bytes(digest) for salt, digest in rows)


def _digest(subject: str, salt: bytes) -> bytes:
    return hashlib.scrypt(subject.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)


def _found(
    db: psycopg.Connection[Any], connection: str, kind: Kind, subject: str
) -> dict[str, set[str]]:
    """Return the records that name the person, by stream."""
    ids: dict[str, set[str]] = {stream: set() for stream in STREAMS}
    for table, column, key in BLOBS:
        with db.cursor(f"forget_{table}", binary=True) as cursor:
            cursor.itersize = 2_000
            cursor.execute(
                f"""SELECT stream, {key}, {column} FROM sync.{table}
                    WHERE connection = %s AND stream = ANY(%s)
                      AND {column} IS NOT NULL""".encode(),  # noqa: S608 - declared names
                (connection, list(STREAMS)),
            )
            for stream, source_id, frame in cursor:
                if source_id not in ids[stream] and _names(decompress(frame), kind, subject):
                    ids[stream].add(source_id)
    return ids


def _names(payload: bytes, kind: Kind, subject: str) -> bool:
    """Return whether a payload names the person; most are dismissed without being parsed."""
    if subject.encode() not in payload.lower() and b"\\u" not in payload and subject.isascii():
        return False
    try:
        return (kind, subject) in set(subjects(_DECODER.decode(payload)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return kind == "email" and subject.encode() in payload.lower()


def _ids(
    db: psycopg.Connection[Any], connection: str, found: dict[str, set[str]]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the ids of all of their orders, by stream, and the store's id of each at the OMS.

    An order of the OMS without a link is forgotten by the OMS's id alone.
    """
    links = Links(db, connection)
    orders = found["orders"] | set(links.store_ids(found["shipments"]).values())
    at_oms = links.oms_ids(orders)
    ids = {
        "orders": sorted(orders),
        "shipments": sorted(found["shipments"] | set(at_oms.values())),
    }
    return ids, {oms_id: store_id for store_id, oms_id in at_oms.items()}


def _without(
    ids: dict[str, list[str]], orders: Collection[str], at_store: dict[str, str]
) -> dict[str, list[str]]:
    return {
        "orders": [order for order in ids["orders"] if order not in orders],
        "shipments": [o for o in ids["shipments"] if at_store.get(o, o) not in orders],
    }


def _open_work(
    db: psycopg.Connection[Any],
    connection: str,
    ids: dict[str, list[str]],
    at_store: dict[str, str],
) -> dict[str, str]:
    """Return the orders, by the store's id, that are still to be sent, shipped or cancelled.

    An order that the OMS has is open until the milestones of its fulfilment end it, where the
    connection reads them at all.
    """
    theirs = THEIRS.format(key="source_id")
    rows = db.execute(
        f"""SELECT t.stream, t.target_key, 'not shipped yet' FROM sync.target_state t
            WHERE t.connection = %(connection)s AND t.stream = 'orders'
              AND t.target_key = ANY(%(orders)s) AND t.milestone <> 'canceled'
              AND EXISTS (SELECT FROM sync.watermark w
                          WHERE w.connection = t.connection AND w.stream = 'shipments')
              AND NOT EXISTS (SELECT FROM sync.target_state s
                              WHERE (s.connection, s.stream, s.target_key)
                                  = (t.connection, 'shipments', t.target_key)
                                AND s.milestone = ANY(%(ended)s))
            UNION ALL
            SELECT 'orders', source_id, action || ' ' || state FROM sync.delivery t
            WHERE {OF_ORDERS} AND state IN ('in_flight', 'failed', 'requested')
            UNION ALL
            SELECT stream, source_id, 'to be delivered' FROM sync.record t
            WHERE {theirs} AND state = 'accepted' AND outcome IS NULL
            UNION ALL
            SELECT stream, source_id, 'to be validated' FROM sync.capture t
            WHERE {theirs} AND NOT EXISTS (
                SELECT FROM sync.record r
                WHERE (r.connection, r.stream, r.source_day, r.capture_id)
                    = (t.connection, t.stream, t.source_day, t.capture_id))
            ORDER BY 2""".encode(),  # noqa: S608 - constants of this module only
        subject_parameters(connection, ids) | {"ended": ENDED},
    )
    return {
        at_store.get(name, name) if stream == "shipments" else name: why
        for stream, name, why in rows
    }


def _mark(
    db: psycopg.Connection[Any],
    connection: str,
    subject: tuple[Kind, str],
    ids: dict[str, list[str]],
    counts: dict[str, int],
    who: str,
) -> None:
    if not any(counts.values()):
        return  # they were forgotten before
    salt = os.urandom(16)
    row = db.execute(
        """INSERT INTO sync.forgotten (connection, kind, salt, digest, counts, who)
           VALUES (%s, %s, %s, %s, %s, %s) RETURNING forgotten_id""",
        (
            connection,
            subject[0],
            salt,
            _digest(subject[1], salt),
            msgspec.json.encode(counts).decode(),
            who,
        ),
    ).fetchone()
    for stream in STREAMS:
        db.execute(
            """INSERT INTO sync.forgotten_record (connection, stream, source_id, forgotten_id)
               SELECT %s, %s, i, %s FROM unnest(%s::text[]) i ON CONFLICT DO NOTHING""",
            (connection, stream, row[0] if row else None, ids[stream]),
        )


def forgotten_among(
    db: psycopg.Connection[Any], connection: str, stream: str, source_ids: list[str]
) -> set[str]:
    """Return which of the records belong to a forgotten person."""
    rows = db.execute(
        """SELECT source_id FROM sync.forgotten_record
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b)""",
        (connection, stream, source_ids),
    )
    return {source_id for (source_id,) in rows}
