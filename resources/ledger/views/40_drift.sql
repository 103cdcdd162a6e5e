CREATE VIEW history.drifts AS
SELECT drift_id, connection, class, entity, record, field, stream, source_id, source_day, expected, found, since, correlation_id, owner,
       advice, can_heal, state, opened_at, seen_at, seen_count, healing_since, healed_by, closed_at, closed_why, now() - since AS age, run_id
FROM sync.drift;
COMMENT ON VIEW history.drifts IS 'One row per drift between store, OMS and ledger that a reconciliation found, open, under repair or closed.';
