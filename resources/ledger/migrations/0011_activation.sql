-- Which streams may be read and written without an operator's hand. A stream without a row was never started, and counts as paused.
CREATE TABLE sync.activation (
    connection text        NOT NULL,
    stream     text        NOT NULL,
    active     boolean     NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text        NOT NULL,
    why        text        NOT NULL,
    PRIMARY KEY (connection, stream)
);

-- Connections that have delivered before this migration go on as they did.
INSERT INTO sync.activation (connection, stream, active, changed_by, why)
SELECT DISTINCT c.connection, s.stream, true, 'migration', 'the connection had delivered before streams could be paused'
FROM sync.connection c CROSS JOIN LATERAL unnest(c.streams) AS s(stream)
WHERE EXISTS (SELECT FROM sync.delivery d WHERE d.connection = c.connection)
   OR EXISTS (SELECT FROM sync.target_state t WHERE t.connection = c.connection)
   OR EXISTS (SELECT FROM sync.watermark w WHERE w.connection = c.connection AND w.delivered_at IS NOT NULL);
