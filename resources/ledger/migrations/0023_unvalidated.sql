-- The captures that have no outcome yet. To find them by comparing all captures with all records took as long as the ledger is large,
-- and minutes in a month's first seconds, when its tables have no statistics. Kept by triggers, so that no writer can forget it.
CREATE TABLE sync.unvalidated (
    connection text NOT NULL,
    stream     text NOT NULL,
    source_day date NOT NULL,
    capture_id uuid NOT NULL,
    PRIMARY KEY (connection, stream, source_day, capture_id)
);

CREATE FUNCTION sync.note_captures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sync.unvalidated SELECT connection, stream, source_day, capture_id FROM added ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_captures AFTER INSERT ON sync.capture
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION sync.note_captures();

-- By an array per partition, which is read by the key whatever the statistics say.
CREATE FUNCTION sync.note_records() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    FOR part IN SELECT connection, stream, source_day, array_agg(capture_id) AS captures FROM added GROUP BY 1, 2, 3 LOOP
        DELETE FROM sync.unvalidated u
        WHERE u.connection = part.connection AND u.stream = part.stream AND u.source_day = part.source_day AND u.capture_id = ANY(part.captures);
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_records AFTER INSERT ON sync.record
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION sync.note_records();

-- A record whose outcome is taken back is validated once more, as long as its capture is kept.
CREATE FUNCTION sync.note_reopened() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    FOR part IN SELECT connection, stream, source_day, array_agg(capture_id) AS captures FROM removed GROUP BY 1, 2, 3 LOOP
        INSERT INTO sync.unvalidated SELECT c.connection, c.stream, c.source_day, c.capture_id FROM sync.capture c
        WHERE c.connection = part.connection AND c.stream = part.stream AND c.source_day = part.source_day AND c.capture_id = ANY(part.captures)
        ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_reopened AFTER DELETE ON sync.record
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION sync.note_reopened();

INSERT INTO sync.unvalidated SELECT c.connection, c.stream, c.source_day, c.capture_id FROM sync.capture c WHERE NOT EXISTS (
    SELECT FROM sync.record r WHERE (r.connection, r.stream, r.source_day, r.capture_id) = (c.connection, c.stream, c.source_day, c.capture_id));
