"""What a later validation of a capture replaces of its record, and what stays.

A rerun and each night's sweep validate a whole day again. Where that changes nothing, the record
keeps the time and run of its validation: its history would show it as accepted after its delivery.
"""

from __future__ import annotations

from psycopg import sql

DELIVERED = "delivered"
"""The stage of a record's warnings that come from its delivery; those of validation have none."""
_SAME = sql.SQL("""(record.state = 'accepted' AND excluded.state = 'accepted'
    AND record.canonical_digest = excluded.canonical_digest)""")
_DONE = sql.SQL("""(record.state = excluded.state AND record.rule = excluded.rule
    AND record.canonical_digest IS NOT DISTINCT FROM excluded.canonical_digest
    AND (record.outcome IS NOT NULL OR record.state IN ('skipped', 'superseded')))""")
_UPSERT = sql.SQL("""
INSERT INTO sync.record (source_day, connection, stream, run_id, capture_id, source_id,
                         source_updated_at, state, rule, canonical, canonical_digest, warnings,
                         correlation_id, source_hour)
SELECT %s, %s, %s, %s, capture_id, source_id, source_updated_at, state, rule, canonical,
       canonical_digest, warnings, correlation_id, source_hour FROM {table}
ON CONFLICT (connection, stream, source_day, capture_id) DO UPDATE SET
    state = excluded.state, rule = excluded.rule, canonical = excluded.canonical,
    canonical_digest = excluded.canonical_digest,
    warnings = CASE WHEN {same} THEN nullif(
        coalesce(excluded.warnings, '[]') || jsonb_path_query_array(
            coalesce(record.warnings, '[]'), {delivered}), '[]')
        ELSE excluded.warnings END,
    validated_at = CASE WHEN {done} THEN record.validated_at ELSE now() END,
    run_id = CASE WHEN {done} THEN record.run_id ELSE excluded.run_id END,
    outcome = CASE WHEN {same} THEN record.outcome END""")


def replacing_from(table: sql.Identifier) -> sql.Composed:
    """Return the statement that puts a table's rows in the place of records of the same captures.

    Its parameters are day, connection, stream and run.
    """
    of_delivery = sql.Literal(f'$[*] ? (@.stage == "{DELIVERED}")')
    return _UPSERT.format(table=table, same=_SAME, done=_DONE, delivered=of_delivery)
