-- The data team's contract (docs/sql.md): readable by lockstep_reader, and nothing else is. Replaced as a whole by each migration run.
DROP SCHEMA IF EXISTS history CASCADE;
CREATE SCHEMA history;

CREATE VIEW history.orders AS
SELECT h.connection, h.source_id, h.order_id, h.number, h.channel, h.cancelled, h.ordered_at, h.currency, h.total, h.total_tax,
       h.line_count, h.units, h.is_guest, h.ship_country, r.source_updated_at, r.state, r.outcome, r.settled_at, h.source_day,
       h.capture_id, r.correlation_id, r.run_id
FROM sync.order_header h
JOIN sync.record r ON (r.connection, r.stream, r.source_day, r.capture_id) = (h.connection, 'orders', h.source_day, h.capture_id);
COMMENT ON VIEW history.orders IS 'One row per accepted version of an order.';

CREATE VIEW history.order_lines AS
SELECT connection, source_id, line_id, sku, kind, quantity, uom, unit_price, line_total, discount, tax, source_day, capture_id
FROM sync.order_line;
COMMENT ON VIEW history.order_lines IS 'One row per line of an accepted version of an order.';

CREATE VIEW history.stock AS
SELECT connection, sku, node, available, on_hand, reserved, expected, expected_at, infinite, observed_at, source_day, capture_id
FROM sync.stock_level;
COMMENT ON VIEW history.stock IS 'One row per change of the OMS''s availability of a SKU at a node.';

CREATE VIEW history.shipments AS
SELECT DISTINCT ON (connection, event_key) connection, source_id, order_id, line_id, sku, milestone, quantity, parcel_id,
       tracking_number, carrier, occurred_at, source_day, capture_id
FROM sync.fulfilment_event
ORDER BY connection, event_key, source_day;
COMMENT ON VIEW history.shipments IS 'One row per fulfilment fact: units of an order line reached a milestone.';

CREATE VIEW history.rejections AS
SELECT rejection_id, connection, stream, stage, source_id, code, field, message, advice, value, correlation_id, state, opened_at,
       seen_at, seen_count, closed_at, closed_by, closed_why, now() - opened_at AS age, source_day, capture_id
FROM sync.rejection;
COMMENT ON VIEW history.rejections IS 'One row per record kept out of delivery, open or closed.';

CREATE VIEW history.deliveries AS
SELECT connection, stream, source_id, action, target_key, state, attempts, target_id, error, claimed_at, settled_at,
       settled_at - claimed_at AS took, correlation_id, run_id, source_day, capture_id, delivery_key
FROM sync.delivery;
COMMENT ON VIEW history.deliveries IS 'One row per intended effect on a target.';

CREATE VIEW history.lag AS
SELECT w.connection, w.stream, w.watermark, w.probed_at, w.change_seen_at, w.captured_at, w.delivered_at,
       -- Behind means that a change after the watermark was seen; a quiet source is as fresh as its last probe.
       now() - CASE WHEN w.change_seen_at >= w.watermark OR w.probed_at IS NULL THEN w.watermark ELSE greatest(w.watermark, w.probed_at) END AS lag,
       (SELECT count(*) FROM sync.rejection x
        WHERE x.connection = w.connection AND x.stream = w.stream AND x.state IN ('open', 'retried')) AS open_rejections,
       (SELECT count(*) FROM sync.delivery d
        WHERE d.connection = w.connection AND d.stream = w.stream AND d.state IN ('in_flight', 'failed')) AS in_flight,
       (SELECT count(*) FROM sync.record p
        WHERE p.connection = w.connection AND p.stream = w.stream AND p.state = 'accepted' AND p.outcome IS NULL) AS pending
FROM sync.watermark w;
COMMENT ON VIEW history.lag IS 'How far each stream has come, and what is open in it.';

-- Every capture is accounted for: captured = accepted + rejected + skipped + superseded + unvalidated, and a difference is an error.
CREATE VIEW history.daily_summary AS
SELECT c.connection, c.stream, c.source_day,
       count(*) AS captured,
       count(*) FILTER (WHERE r.state = 'accepted') AS accepted,
       count(*) FILTER (WHERE r.state = 'rejected') AS rejected,
       count(*) FILTER (WHERE r.state = 'skipped') AS skipped,
       count(*) FILTER (WHERE r.state = 'superseded') AS superseded,
       count(*) FILTER (WHERE r.capture_id IS NULL) AS unvalidated,
       count(*) FILTER (WHERE r.outcome = 'delivered') AS delivered,
       count(*) FILTER (WHERE r.outcome = 'unchanged') AS unchanged,
       count(*) FILTER (WHERE r.outcome = 'superseded') AS superseded_before_delivery,
       count(*) FILTER (WHERE r.outcome = 'rejected') AS rejected_by_target,
       count(*) FILTER (WHERE r.state = 'accepted' AND r.outcome IS NULL) AS pending
FROM sync.capture c
LEFT JOIN sync.record r USING (connection, stream, source_day, capture_id)
GROUP BY c.connection, c.stream, c.source_day;
COMMENT ON VIEW history.daily_summary IS 'Counts per connection, stream and partition.';

-- Everything that ever happened to an order, in time order: filter by connection and source_id.
CREATE VIEW history.order_timeline AS
SELECT connection, source_id, captured_at AS at, 'captured' AS event, stream,
       'version of ' || to_char(source_updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || 'Z' AS detail,
       correlation_id, run_id
FROM sync.capture WHERE stream IN ('orders', 'shipments')
UNION ALL
SELECT connection, source_id, validated_at, state, stream, rule, correlation_id, run_id
FROM sync.record WHERE stream IN ('orders', 'shipments')
UNION ALL
SELECT connection, source_id, coalesce(settled_at, claimed_at), action || ' ' || state, stream,
       concat_ws(' ', nullif('target ' || target_id, 'target '), nullif('attempts ' || attempts, 'attempts 1'), nullif(error, '')),
       correlation_id, run_id
FROM sync.delivery WHERE stream IN ('orders', 'shipments')
UNION ALL
SELECT connection, source_id, opened_at, 'rejection opened', stream, code || ': ' || message, correlation_id, run_id
FROM sync.rejection WHERE stream IN ('orders', 'shipments')
UNION ALL
SELECT connection, source_id, closed_at, 'rejection ' || state, stream, code || ': ' || closed_why, correlation_id, run_id
FROM sync.rejection WHERE stream IN ('orders', 'shipments') AND closed_at IS NOT NULL
UNION ALL
SELECT connection, source_id, min(occurred_at), milestone, 'shipments',
       concat_ws(' ', trim_scale(quantity)::text || ' x ' || sku, nullif(carrier, ''), nullif(tracking_number, '')), '', ''
FROM sync.fulfilment_event
GROUP BY connection, source_id, event_key, milestone, quantity, sku, carrier, tracking_number;
COMMENT ON VIEW history.order_timeline IS 'Everything that happened to an order, one row an event.';

DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'lockstep_reader') THEN
        CREATE ROLE lockstep_reader NOLOGIN;
    END IF;
END
$$;
GRANT USAGE ON SCHEMA history TO lockstep_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA history TO lockstep_reader;
