"""Forgetting a person: their personal data is removed from the ledger, and facts of orders stay.

Payloads are compressed, so finding a person means reading every payload of the connection. What is
found is changed in one transaction, under the writers' locks. The records are marked: a later
capture of one is stored without the person and never sent.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import msgspec
import psycopg

from domain.errors import PermanentError
from domain.personal import FORGOTTEN, subjects, without_personal_data
from resources.ledger.database.compression import compress, decompress
from resources.ledger.tables import TABLES

Kind = Literal["email", "customer_id"]
STREAMS = ("orders", "shipments")
"""Streams whose records are about orders: the first by the store's id, the second by the OMS's."""
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_BLOBS = tuple(
    (table.name, column.name, table.key)
    for table in TABLES
    for column in table.columns
    if column.personal
)
"""Table, column and record's key of each compressed payload that may name a person."""
_TEXTS = {
    "record.warnings": ("record", "warnings = NULL", "{theirs} AND warnings IS NOT NULL"),
    "delivery": ("delivery", "error = %(gone)s", "{theirs} AND error NOT IN ('', %(gone)s)"),
    "edit": ("edit", "changes = '[]'", "{theirs} AND changes <> '[]'"),
    "rejection_action": (
        "rejection_action",
        "diff = NULL",
        """diff IS NOT NULL
           AND rejection_id IN (SELECT rejection_id FROM sync.rejection t WHERE {theirs})""",
    ),
    "rejection": (
        "rejection",
        """value = '', message = %(gone)s,
           problems = (SELECT coalesce(jsonb_agg(p || jsonb_build_object(
                                  'value', '', 'message', %(gone)s::text)), '[]')
                       FROM jsonb_array_elements(problems) p),
           closed_at = coalesce(closed_at, now()),
           closed_why = CASE WHEN state IN ('open', 'retried') THEN 'forgotten'
                             ELSE closed_why END,
           state = CASE WHEN state IN ('open', 'retried') THEN 'discarded' ELSE state END""",
        "{theirs} AND message <> %(gone)s",
    ),
    "message_log": (
        "message_log",
        "error = %(gone)s",
        """error NOT IN ('', %(gone)s)
           AND correlation_id IN (SELECT correlation_id FROM sync.capture t WHERE {theirs})""",
    ),
}
"""Name -> table, change and condition: texts that should hold no personal data, removed in case."""


@dataclass
class Forgotten:
    """What was, or would be, forgotten: the orders, and how many rows of each table."""

    orders: list[str]
    open_orders: dict[str, str]
    """Orders of theirs with unfinished work -> what is unfinished."""
    counts: dict[str, int] = field(default_factory=dict)


def subject_of(text: str) -> tuple[Kind, str]:
    """Return the kind of a text that names a person, and the text as it is compared."""
    subject = text.strip().casefold()
    if not subject:
        raise PermanentError("Name the person: an e-mail address, or the store's customer id.")
    return ("email" if "@" in subject else "customer_id"), subject


def stripped(payload: bytes) -> bytes:
    """Return a payload without personal data; nothing is left of one that is not JSON."""
    try:
        document = _DECODER.decode(payload)
        cleaned = without_personal_data(document)
        return payload if cleaned == document else _ENCODER.encode(cleaned)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.json.encode(FORGOTTEN)


def forget(
    db: psycopg.Connection[Any], connection: str, subject: str, who: str, *, dry_run: bool = False
) -> Forgotten:
    """Remove a person from a connection's ledger.

    ``db`` is in autocommit mode and has the owner's rights. Raises ``PermanentError`` where rights
    are missing, and where work on one of their orders is unfinished: it needs the personal data.
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
        ids = _ids(db, connection, matches)
        found = Forgotten(sorted(ids["orders"]), _open_work(db, connection, ids))
        if found.open_orders and not dry_run:
            named = ", ".join(
                f"{order} ({why})" for order, why in list(found.open_orders.items())[:10]
            )
            raise PermanentError(
                f"Work on their orders is unfinished: {named}. Finish it or discard the rejection, "
                "then try again."
            )
        _erase(db, connection, ids, found.counts, dry_run=dry_run)
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
    for table, column, key in _BLOBS:
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
) -> dict[str, list[str]]:
    """Return the ids of all of their orders in both systems, by stream."""
    row = db.execute(
        "SELECT order_id_prefix FROM sync.connection WHERE connection = %s", (connection,)
    ).fetchone()
    prefix = str(row[0]) if row else ""
    orders = found["orders"] | {order.removeprefix(prefix) for order in found["shipments"]}
    return {"orders": sorted(orders), "shipments": sorted(prefix + order for order in orders)}


def _pairs(connection: str, ids: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "connection": connection,
        "orders": ids["orders"],
        "shipments": ids["shipments"],
        "gone": FORGOTTEN,
    }


_THEIRS = """t.connection = %(connection)s
    AND (t.stream = 'orders' AND t.{key} = ANY(%(orders)s)
         OR t.stream = 'shipments' AND t.{key} = ANY(%(shipments)s))"""


def _open_work(
    db: psycopg.Connection[Any], connection: str, ids: dict[str, list[str]]
) -> dict[str, str]:
    theirs = _THEIRS.format(key="source_id")
    rows = db.execute(
        f"""SELECT source_id, action || ' ' || state FROM sync.delivery t
            WHERE {theirs} AND state IN ('in_flight', 'failed', 'requested')
            UNION ALL
            SELECT source_id, 'to be delivered' FROM sync.record t
            WHERE {theirs} AND state = 'accepted' AND outcome IS NULL
            UNION ALL
            SELECT source_id, 'to be validated' FROM sync.capture t
            WHERE {theirs} AND NOT EXISTS (
                SELECT FROM sync.record r
                WHERE (r.connection, r.stream, r.source_day, r.capture_id)
                    = (t.connection, t.stream, t.source_day, t.capture_id))
            ORDER BY 1""".encode(),  # noqa: S608 - constants of this module only
        _pairs(connection, ids),
    )
    return dict(rows.fetchall())


def _erase(
    db: psycopg.Connection[Any],
    connection: str,
    ids: dict[str, list[str]],
    counts: dict[str, int],
    *,
    dry_run: bool,
) -> None:
    for table, column, key in _BLOBS:
        counts[table] = sum(
            _blobs(
                db, table, column, _THEIRS.format(key=key), _pairs(connection, ids), dry_run=dry_run
            )
        )
    for name, (table, change, condition) in _TEXTS.items():
        where = condition.replace("{theirs}", _THEIRS.format(key="source_id"))
        statement = f"SELECT count(*) FROM sync.{table} t WHERE {where}"  # noqa: S608 - constants
        if not dry_run:
            statement = f"UPDATE sync.{table} t SET {change} WHERE {where}"  # noqa: S608 - constants
        cursor = db.execute(statement.encode(), _pairs(connection, ids))
        row = cursor.fetchone() if dry_run else (cursor.rowcount,)
        counts[name] = int(row[0]) if row else 0


def _blobs(
    db: psycopg.Connection[Any],
    table: str,
    column: str,
    condition: str,
    parameters: dict[str, Any],
    *,
    dry_run: bool,
) -> Iterator[int]:
    """Change each payload that still holds personal data.

    Digests and ids stay, so that the version is recognized when it is captured again. A person's
    orders are few, so their payloads are read at once: a cursor would meet changed rows again.
    """
    size = ", payload_bytes = %s" if table == "capture" else ""
    statement = (
        f"SELECT tableoid, ctid, {column} FROM sync.{table} t "  # noqa: S608 - declared names
        f"WHERE {condition} AND {column} IS NOT NULL"
    )
    rows = db.execute(statement.encode(), parameters)
    for partition, place, frame in rows.fetchall():
        before = decompress(frame)
        after = stripped(before)
        if after == before:
            continue
        if not dry_run:
            values = (compress(after), *([len(after)] if size else []), partition, place)
            change = f"UPDATE sync.{table} SET {column} = %s{size} "  # noqa: S608 - declared names
            db.execute(f"{change} WHERE tableoid = %s AND ctid = %s".encode(), values)
        yield 1


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
