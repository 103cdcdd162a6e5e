"""Forgetting a person: their personal data is removed from the ledger, and facts of orders stay.

Payloads are compressed, so finding a person means reading every payload of the connection. What is
found is changed in one transaction, under the writers' locks. The records are marked: a later
capture of one is stored without the person and never sent.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import msgspec
import psycopg

from domain.errors import PermanentError
from domain.personal import subjects
from domain.streams import KINDS, PERSONAL, streams_of
from resources.ledger.database.compression import decompress
from resources.ledger.links import CUSTOMER, ORDER
from resources.ledger.privacy.erasure import BLOBS, erase
from resources.ledger.privacy.person import (
    ENTITIES,
    Theirs,
    open_work,
    subject_of_records,
    their_records,
)
from resources.ledger.privacy.returns import with_open_returns, with_returns
from resources.ledger.writer_lock import wait_for_writer

Kind = Literal["email", "customer_id"]
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


@dataclass
class Forgotten:
    """What was, or would be, forgotten: the orders, and how many rows of each table."""

    orders: list[str]
    open_orders: dict[str, str]
    """Further orders of theirs with open work, which are kept until it ends -> what is open."""
    counts: dict[str, int] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    """Their records that are not orders, each with what it is before its id."""
    open_others: dict[str, str] = field(default_factory=dict)
    """Further ones of these with open work, which are kept as well -> what is open."""

    @property
    def records(self) -> list[str]:
        """Return all records that are forgotten, orders by their id alone."""
        return [*self.orders, *self.others]

    @property
    def open_records(self) -> dict[str, str]:
        """Return all records that are kept -> what is open."""
        return {f"order {order}": why for order, why in self.open_orders.items()} | self.open_others


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
    canceled, and are forgotten when this is called again after it has ended. ``db`` is in
    autocommit mode and has the owner's rights. Raises ``PermanentError`` if rights are missing,
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
        matches = with_returns(db, connection, _found(db, connection, kind, value))
    with db.transaction():
        # A run in the middle of a chunk would store or send what it has read before.
        for stream in PERSONAL:
            wait_for_writer(db, connection, stream)
        theirs = [their_records(db, connection, entity, matches) for entity in ENTITIES]
        still_open = with_open_returns(db, connection, open_work(db, connection, theirs))
        theirs = [one.without(still_open[one.entity]) for one in theirs]
        found = _forgotten(theirs, still_open)
        if found.open_records and not found.records and not dry_run:
            still = found.open_orders | found.open_others
            named = ", ".join(f"{record} ({why})" for record, why in list(still.items())[:10])
            raise PermanentError(
                f"Work on their orders is still to be done: {named}. Nothing was changed. Try "
                "again when the orders are shipped or canceled, or the rejection is discarded."
            )
        records = subject_of_records(theirs)
        erase(db, connection, records, found.counts, dry_run=dry_run)
        if not dry_run and found.records:
            _mark(db, connection, (kind, value), records.captured, found.counts, who)
    return found


def _forgotten(theirs: Sequence[Theirs], still_open: Mapping[str, Mapping[str, str]]) -> Forgotten:
    """Return what is forgotten and what is kept, orders apart from all others."""
    found = Forgotten([], {})
    for one in theirs:
        if one.entity == ORDER:
            found.orders, found.open_orders = sorted(one.names), dict(still_open[ORDER])
        else:
            found.others += [f"{one.entity} {name}" for name in sorted(one.names)]
            found.open_others |= {
                f"{one.entity} {name}": why for name, why in still_open[one.entity].items()
            }
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
    """Return the records that name the person, by stream.

    A registered customer who was found by an e-mail address may have orders that name the id only.
    """
    wanted = {(kind, subject)}
    registered = streams_of(CUSTOMER, to_oms=True)
    ids = _naming(db, connection, registered, wanted)
    wanted |= {("customer_id", number.casefold()) for found in ids.values() for number in found}
    others = [stream for stream in PERSONAL if stream not in registered]
    return ids | _naming(db, connection, others, wanted)


def _naming(
    db: psycopg.Connection[Any],
    connection: str,
    streams: Sequence[str],
    wanted: Collection[tuple[str, str]],
) -> dict[str, set[str]]:
    """Return the records of these streams that name one of the subjects, by stream."""
    ids: dict[str, set[str]] = {stream: set() for stream in streams}
    are_customers = [stream for stream in streams if KINDS[stream].entity == CUSTOMER]
    for table, column, key in BLOBS:
        with db.cursor(f"forget_{table}", binary=True) as cursor:
            cursor.itersize = 2_000
            cursor.execute(
                f"""SELECT stream, {key}, {column} FROM sync.{table}
                    WHERE connection = %s AND stream = ANY(%s)
                      AND {column} IS NOT NULL""".encode(),  # noqa: S608 - declared names
                (connection, list(streams)),
            )
            for stream, source_id, frame in cursor:
                if source_id in ids[stream]:
                    continue
                is_it = stream in are_customers and ("customer_id", source_id.casefold()) in wanted
                if is_it or _names(decompress(frame), wanted):
                    ids[stream].add(source_id)
    return ids


def _names(payload: bytes, wanted: Collection[tuple[str, str]]) -> bool:
    """Return whether a payload names a subject; most are dismissed without being parsed."""
    lower = payload.lower()
    is_escaped = b"\\u" in payload
    if not any(s.encode() in lower or is_escaped or not s.isascii() for _, s in wanted):
        return False
    try:
        return not set(subjects(_DECODER.decode(payload))).isdisjoint(wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return any(kind == "email" and s.encode() in lower for kind, s in wanted)


def _mark(
    db: psycopg.Connection[Any],
    connection: str,
    subject: tuple[Kind, str],
    ids: Mapping[str, list[str]],
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
    for stream in PERSONAL:
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
