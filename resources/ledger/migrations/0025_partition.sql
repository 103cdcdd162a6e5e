-- The hour of its day in which a version was captured: with it a partition may be an hour of "source_day", by which tables stay partitioned.
-- Kept for connections of either grain, so that changing the grain changes no row. Of versions from before, it is the hour of their
-- modification time; where that lies in another day, the first or last hour. A generated column, whose expression is dropped at once,
-- rewrites each table once and leaves no dead rows behind, as an UPDATE would.
ALTER TABLE sync.capture ADD COLUMN source_hour smallint NOT NULL GENERATED ALWAYS AS (
    CASE WHEN (source_updated_at AT TIME ZONE 'UTC')::date < source_day THEN 0 WHEN (source_updated_at AT TIME ZONE 'UTC')::date > source_day THEN 23
         ELSE extract(hour FROM source_updated_at AT TIME ZONE 'UTC') END) STORED;
ALTER TABLE sync.capture ALTER COLUMN source_hour DROP EXPRESSION;
ALTER TABLE sync.capture ALTER COLUMN source_hour SET DEFAULT 0;
ALTER TABLE sync.record ADD COLUMN source_hour smallint NOT NULL GENERATED ALWAYS AS (
    CASE WHEN (source_updated_at AT TIME ZONE 'UTC')::date < source_day THEN 0 WHEN (source_updated_at AT TIME ZONE 'UTC')::date > source_day THEN 23
         ELSE extract(hour FROM source_updated_at AT TIME ZONE 'UTC') END) STORED;
ALTER TABLE sync.record ALTER COLUMN source_hour DROP EXPRESSION;
ALTER TABLE sync.record ALTER COLUMN source_hour SET DEFAULT 0;

ALTER TABLE sync.rejection ADD COLUMN source_hour smallint NOT NULL DEFAULT 0;
UPDATE sync.rejection x SET source_hour = r.source_hour FROM sync.record r
WHERE (r.connection, r.stream, r.source_day, r.capture_id) = (x.connection, x.stream, x.source_day, x.capture_id) AND r.source_hour <> 0;

-- A page of the captures of one hour that have no outcome must not be a page of another hour's.
ALTER TABLE sync.unvalidated ADD COLUMN source_hour smallint NOT NULL DEFAULT 0;
UPDATE sync.unvalidated u SET source_hour = c.source_hour FROM sync.capture c
WHERE (c.connection, c.stream, c.source_day, c.capture_id) = (u.connection, u.stream, u.source_day, u.capture_id) AND c.source_hour <> 0;

CREATE OR REPLACE FUNCTION sync.note_captures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sync.unvalidated (connection, stream, source_day, capture_id, source_hour)
    SELECT connection, stream, source_day, capture_id, source_hour FROM added ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION sync.note_reopened() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    FOR part IN SELECT connection, stream, source_day, array_agg(capture_id) AS captures FROM removed GROUP BY 1, 2, 3 LOOP
        INSERT INTO sync.unvalidated (connection, stream, source_day, capture_id, source_hour)
        SELECT c.connection, c.stream, c.source_day, c.capture_id, c.source_hour FROM sync.capture c
        WHERE c.connection = part.connection AND c.stream = part.stream AND c.source_day = part.source_day AND c.capture_id = ANY(part.captures)
        ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN NULL;
END
$$;

-- Of a run's partition: null is the whole day.
ALTER TABLE sync.batch ADD COLUMN source_hour smallint;
ALTER TABLE sync.batch DROP CONSTRAINT batch_pkey;
CREATE UNIQUE INDEX batch_by_run ON sync.batch (run_id, connection, stream, step, source_day, source_hour) NULLS NOT DISTINCT;
ALTER TABLE sync.rerun ADD COLUMN source_hour smallint;

ALTER TABLE sync.connection ADD COLUMN grain text NOT NULL DEFAULT 'day' CHECK (grain IN ('day', 'hour'));
