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
