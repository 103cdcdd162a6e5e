CREATE VIEW history.rejections AS
SELECT rejection_id, connection, stream, stage, source_id, code, field, message, advice, value, correlation_id, state, opened_at,
       seen_at, seen_count, closed_at, closed_by, closed_why, now() - opened_at AS age, source_day, capture_id
FROM sync.rejection;
COMMENT ON VIEW history.rejections IS 'One row per record kept out of delivery, open or closed.';
