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
                 nullif(array_to_string(a.paths, ', '), '')),
       x.correlation_id, a.run_id
FROM history.rejection_actions a
JOIN sync.rejection x USING (rejection_id)
WHERE x.stream IN ('orders', 'shipments')
UNION ALL
-- Parcels as the newest version has them, and apart from them where the units of lines were seen.
SELECT f.connection, f.source_id, f.occurred_at, f.event, 'shipments', f.detail, coalesce(r.correlation_id, ''), coalesce(r.run_id, '')
FROM (
    SELECT connection, source_id, order_id, occurred_at, 'parcel ' || milestone AS event, capture_id,
           concat_ws(' ', trim_scale(quantity)::text || ' x ' || sku || ' in ' || parcel_id, nullif(carrier, ''), nullif(tracking_number, '')) AS detail
    FROM history.shipments
    UNION ALL
    SELECT connection, source_id, order_id, occurred_at, milestone, capture_id, trim_scale(quantity)::text || ' x ' || sku
    FROM history.milestones
) f
LEFT JOIN LATERAL (SELECT correlation_id, run_id FROM sync.record r
                   WHERE r.connection = f.connection AND r.stream = 'shipments' AND r.source_id = f.order_id AND r.capture_id = f.capture_id
                   LIMIT 1) r ON true;
COMMENT ON VIEW history.order_timeline IS 'All that happened to an order: one row per event.';
