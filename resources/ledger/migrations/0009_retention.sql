-- What the ledger no longer keeps: months and rows past their retention, and people who asked to be forgotten.

-- What retention removed, and how much of it.
CREATE TABLE sync.retention_log (
    at         timestamptz NOT NULL DEFAULT now(),
    table_name text        NOT NULL,
    before     date        NOT NULL, -- everything of the table's month, or of the time before this day
    rows       bigint      NOT NULL,
    who        text        NOT NULL DEFAULT session_user
);

-- One row for each time that somebody was forgotten. The subject is not in it: its digest proves on demand that this person was meant.
CREATE TABLE sync.forgotten (
    forgotten_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection   text        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('email', 'customer_id')),
    salt         bytea       NOT NULL,
    digest       bytea       NOT NULL, -- scrypt of the subject
    counts       jsonb       NOT NULL,
    who          text        NOT NULL,
    at           timestamptz NOT NULL DEFAULT now()
);

-- Their records: a version that is captured later is stored without the person, is skipped by the rule "forgotten", and nothing is sent.
CREATE TABLE sync.forgotten_record (
    connection   text   NOT NULL,
    stream       text   NOT NULL,
    source_id    text   NOT NULL,
    forgotten_id bigint NOT NULL REFERENCES sync.forgotten,
    PRIMARY KEY (connection, stream, source_id)
);

-- Why a month of a table must be kept; empty where nothing in it is open.
CREATE FUNCTION sync.why_kept(parent text, month date) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    beyond date := (date_trunc('month', month) + interval '1 month')::date;
BEGIN
    IF parent <> ALL (sync.monthly_tables()) THEN
        RAISE EXCEPTION 'sync.% has no months', parent;
    ELSIF beyond > current_date THEN
        RETURN 'the month is not over';
    ELSIF parent = 'message_log' THEN
        RETURN '';
    ELSIF parent <> 'capture' AND to_regclass(format('sync.%I', 'capture_' || to_char(first, 'YYYY_MM'))) IS NOT NULL THEN
        RETURN 'its captures are still kept';
    ELSIF EXISTS (SELECT FROM sync.record r WHERE r.source_day >= first AND r.source_day < beyond AND r.state = 'accepted' AND r.outcome IS NULL) THEN
        RETURN 'a record is still to be delivered';
    ELSIF EXISTS (SELECT FROM sync.capture c WHERE c.source_day >= first AND c.source_day < beyond AND NOT EXISTS (
            SELECT FROM sync.record r WHERE (r.connection, r.stream, r.source_day, r.capture_id) = (c.connection, c.stream, c.source_day, c.capture_id))) THEN
        RETURN 'a capture is still to be validated';
    ELSIF EXISTS (SELECT FROM sync.rejection x WHERE x.source_day >= first AND x.source_day < beyond AND x.state IN ('open', 'retried')) THEN
        RETURN 'a rejection is open';
    ELSIF EXISTS (SELECT FROM sync.delivery d WHERE d.source_day >= first AND d.source_day < beyond AND d.state IN ('in_flight', 'failed', 'requested')) THEN
        RETURN 'a delivery is not settled';
    ELSIF EXISTS (SELECT FROM sync.rerun q WHERE q.source_day >= first AND q.source_day < beyond AND q.outcome = '') THEN
        RETURN 'a rerun was asked for';
    ELSIF EXISTS (SELECT FROM sync.standing s JOIN sync.order_header h USING (connection, source_id)
                  WHERE h.source_day >= first AND h.source_day < beyond AND s.awaiting > 0) THEN
        RETURN 'an order is still to be shipped';
    END IF;
    RETURN '';
END
$$;

-- Drops one month of a table, unless something in it is open; returns its rows, or null where it was kept or is not there. Runs with the
-- owner's rights on behalf of the writer, who may not drop anything else.
CREATE FUNCTION sync.drop_month(parent text, month date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    name text := parent || '_' || to_char(month, 'YYYY_MM');
    beyond date := (date_trunc('month', month) + interval '1 month')::date;
    number bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('lockstep.ensure_month'));
    IF parent <> ALL (sync.monthly_tables()) OR to_regclass(format('sync.%I', name)) IS NULL THEN
        RETURN NULL;
    END IF;
    -- Nobody adds to the month between the look and the drop.
    EXECUTE format('LOCK TABLE sync.%I IN ACCESS EXCLUSIVE MODE', name);
    IF sync.why_kept(parent, month) <> '' THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT count(*) FROM sync.%I', name) INTO number;
    IF parent = 'capture' THEN
        DELETE FROM sync.edit WHERE source_day >= date_trunc('month', month)::date AND source_day < beyond;
    END IF;
    EXECUTE format('DROP TABLE sync.%I', name);
    INSERT INTO sync.retention_log (table_name, before, rows) VALUES (parent, beyond, number);
    RETURN number;
END
$$;
