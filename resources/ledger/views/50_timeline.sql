-- All that happened to an order, in time order: filter by connection and source_id.
CREATE VIEW history.order_timeline AS
SELECT connection, source_id, captured_at AS at, 'captured' AS event, stream,
       'version of ' || to_char(source_updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || 'Z' AS detail,
       correlation_id, run_id
FROM sync.capture WHERE stream IN ('orders', 'shipments')
UNION ALL
SELECT connection, source_id, validated_at, state, stream, rule, correlation_id, run_id
FROM sync.record WHERE stream IN ('orders', 'shipments')
UNION ALL
SELECT connection, source_id, at, 'warning', stream, code || ': ' || message, correlation_id, run_id
FROM history.warnings WHERE stream IN ('orders', 'shipments')
UNION ALL
SELECT connection, source_id, coalesce(settled_at, claimed_at), action || ' ' || state, stream,
       concat_ws(' ', nullif('target ' || target_id, 'target '), nullif('attempts ' || tries, 'attempts 1'), nullif(error, '')),
       correlation_id, run_id
FROM sync.delivery WHERE stream IN ('orders', 'shipments')
UNION ALL
SELECT connection, source_id, opened_at, 'rejection opened', stream, code || ': ' || message, correlation_id, opened_run_id
FROM sync.rejection WHERE stream IN ('orders', 'shipments')
UNION ALL
SELECT connection, source_id, closed_at, 'rejection ' || state, stream, code || ': ' || closed_why, correlation_id,
       CASE WHEN starts_with(closed_by, 'run ') THEN substr(closed_by, 5) ELSE '' END
FROM sync.rejection WHERE stream IN ('orders', 'shipments') AND closed_at IS NOT NULL
UNION ALL
-- What operators did, without the values of edits.
SELECT x.connection, x.source_id, a.at, 'rejection ' || a.action || ' by ' || a.who, x.stream,
       concat_ws(': ', x.code, nullif(a.why, ''),
                 nullif(array_to_string(array(SELECT d ->> 'path' FROM jsonb_array_elements(a.diff) d), ', '), '')),
       x.correlation_id, coalesce(nullif(a.run_id, ''), q.run_id, '')
FROM sync.rejection_action a
JOIN sync.rejection x USING (rejection_id)
LEFT JOIN sync.rerun q USING (rerun_id)
WHERE x.stream IN ('orders', 'shipments')
UNION ALL
SELECT connection, source_id, min(occurred_at), milestone, 'shipments',
       concat_ws(' ', trim_scale(quantity)::text || ' x ' || sku, nullif(carrier, ''), nullif(tracking_number, '')), '', ''
FROM sync.fulfilment_event
GROUP BY connection, source_id, event_key, milestone, quantity, sku, carrier, tracking_number;
COMMENT ON VIEW history.order_timeline IS 'All that happened to an order: one row per event.';
