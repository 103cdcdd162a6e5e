CREATE VIEW history.actions AS
SELECT a.connection, a.action_id, a.source_id, l.oms_id AS order_id, a.kind, a.line_id, a.quantity, a.hold, a.node, a.has_address,
       a.permission_set, a.requested_by, a.requested_at, coalesce(o.state, 'waiting') AS state, coalesce(o.code, '') AS code,
       coalesce(o.reason, '') AS reason, o.decided_at, o.asked_at, o.answered_at, o.reported_at, o.run_id, a.source_day, a.capture_id
FROM (SELECT DISTINCT ON (connection, action_id) * FROM sync.action ORDER BY connection, action_id, requested_at DESC, capture_id) a
LEFT JOIN sync.action_outcome o USING (connection, action_id)
LEFT JOIN sync.link l ON (l.connection, l.entity, l.store_id) = (a.connection, 'order', a.source_id);
COMMENT ON VIEW history.actions IS 'One row per request of a service agent, with what became of it.';
COMMENT ON COLUMN history.actions.source_id IS 'The store''s id of the order; order_id is the OMS''s.';
COMMENT ON COLUMN history.actions.quantity IS 'Units of the line to cancel, in the store''s unit; null: all that was left.';
COMMENT ON COLUMN history.actions.has_address IS 'Whether it reroutes to an address, which is shown nowhere.';
COMMENT ON COLUMN history.actions.requested_by IS 'Who asked, as the store or the command line identifies them.';
COMMENT ON COLUMN history.actions.state IS 'waiting, requested (the OMS answers later), done, partly, refused, or failed (see its rejection).';
COMMENT ON COLUMN history.actions.code IS 'Why it was refused; reason says it in a sentence.';
COMMENT ON COLUMN history.actions.asked_at IS 'When the OMS took it as a request that it answers later; answered_at is when that answer was noted.';
COMMENT ON COLUMN history.actions.reported_at IS 'When its agent was shown the current state; null: not yet.';
