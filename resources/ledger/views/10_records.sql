CREATE VIEW history.orders AS
SELECT h.connection, h.source_id, h.order_id, h.number, h.channel, h.cancelled, h.ordered_at, h.currency, h.total, h.total_tax,
       h.line_count, h.units, h.is_guest, h.ship_country, r.source_updated_at, r.state, r.outcome, r.settled_at, h.source_day,
       h.capture_id, r.correlation_id, r.run_id, r.source_hour
FROM sync.order_header h
JOIN sync.record r ON (r.connection, r.stream, r.source_day, r.capture_id) = (h.connection, 'orders', h.source_day, h.capture_id);
COMMENT ON VIEW history.orders IS 'One row per accepted version of an order.';

CREATE VIEW history.links AS
SELECT connection, entity, store_id, store_number, organisation, oms_id, oms_number, linked_at, linked_by
FROM sync.link;
COMMENT ON VIEW history.links IS 'One row per record that both systems have: its id and its number in each.';
COMMENT ON COLUMN history.links.organisation IS 'The OMS''s tenant and organisation, in which no other connection has a record with this oms_id.';
COMMENT ON COLUMN history.links.linked_at IS 'When the link was made, which is before the record was created at the OMS.';
COMMENT ON COLUMN history.links.linked_by IS 'The run that made it.';

CREATE VIEW history.order_lines AS
SELECT connection, source_id, line_id, sku, kind, quantity, uom, unit_price, line_total, discount, tax, source_day, capture_id, factor
FROM sync.order_line;
COMMENT ON VIEW history.order_lines IS 'One row per line of an accepted version of an order; quantity and unit_price are per uom, the OMS''s unit.';
COMMENT ON COLUMN history.order_lines.factor IS 'How many of uom make one of the store''s units; null for lines from before it was recorded.';

CREATE VIEW history.stock AS
SELECT connection, sku, node, available, on_hand, reserved, expected, expected_at, infinite, observed_at, source_day, capture_id
FROM sync.stock_level;
COMMENT ON VIEW history.stock IS 'One row per change of the OMS''s availability of a SKU at a node; quantities are in the unit of the OMS''s stock.';

-- The parcels of the newest version of an order: one that got a tracking number, another name or more units counts once.
CREATE VIEW history.shipments AS
SELECT connection, source_id, order_id, line_id, sku, milestone, quantity, parcel_id, tracking_number, carrier,
       CASE WHEN milestone = 'packed' THEN first_at ELSE left_at END AS occurred_at, first_day AS source_day, capture_id
FROM (SELECT e.*, first_value(capture_id) OVER (PARTITION BY connection, source_id ORDER BY version_at DESC, noted_at DESC, capture_id) AS newest,
             min(occurred_at) OVER fact AS first_at, min(CASE WHEN milestone <> 'packed' THEN occurred_at END) OVER fact AS left_at,
             min(source_day) OVER fact AS first_day
      FROM sync.fulfilment_event e
      WINDOW fact AS (PARTITION BY connection, source_id, parcel_id, line_id)) f
WHERE capture_id = newest AND parcel_id <> '';
COMMENT ON VIEW history.shipments IS 'One row per order line in a parcel: its units, in the OMS''s unit, by the order''s newest version.';
COMMENT ON COLUMN history.shipments.occurred_at IS 'When the parcel left, or was first seen to have left; of one that is packed, when it was first seen.';
COMMENT ON COLUMN history.shipments.source_day IS 'The partition in which the line''s parcel was first seen.';

CREATE VIEW history.milestones AS
SELECT connection, source_id, order_id, line_id, sku, milestone, quantity, min(occurred_at) AS occurred_at, min(source_day) AS source_day,
       (array_agg(capture_id ORDER BY version_at DESC))[1] AS capture_id, bool_or(capture_id = newest) AS is_present
FROM (SELECT e.*, first_value(capture_id) OVER (PARTITION BY connection, source_id ORDER BY version_at DESC, noted_at DESC, capture_id) AS newest
      FROM sync.fulfilment_event e) f
WHERE parcel_id = ''
GROUP BY connection, event_key, source_id, order_id, line_id, sku, milestone, quantity;
COMMENT ON VIEW history.milestones IS 'One row per line and stage: so many units, in the OMS''s unit, were seen there. Not to be added up: units move on.';
COMMENT ON COLUMN history.milestones.is_present IS 'Whether the order''s newest version says so.';

CREATE VIEW history.deliveries AS
SELECT d.connection, d.stream, d.source_id, d.action, d.target_key, d.state, d.tries AS attempts, d.target_id, d.error, d.claimed_at,
       d.settled_at, d.settled_at - c.captured_at AS took, d.correlation_id, d.run_id, d.source_day, d.capture_id, d.delivery_key,
       c.captured_at, c.source_updated_at, d.settled_at - c.source_updated_at AS took_from_change, d.settled_at - d.claimed_at AS sent_in, c.source_hour
FROM sync.delivery d
LEFT JOIN sync.capture c ON (c.connection, c.stream, c.source_day, c.capture_id) = (d.connection, d.stream, d.source_day, d.capture_id);
COMMENT ON VIEW history.deliveries IS 'One row per intended effect on a target.';
COMMENT ON COLUMN history.deliveries.took IS 'From the capture of the version to the outcome, waits and earlier attempts included.';
COMMENT ON COLUMN history.deliveries.took_from_change IS 'From the change at the source to the outcome.';
COMMENT ON COLUMN history.deliveries.sent_in IS 'From the claim of the last attempt to the outcome.';
COMMENT ON COLUMN history.deliveries.attempts IS 'How often it was sent, outages and retries included.';

CREATE VIEW history.warnings AS
SELECT r.connection, r.stream, r.source_id, w ->> 'code' AS code, w ->> 'field' AS field, w ->> 'message' AS message,
       w ->> 'advice' AS advice, r.validated_at AS at, r.correlation_id, r.run_id, r.source_day, r.capture_id, r.source_hour
FROM sync.record r CROSS JOIN LATERAL jsonb_array_elements(r.warnings) w
WHERE r.warnings IS NOT NULL;
COMMENT ON VIEW history.warnings IS 'One row per warning of a record that was accepted all the same.';

-- Every capture is accounted for: captured = accepted + rejected + skipped + superseded + unvalidated.
-- A difference is an error.
CREATE VIEW history.hourly_summary AS
SELECT connection, stream, source_day, source_hour,
       count(*) AS captured,
       count(*) FILTER (WHERE state = 'accepted') AS accepted,
       count(*) FILTER (WHERE state = 'rejected') AS rejected,
       count(*) FILTER (WHERE state = 'skipped') AS skipped,
       count(*) FILTER (WHERE state = 'superseded') AS superseded,
       count(*) FILTER (WHERE state IS NULL) AS unvalidated,
       count(*) FILTER (WHERE outcome = 'delivered') AS delivered,
       count(*) FILTER (WHERE outcome = 'unchanged') AS unchanged,
       count(*) FILTER (WHERE outcome = 'superseded') AS superseded_before_delivery,
       count(*) FILTER (WHERE outcome = 'rejected') AS rejected_by_target,
       count(*) FILTER (WHERE state = 'accepted' AND outcome IS NULL) AS pending
-- Not a join: while a month's tables have no statistics, that would compare each capture with each record.
FROM (SELECT connection, stream, source_day, capture_id, max(source_hour) AS source_hour, max(state) AS state, max(outcome) AS outcome
      FROM (SELECT connection, stream, source_day, capture_id, source_hour, NULL AS state, NULL AS outcome FROM sync.capture
            UNION ALL
            SELECT connection, stream, source_day, capture_id, NULL, state, outcome FROM sync.record) both_sides
      GROUP BY connection, stream, source_day, capture_id) one
WHERE source_hour IS NOT NULL -- a record may outlive its capture
GROUP BY connection, stream, source_day, source_hour;
COMMENT ON VIEW history.hourly_summary IS 'Counts per connection, stream and hour of the day, whichever of both is a partition.';

CREATE VIEW history.daily_summary AS
SELECT connection, stream, source_day,
       sum(captured)::bigint AS captured,
       sum(accepted)::bigint AS accepted,
       sum(rejected)::bigint AS rejected,
       sum(skipped)::bigint AS skipped,
       sum(superseded)::bigint AS superseded,
       sum(unvalidated)::bigint AS unvalidated,
       sum(delivered)::bigint AS delivered,
       sum(unchanged)::bigint AS unchanged,
       sum(superseded_before_delivery)::bigint AS superseded_before_delivery,
       sum(rejected_by_target)::bigint AS rejected_by_target,
       sum(pending)::bigint AS pending
FROM history.hourly_summary
GROUP BY connection, stream, source_day;
COMMENT ON VIEW history.daily_summary IS 'Counts per connection, stream and day.';
