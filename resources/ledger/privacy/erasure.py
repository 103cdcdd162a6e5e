"""Erasure: where the ledger may hold personal data, and how it is removed from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import psycopg

from domain.personal import FORGOTTEN, without_personal_data
from domain.streams import KINDS, PERSONAL
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
_DISCARDED = """value = '', message = %(gone)s,
           problems = (SELECT coalesce(jsonb_agg(p || jsonb_build_object(
                                  'value', '', 'message', %(gone)s::text)), '[]')
                       FROM jsonb_array_elements(problems) p),
           closed_at = coalesce(closed_at, now()),
           closed_why = CASE WHEN state IN ('open', 'retried') THEN 'forgotten'
                             ELSE closed_why END,
           state = CASE WHEN state IN ('open', 'retried') THEN 'discarded' ELSE state END"""
UNREAD_ACTIONS = """t.connection = %(connection)s AND t.stream = 'actions'
    AND EXISTS (SELECT FROM sync.record r
                WHERE (r.connection, r.stream, r.source_day, r.capture_id)
                    = (t.connection, t.stream, t.source_day, t.capture_id)
                  AND r.state <> 'accepted')
    AND NOT EXISTS (SELECT FROM sync.action a
                    WHERE (a.connection, a.action_id) = (t.connection, t.source_id))"""
"""Agents' requests that can't be read: whose order one is of, and so which person, is not known."""
_TEXTS = {
    "record.warnings": ("record", "warnings = NULL", "{theirs} AND warnings IS NOT NULL"),
    "delivery": ("delivery", "error = %(gone)s", "{delivered} AND error NOT IN ('', %(gone)s)"),
    "edit": ("edit", "changes = '[]'", "{theirs} AND changes <> '[]'"),
    "rejection_action": (
        "rejection_action",
        "diff = NULL",
        """diff IS NOT NULL
           AND rejection_id IN (SELECT rejection_id FROM sync.rejection t WHERE {theirs})""",
    ),
    "rejection": (
        "rejection",
        _DISCARDED,
        "{theirs} AND message <> %(gone)s",
    ),
    "action_outcome": (
        "action_outcome",
        "reason = CASE WHEN reason = '' THEN '' ELSE %(gone)s END, asked = NULL",
        """t.connection = %(connection)s AND t.action_id = ANY(%(captured_actions)s)
           AND (reason NOT IN ('', %(gone)s) OR asked IS NOT NULL)""",
    ),
    "unread_action": ("rejection", _DISCARDED, "{unread_actions} AND message <> %(gone)s"),
    # What can't be read can't be searched for a person either.
    "unread_event": (
        "unread_event",
        "body = ''",
        "t.connection = %(connection)s AND length(body) > 0",
    ),
    "message_log": (
        "message_log",
        "error = %(gone)s",
        """error NOT IN ('', %(gone)s)
           AND correlation_id IN (SELECT correlation_id FROM sync.capture t WHERE {theirs})""",
    ),
}
"""Name -> table, change and condition: texts that should hold no personal data, removed in case."""
_TO_OMS = ", ".join(f"'{stream}'" for stream in PERSONAL if KINDS[stream].to_oms)
_NO_PERSON = {"target_state": f" AND t.stream IN ({_TO_OMS})"}
"""What the store is known to hold of fulfilment are ids, units and tracking numbers."""


def _in_streams(key: str, parameter: str) -> str:
    """Return the condition that a row is of one of the records in its stream's parameter.

    A term a stream, each of which is a look-up by an index whatever the statistics say.
    """
    terms = (
        f"t.stream = '{stream}' AND t.{key} = ANY(%({parameter}_{stream})s)" for stream in PERSONAL
    )
    return f"t.connection = %(connection)s AND ({' OR '.join(terms)})"


THEIRS = _in_streams("{key}", "captured")
"""Condition on a table ``t``: its rows belong to the records of ``subject_parameters``."""
DELIVERED = _in_streams("source_id", "delivered")
"""The same of deliveries, which have the store's id in both directions."""


class Subject(NamedTuple):
    """A person's records, by stream: ids as they are captured, and as they are delivered."""

    captured: Mapping[str, list[str]]
    delivered: Mapping[str, list[str]]


def stripped(payload: bytes) -> bytes:
    """Return a payload without personal data; nothing is left of one that is not JSON."""
    try:
        document = _DECODER.decode(payload)
        cleaned = without_personal_data(document, fact_fields())
        return payload if cleaned == document else _ENCODER.encode(cleaned)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.json.encode(FORGOTTEN)


def subject_parameters(connection: str, subject: Subject) -> dict[str, Any]:
    """Return the parameters of both conditions, and the text that replaces personal data."""
    ids = {f"captured_{stream}": ids for stream, ids in subject.captured.items()}
    ids |= {f"delivered_{stream}": ids for stream, ids in subject.delivered.items()}
    return {"connection": connection, "gone": FORGOTTEN, **ids}


def erase(
    db: psycopg.Connection[Any],
    connection: str,
    subject: Subject,
    counts: dict[str, int],
    *,
    dry_run: bool,
) -> None:
    """Remove the personal data of these records, and count the rows of each table.

    A dry run only counts.
    """
    parameters = subject_parameters(connection, subject)
    for table, column, key in BLOBS:
        counts[table] = sum(
            _blobs(
                db,
                table,
                column,
                THEIRS.format(key=key) + _NO_PERSON.get(table, ""),
                parameters,
                dry_run=dry_run,
            )
        )
    counts["capture"] += sum(
        _blobs(db, "capture", "payload", UNREAD_ACTIONS, parameters, dry_run=dry_run)
    )
    for name, (table, change, condition) in _TEXTS.items():
        where = condition.replace("{theirs}", THEIRS.format(key="source_id"))
        where = where.replace("{delivered}", DELIVERED).replace("{unread_actions}", UNREAD_ACTIONS)
        statement = f"SELECT count(*) FROM sync.{table} t WHERE {where}"  # noqa: S608 - constants
        if not dry_run:
            statement = f"UPDATE sync.{table} t SET {change} WHERE {where}"  # noqa: S608 - constants
        cursor = db.execute(statement.encode(), parameters)
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
