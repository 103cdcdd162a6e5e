-- All that happened to a record, in time order: filter by connection, entity and source_id. A snapshot's records are not in it: they are
-- many, and no event of one leads to the next.
CREATE VIEW history.timeline AS
SELECT c.connection, s.entity, c.source_id, c.captured_at AS at, 'captured' AS event, c.stream,
       'version of ' || to_char(c.source_updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || 'Z' AS detail,
       c.correlation_id, c.run_id
FROM sync.stream s JOIN sync.capture c ON (c.connection, c.stream) = (s.connection, s.stream)
WHERE NOT s.is_snapshot
UNION ALL
SELECT r.connection, s.entity, r.source_id, r.validated_at, r.state, r.stream, r.rule, r.correlation_id, r.run_id
FROM sync.stream s JOIN sync.record r ON (r.connection, r.stream) = (s.connection, s.stream)
WHERE NOT s.is_snapshot
UNION ALL
SELECT w.connection, s.entity, w.source_id, w.at, 'warning', w.stream, w.code || ': ' || w.message, w.correlation_id, w.run_id
FROM sync.stream s JOIN history.warnings w ON (w.connection, w.stream) = (s.connection, s.stream)
WHERE NOT s.is_snapshot
UNION ALL
SELECT d.connection, s.entity, d.source_id, coalesce(d.settled_at, d.claimed_at), d.action || ' ' || d.state, d.stream,
       concat_ws(' ', nullif('target ' || d.target_id, 'target '), nullif('attempts ' || d.tries, 'attempts 1'), nullif(d.error, '')),
       d.correlation_id, d.run_id
FROM sync.stream s JOIN sync.delivery d ON (d.connection, d.stream) = (s.connection, s.stream)
WHERE NOT s.is_snapshot
UNION ALL
SELECT x.connection, s.entity, x.source_id, x.opened_at, 'rejection opened', x.stream, x.code || ': ' || x.message, x.correlation_id,
       x.opened_run_id
FROM sync.stream s JOIN sync.rejection x ON (x.connection, x.stream) = (s.connection, s.stream)
WHERE NOT s.is_snapshot
UNION ALL
SELECT x.connection, s.entity, x.source_id, x.closed_at, 'rejection ' || x.state, x.stream, x.code || ': ' || x.closed_why, x.correlation_id,
       CASE WHEN starts_with(x.closed_by, 'run ') THEN substr(x.closed_by, 5) ELSE '' END
FROM sync.stream s JOIN sync.rejection x ON (x.connection, x.stream) = (s.connection, s.stream)
WHERE NOT s.is_snapshot AND x.closed_at IS NOT NULL
UNION ALL
-- What operators did, without the values of edits.
SELECT x.connection, s.entity, x.source_id, a.at, 'rejection ' || a.action || ' by ' || a.who, x.stream,
       concat_ws(': ', x.code, nullif(a.why, ''),
                 nullif(array_to_string(a.paths, ', '), '')),
       x.correlation_id, a.run_id
FROM history.rejection_actions a
JOIN sync.rejection x USING (rejection_id)
JOIN sync.stream s ON (s.connection, s.stream) = (x.connection, x.stream)
WHERE NOT s.is_snapshot
UNION ALL
-- Parcels as the newest version has them, and apart from them where the units of lines were seen: facts of the stream shipments.
SELECT f.connection, 'order', f.source_id, f.occurred_at, f.event, 'shipments', f.detail, coalesce(r.correlation_id, ''), coalesce(r.run_id, '')
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
                   LIMIT 1) r ON true
UNION ALL
-- What agents have asked for an order, and what became of it: also in the order's own history.
SELECT h.connection, e.entity, CASE e.entity WHEN 'order' THEN h.source_id ELSE h.action_id END, t.at, 'action ' || h.kind || ' ' || t.event, 'actions',
       concat_ws(' ', h.action_id, t.detail), '', coalesce(h.run_id, '')
FROM history.actions h
CROSS JOIN (VALUES ('order'), ('action')) e(entity)
CROSS JOIN LATERAL (VALUES
    (h.requested_at, 'asked for', concat_ws(' ', nullif('line ' || h.line_id, 'line '), trim_scale(h.quantity)::text || ' units', nullif(h.hold, ''),
                                            nullif('from ' || h.node, 'from '), CASE WHEN h.has_address THEN 'to another address' END,
                                            'by ' || h.requested_by, 'as ' || h.permission_set)),
    (h.asked_at, 'requested', 'the OMS answers later'),
    (CASE WHEN h.state NOT IN ('waiting', 'requested') THEN coalesce(h.answered_at, h.decided_at) END,
     h.state || CASE WHEN h.answered_at IS NOT NULL THEN ' by the late answer' ELSE '' END, concat_ws(': ', nullif(h.code, ''), nullif(h.reason, ''))),
    (h.reported_at, 'reported', h.state)) t(at, event, detail)
WHERE t.at IS NOT NULL
UNION ALL
-- Units of a return by how far they are, and what was paid back for them: facts of the stream returns.
SELECT r.connection, 'return', r.return_id, r.source_updated_at, 'return ' || s.status, 'returns',
       concat_ws(' ', trim_scale(s.units)::text || ' x ' || r.sku, nullif(r.condition, ''), nullif(r.reason, ''), nullif(r.tracking_number, '')), '', ''
FROM history.returns r
CROSS JOIN LATERAL (VALUES ('announced', r.announced), ('received', r.received), ('confirmed', r.confirmed), ('canceled', r.canceled)) s(status, units)
WHERE s.units > 0
UNION ALL
SELECT connection, 'return', return_id, refunded_at,
       CASE WHEN is_pending THEN 'refund pending' WHEN NOT is_paid THEN 'refund declined' WHEN is_found THEN 'refund found' ELSE 'refund made' END, 'returns',
       concat_ws(' ', nullif(refund_id, ''), 'of', trim_scale(amount)::text, currency, 'by', service, nullif(declined, '')), correlation_id, run_id
FROM history.refunds;
COMMENT ON VIEW history.timeline IS 'All that happened to the records of all streams but snapshots: one row per event.';
COMMENT ON COLUMN history.timeline.entity IS 'What the record is: order, or what another stream is about. Ids of two entities may be equal.';
COMMENT ON COLUMN history.timeline.source_id IS 'The record''s id in the system that the event comes from; history.links has the other one.';

CREATE VIEW history.order_timeline AS
SELECT connection, source_id, at, event, stream, detail, correlation_id, run_id FROM history.timeline WHERE entity = 'order';
COMMENT ON VIEW history.order_timeline IS 'All that happened to an order: one row per event.';

CREATE VIEW history.return_timeline AS
SELECT t.connection, coalesce(r.source_id, '') AS source_id, t.source_id AS return_id, t.at, t.event, t.stream, t.detail, t.correlation_id, t.run_id
FROM history.timeline t
LEFT JOIN (SELECT DISTINCT connection, return_id, source_id FROM sync.return_line) r ON (r.connection, r.return_id) = (t.connection, t.source_id)
WHERE t.entity = 'return';
COMMENT ON VIEW history.return_timeline IS 'All that happened to the returns of an order: one row per event.';
COMMENT ON COLUMN history.return_timeline.source_id IS 'The store''s id of the order whose units come back; empty where it is not known yet.';
