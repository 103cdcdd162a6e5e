CREATE VIEW history.rejections AS
SELECT r.rejection_id, r.connection, c.owner, r.stream, r.stage, r.class, r.source_id, r.code, r.field, r.rule, r.message, r.advice, r.value,
       r.correlation_id, r.state, r.opened_at, r.seen_at, r.seen_count, r.closed_at, r.closed_by, r.closed_why,
       coalesce(r.closed_at, now()) - r.opened_at AS age, r.source_day, r.capture_id, r.source_hour
FROM sync.rejection r LEFT JOIN sync.connection c USING (connection);
COMMENT ON VIEW history.rejections IS 'One row per record kept out of delivery, open or closed; its age ends when it is closed.';

-- Without the values of edits, which may be personal data. An edit's run is that of the retry which applied it.
CREATE VIEW history.rejection_actions AS
SELECT a.action_id, a.rejection_id, a.at, a.who, a.action, a.mode, a.why, array(SELECT d ->> 'path' FROM jsonb_array_elements(a.diff) d) AS paths,
       a.rerun_id, coalesce(nullif(a.run_id, ''), q.run_id, (
           SELECT coalesce(nullif(n.run_id, ''), m.run_id)
           FROM sync.rejection_action n LEFT JOIN sync.rerun m USING (rerun_id)
           WHERE a.action = 'edit' AND n.rejection_id = a.rejection_id AND n.action = 'retry' AND n.action_id > a.action_id
           ORDER BY n.action_id LIMIT 1
       ), '') AS run_id, coalesce(q.outcome, '') AS outcome, coalesce(q.note, '') AS note
FROM sync.rejection_action a LEFT JOIN sync.rerun q USING (rerun_id);
COMMENT ON VIEW history.rejection_actions IS 'One row per retry, edit, discard or reopening of a rejection.';

CREATE VIEW history.reruns AS
SELECT rerun_id, connection, stream, source_day, mode, cardinality(source_ids) AS records, force, asked_by, why, asked_at, taken_at, ended_at,
       CASE WHEN outcome <> '' THEN outcome WHEN taken_at IS NULL THEN 'waiting' ELSE 'running' END AS state, run_id, note, source_hour
FROM sync.rerun;
COMMENT ON COLUMN history.reruns.source_hour IS 'The hour of source_day that it is about; null where it is the whole day.';
COMMENT ON VIEW history.reruns IS 'One row per requested rerun; records is null where it is the whole partition.';
