CREATE VIEW history.orders AS
SELECT h.connection, h.source_id, h.order_id, h.number, h.channel, h.cancelled, h.ordered_at, h.currency, h.total, h.total_tax,
       h.line_count, h.units, h.is_guest, h.ship_country, r.source_updated_at, r.state, r.outcome, r.settled_at, h.source_day,
       h.capture_id, r.correlation_id, r.run_id
FROM sync.order_header h
JOIN sync.record r ON (r.connection, r.stream, r.source_day, r.capture_id) = (h.connection, 'orders', h.source_day, h.capture_id);
COMMENT ON VIEW history.orders IS 'One row per accepted version of an order.';

CREATE VIEW history.order_lines AS
SELECT connection, source_id, line_id, sku, kind, quantity, uom, unit_price, line_total, discount, tax, source_day, capture_id, factor
FROM sync.order_line;
COMMENT ON VIEW history.order_lines IS 'One row per line of an accepted version of an order; quantity and unit_price are per uom, the OMS''s unit.';
COMMENT ON COLUMN history.order_lines.factor IS 'How many of uom make one of the store''s units; null for lines from before it was recorded.';

CREATE VIEW history.stock AS
SELECT connection, sku, node, available, on_hand, reserved, expected, expected_at, infinite, observed_at, source_day, capture_id
FROM sync.stock_level;
COMMENT ON VIEW history.stock IS 'One row per change of the OMS''s availability of a SKU at a node; quantities are in the unit of the OMS''s stock.';

CREATE VIEW history.shipments AS
SELECT DISTINCT ON (connection, event_key) connection, source_id, order_id, line_id, sku, milestone, quantity, parcel_id,
       tracking_number, carrier, occurred_at, source_day, capture_id
FROM sync.fulfilment_event
ORDER BY connection, event_key, source_day;
COMMENT ON VIEW history.shipments IS 'One row per fulfilment fact: units of an order line, in the OMS''s unit, reached a milestone.';

CREATE VIEW history.deliveries AS
SELECT connection, stream, source_id, action, target_key, state, attempts, target_id, error, claimed_at, settled_at,
       settled_at - claimed_at AS took, correlation_id, run_id, source_day, capture_id, delivery_key
FROM sync.delivery;
COMMENT ON VIEW history.deliveries IS 'One row per intended effect on a target.';

-- Every capture is accounted for: captured = accepted + rejected + skipped + superseded + unvalidated.
-- A difference is an error.
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
