"""Erasure: where the ledger may hold personal data, and how it is removed from there."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import psycopg

from domain.personal import FORGOTTEN, without_personal_data
from resources.facts import fact_fields
from resources.ledger.database.compression import compress, decompress
from resources.ledger.tables import TABLES

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
BLOBS = tuple(
    (table.name, column.name, table.key)
    for table in TABLES
    for column in table.columns
    if column.personal
)
"""Table, column and record's key of each compressed payload that may name a person."""
_TEXTS = {
    "record.warnings": ("record", "warnings = NULL", "{theirs} AND warnings IS NOT NULL"),
    "delivery": ("delivery", "error = %(gone)s", "{of_orders} AND error NOT IN ('', %(gone)s)"),
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
_NO_PERSON = {"target_state": " AND t.stream = 'orders'"}
"""What the store is known to hold of a shipment are ids, units and tracking numbers."""
THEIRS = """t.connection = %(connection)s
    AND (t.stream = 'orders' AND t.{key} = ANY(%(orders)s)
         OR t.stream = 'shipments' AND t.{key} = ANY(%(shipments)s))"""
"""Condition on a table ``t``: its rows belong to the records of ``subject_parameters``."""
OF_ORDERS = """t.connection = %(connection)s AND t.stream IN ('orders', 'shipments')
    AND t.source_id = ANY(%(orders)s)"""
"""The same of deliveries, which have the store's id in both streams."""


def stripped(payload: bytes) -> bytes:
    """Return a payload without personal data; nothing is left of one that is not JSON."""
    try:
        document = _DECODER.decode(payload)
        cleaned = without_personal_data(document, fact_fields())
        return payload if cleaned == document else _ENCODER.encode(cleaned)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.json.encode(FORGOTTEN)


def subject_parameters(connection: str, ids: dict[str, list[str]]) -> dict[str, Any]:
    """Return the parameters of ``THEIRS``, and the text that replaces personal data."""
    return {
        "connection": connection,
        "orders": ids["orders"],
        "shipments": ids["shipments"],
        "gone": FORGOTTEN,
    }


def erase(
    db: psycopg.Connection[Any],
    connection: str,
    ids: dict[str, list[str]],
    counts: dict[str, int],
    *,
    dry_run: bool,
) -> None:
    """Remove the personal data of these records, and count the rows of each table.

    ``ids`` are the records of each stream. A dry run only counts.
    """
    for table, column, key in BLOBS:
        counts[table] = sum(
            _blobs(
                db,
                table,
                column,
                THEIRS.format(key=key) + _NO_PERSON.get(table, ""),
                subject_parameters(connection, ids),
                dry_run=dry_run,
            )
        )
    for name, (table, change, condition) in _TEXTS.items():
        where = condition.replace("{theirs}", THEIRS.format(key="source_id"))
        where = where.replace("{of_orders}", OF_ORDERS)
        statement = f"SELECT count(*) FROM sync.{table} t WHERE {where}"  # noqa: S608 - constants
        if not dry_run:
            statement = f"UPDATE sync.{table} t SET {change} WHERE {where}"  # noqa: S608 - constants
        cursor = db.execute(statement.encode(), subject_parameters(connection, ids))
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
