-- The heartbeat: one row per configured stream, including one that never had a record, compared with
-- its connection's limits. A limit is how long something may take: exactly at the limit is in time.
CREATE VIEW history.lag AS
WITH chain AS (
    SELECT connection, s.stream, c.owner, c.limits, c.configured AND s.configured AS configured
    FROM sync.connection c JOIN sync.stream s USING (connection)
), known AS (
    SELECT coalesce(a.active, false) AS active, a.changed_at AS paused_at, a.changed_by AS paused_by, a.why AS paused_why,
           coalesce(c.connection, w.connection) AS connection, coalesce(c.stream, w.stream) AS stream, coalesce(c.owner, '') AS owner,
           coalesce(c.configured, false) AS configured, w.watermark, w.probed_at, w.change_seen_at, w.captured_at, w.delivered_at,
           w.probe_failed_at, coalesce(w.probe_error, '') AS probe_error, coalesce(w.probe_failures, 0) AS probe_failures,
           w.failing_since, coalesce(w.delivery_error, '') AS delivery_error,
           -- A stream lags if a change after the watermark was seen; a quiet source is as fresh as its last probe.
           CASE WHEN w.watermark IS NOT NULL THEN greatest(interval '0', now() - CASE WHEN w.change_seen_at >= w.watermark OR w.probed_at IS NULL THEN w.watermark
                                               ELSE greatest(w.watermark, w.probed_at, a.changed_at) END) END AS lag,
           -- A run that reads the source probes it, too; and a stream that was just resumed is not late yet.
           now() - greatest(w.probed_at, w.captured_at, a.changed_at) AS unprobed_for,
           now() - greatest(coalesce(w.change_seen_at, w.watermark), a.changed_at) AS silent_for,
           make_interval(secs => (c.limits ->> 'freshness')::double precision) AS allowed,
           make_interval(secs => (c.limits ->> 'probe')::double precision) AS probe_allowed,
           make_interval(secs => (c.limits -> 'silence' ->> c.stream)::double precision) AS silence_allowed
    FROM chain c FULL JOIN sync.watermark w ON (w.connection, w.stream) = (c.connection, c.stream)
    LEFT JOIN sync.activation a ON (a.connection, a.stream) = (coalesce(c.connection, w.connection), coalesce(c.stream, w.stream))
)
SELECT k.connection, k.stream, k.watermark, k.probed_at, k.change_seen_at, k.captured_at, k.delivered_at, k.lag,
       (SELECT count(*) FROM sync.rejection x
        WHERE x.connection = k.connection AND x.stream = k.stream AND x.state IN ('open', 'retried')) AS open_rejections,
       (SELECT count(*) FROM sync.delivery d
        WHERE d.connection = k.connection AND d.stream = k.stream AND d.state IN ('in_flight', 'failed')) AS in_flight,
       (SELECT count(*) FROM sync.record p
        WHERE p.connection = k.connection AND p.stream = k.stream AND p.state = 'accepted' AND p.outcome IS NULL) AS pending,
       CASE WHEN NOT k.configured THEN 'not_configured'
            WHEN NOT k.active THEN 'paused' -- live runs neither read nor write it
            WHEN k.failing_since IS NOT NULL THEN 'failing'
            WHEN k.watermark IS NULL THEN 'never_captured'
            -- Two probes in a row fail within half a minute; without any, the daemon may be restarting.
            WHEN k.unprobed_for IS NULL OR k.unprobed_for > k.probe_allowed OR k.probe_failures >= 2 THEN 'no_probe'
            WHEN k.lag > k.allowed THEN 'overdue'
            WHEN k.silent_for > k.silence_allowed THEN 'silent'
            ELSE 'ok' END AS state,
       k.allowed, k.unprobed_for, k.probe_allowed, k.silent_for, k.silence_allowed, k.probe_failed_at, k.probe_failures, k.probe_error, k.owner,
       k.failing_since, k.delivery_error,
       CASE WHEN NOT k.active THEN k.paused_at END AS paused_at, CASE WHEN NOT k.active THEN k.paused_by END AS paused_by,
       CASE WHEN NOT k.active THEN k.paused_why END AS paused_why
FROM known k;
COMMENT ON VIEW history.lag IS 'How far each stream is, what is open in it, and whether it needs attention: state is not ok.';

-- Records that wait at a stage; "overdue" is true past the limit.
CREATE VIEW history.stuck AS
WITH unfinished AS (
    SELECT connection, stream, source_id FROM sync.record WHERE state = 'accepted' AND outcome IS NULL
    UNION
    SELECT c.connection, c.stream, c.source_id FROM sync.capture c
    WHERE NOT EXISTS (SELECT 1 FROM sync.record r WHERE (r.connection, r.stream, r.source_day, r.capture_id)
                                                      = (c.connection, c.stream, c.source_day, c.capture_id))
), waiting AS (
    -- Only the newest version counts, and it waits since the oldest version after which none was settled:
    -- an order that changes every minute must not restart its own clock. Where the newest version is
    -- settled, "since" is null: the older ones were replaced by it.
    SELECT u.connection, u.stream, v.order_id, v.since, v.correlation_id, v.is_validated
    FROM unfinished u
    JOIN sync.connection c ON c.connection = u.connection AND c.configured
    LEFT JOIN sync.stream t ON (t.connection, t.stream) = (u.connection, u.stream)
    LEFT JOIN sync.link l ON NOT t.to_oms AND (l.connection, l.entity, l.oms_id) = (u.connection, t.entity, u.source_id)
    CROSS JOIN LATERAL (
        SELECT min(w.since) FILTER (WHERE NOT w.is_settled) AS since,
               (array_agg(w.correlation_id ORDER BY w.place))[1] AS correlation_id,
               bool_or(w.is_validated) FILTER (WHERE w.place = 1) AS is_validated,
               coalesce(l.store_id, u.source_id) AS order_id
        FROM (
            SELECT e.correlation_id, r.capture_id IS NOT NULL AS is_validated,
                   -- Settled once, and due again since its mapping gave other content: it waits since then.
                   CASE WHEN r.settled_at IS NULL THEN e.captured_at ELSE r.validated_at END AS since,
                   bool_or(coalesce(r.state IN ('rejected', 'skipped') OR r.outcome IN ('delivered', 'unchanged', 'rejected'), false))
                       OVER newest_first AS is_settled,
                   row_number() OVER newest_first AS place
            FROM sync.capture e
            LEFT JOIN sync.record r ON (r.connection, r.stream, r.source_day, r.capture_id)
                                     = (e.connection, e.stream, e.source_day, e.capture_id)
            WHERE e.connection = u.connection AND e.stream = u.stream AND e.source_id = u.source_id
            WINDOW newest_first AS (ORDER BY e.source_updated_at DESC, e.captured_at DESC, e.capture_id DESC)
        ) w
    ) v
    WHERE v.since IS NOT NULL
), found AS (
    SELECT w.connection, w.stream,
           CASE WHEN w.is_validated AND s.shipped > 0 THEN 'shipped_not_at_store' ELSE 'captured_not_delivered' END AS stage,
           w.order_id AS source_id, w.since, w.correlation_id,
           CASE WHEN NOT coalesce(w.is_validated, false) THEN 'unvalidated' ELSE coalesce(d.state, 'pending') END AS state,
           CASE WHEN NOT coalesce(w.is_validated, false) THEN 'captured, not validated yet'
                WHEN d.state IS NULL THEN 'accepted, not sent yet'
                WHEN d.state = 'failed' THEN concat('failed after ', d.attempts, ' attempts: ', d.error)
                ELSE concat('sent at ', to_char(d.claimed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), 'Z, no answer noted') END AS detail
    FROM waiting w
    LEFT JOIN sync.standing s ON w.stream = 'shipments' AND (s.connection, s.source_id) = (w.connection, w.order_id)
    LEFT JOIN LATERAL (
        SELECT d.state, d.attempts, d.error, d.claimed_at FROM sync.delivery d
        WHERE d.connection = w.connection AND d.stream = w.stream AND d.source_id = w.order_id AND d.state IN ('in_flight', 'failed')
        ORDER BY d.claimed_at DESC LIMIT 1
    ) d ON true
    UNION ALL
    -- An open rejection of a shipment keeps the customer waiting as well. One that could not be read may
    -- have left.
    SELECT x.connection, x.stream, 'shipped_not_at_store',
           coalesce(l.store_id, x.source_id),
           x.opened_at, x.correlation_id, 'rejected', concat('rejection ', x.rejection_id, ': ', x.code)
    FROM sync.rejection x
    JOIN sync.connection c ON c.connection = x.connection AND c.configured
    LEFT JOIN sync.link l ON (l.connection, l.entity, l.oms_id) = (x.connection, 'order', x.source_id)
    WHERE x.stream = 'shipments' AND x.state IN ('open', 'retried')
      AND (x.stage <> 'delivered' OR EXISTS (
          SELECT 1 FROM sync.standing s WHERE s.connection = x.connection AND s.shipped > 0
              AND s.source_id = coalesce(l.store_id, x.source_id)))
    UNION ALL
    -- An order that was never in the OMS's own list. Reconciliation finds those older than 30 days.
    SELECT d.connection, d.stream, 'delivered_not_acknowledged', d.source_id, d.settled_at, d.correlation_id, 'unacknowledged',
           concat('target ', d.target_id, ', not in the OMS''s list of orders, read up to ',
                  coalesce(to_char(w.watermark AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || 'Z', 'never'))
    FROM sync.connection c
    JOIN sync.stream t ON (t.connection, t.stream) = (c.connection, 'shipments') AND t.configured -- by which the OMS's list is read
    JOIN sync.delivery d ON d.connection = c.connection AND d.stream = 'orders' AND d.action = 'create' AND d.state = 'delivered'
         AND d.prune_month = '9999-12-31' -- orders are never pruned
         AND d.settled_at > now() - interval '30 days'
    LEFT JOIN sync.watermark w ON (w.connection, w.stream) = (c.connection, 'shipments')
    LEFT JOIN sync.link l ON (l.connection, l.entity, l.store_id) = (d.connection, 'order', d.source_id)
    WHERE c.configured
      AND NOT EXISTS (SELECT 1 FROM sync.standing s WHERE (s.connection, s.source_id) = (d.connection, d.source_id))
      AND NOT EXISTS (SELECT 1 FROM sync.capture e
                      WHERE e.connection = d.connection AND e.stream = 'shipments' AND e.source_id = l.oms_id)
    UNION ALL
    SELECT s.connection, 'shipments', 'released_not_shipped', s.source_id, s.awaiting_since, s.correlation_id, 'released',
           concat(trim_scale(s.awaiting), ' units released, neither shipped nor canceled')
    FROM sync.standing s
    JOIN sync.connection c ON c.connection = s.connection AND c.configured
    WHERE s.awaiting > 0
)
SELECT f.connection, f.stream, f.stage, f.state, f.source_id, f.since, now() - f.since AS age,
       make_interval(secs => (c.limits ->> f.stage)::double precision) AS allowed,
       coalesce(now() - f.since > make_interval(secs => (c.limits ->> f.stage)::double precision), false) AS overdue,
       c.owner, f.correlation_id, f.detail
FROM found f
JOIN sync.connection c ON c.connection = f.connection;
COMMENT ON VIEW history.stuck IS 'Records that wait at a stage: one row per record and stage; overdue is true past the connection''s limit.';
