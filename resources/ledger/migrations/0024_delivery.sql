-- Deliveries of streams that report a state, such as stock, are many and soon of no use: they are kept by the month of their first claim,
-- and an old month is dropped as a whole. All others have the month 9999-12-31, which is never dropped: without them an order could be
-- sent twice. The month of a delivery never changes but to that one, so that its key stays unique.
ALTER TABLE sync.delivery RENAME TO delivery_kept;
ALTER TABLE sync.delivery_kept ADD COLUMN prune_month date NOT NULL DEFAULT '9999-12-31';
ALTER TABLE sync.delivery_kept DROP CONSTRAINT delivery_pkey;
ALTER TABLE sync.delivery_kept ADD CONSTRAINT delivery_kept_pkey PRIMARY KEY (delivery_key, prune_month);
-- What only deliveries of orders are looked up by stays an index of their table.
ALTER INDEX sync.delivery_by_source RENAME TO delivery_kept_by_source;
ALTER INDEX sync.delivery_unsettled RENAME TO delivery_kept_unsettled;
ALTER INDEX sync.delivery_may_act RENAME TO delivery_kept_may_act;

CREATE TABLE sync.delivery (LIKE sync.delivery_kept INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) PARTITION BY RANGE (prune_month);
ALTER TABLE sync.delivery ADD CONSTRAINT delivery_pkey PRIMARY KEY (delivery_key, prune_month);
CREATE INDEX delivery_by_source ON sync.delivery (connection, stream, source_id);
CREATE INDEX delivery_unsettled ON sync.delivery (connection, stream, source_id)
    WHERE state IN ('in_flight', 'failed') OR is_uncertain;
CREATE INDEX delivery_may_act ON sync.delivery (connection, stream, source_id) WHERE may_act_until IS NOT NULL;
ALTER TABLE sync.delivery ATTACH PARTITION sync.delivery_kept FOR VALUES FROM ('9999-12-31') TO (MAXVALUE);

-- The functions for months are about tables that are partitioned by the source's day.
CREATE OR REPLACE FUNCTION sync.monthly_tables() RETURNS text[] LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(c.relname::text ORDER BY c.relname), '{}')
    FROM pg_partitioned_table p
    JOIN pg_class c ON c.oid = p.partrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
    WHERE c.relnamespace = 'sync'::regnamespace AND p.partstrat = 'r' AND p.partnatts = 1 AND a.attname = 'source_day'
$$;

-- Makes the month's partition for deliveries that are claimed in it; returns the month.
CREATE FUNCTION sync.ensure_delivery_month(day date) RETURNS date
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first date := date_trunc('month', day)::date;
    name text := 'delivery_' || to_char(day, 'YYYY_MM');
BEGIN
    IF to_regclass(format('sync.%I', name)) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('lockstep.ensure_month'));
        IF to_regclass(format('sync.%I', name)) IS NULL THEN
            -- Attached, not made as a partition: that would wait for all who use the table, and they for it.
            EXECUTE format('CREATE TABLE sync.%I (LIKE sync.delivery INCLUDING ALL)', name);
            EXECUTE format('ALTER TABLE sync.delivery ATTACH PARTITION sync.%I FOR VALUES FROM (%L) TO (%L)',
                           name, first, (first + interval '1 month')::date);
        END IF;
    END IF;
    RETURN first;
END
$$;

-- Drops a month of deliveries that is over. What is open in it, or may have been sent or still take effect, is moved to those that are kept.
-- Returns how many were dropped, or null where there is no such month. Runs with the owner's rights, as sync.drop_month.
CREATE FUNCTION sync.drop_delivery_month(month date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    name text := 'delivery_' || to_char(month, 'YYYY_MM');
    beyond date := (date_trunc('month', month) + interval '1 month')::date;
    number bigint;
BEGIN
    IF beyond > current_date OR to_regclass(format('sync.%I', name)) IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('lockstep.ensure_month'));
    -- Nobody claims or settles one of them between the look and the drop.
    EXECUTE format('LOCK TABLE sync.%I IN ACCESS EXCLUSIVE MODE', name);
    UPDATE sync.delivery SET prune_month = '9999-12-31'
    WHERE prune_month = date_trunc('month', month)::date
      AND (state NOT IN ('delivered', 'refused', 'superseded') OR is_uncertain OR may_act_until > clock_timestamp());
    EXECUTE format('SELECT count(*) FROM sync.%I', name) INTO number;
    EXECUTE format('DROP TABLE sync.%I', name);
    INSERT INTO sync.retention_log (table_name, before, rows) VALUES ('delivery', beyond, number);
    RETURN number;
END
$$;

-- Stock was the only such stream so far.
SELECT sync.ensure_delivery_month(month) FROM (
    SELECT DISTINCT claimed_at::date - (extract(day FROM claimed_at::date)::int - 1) AS month FROM sync.delivery_kept WHERE stream = 'inventory') m;
UPDATE sync.delivery SET prune_month = claimed_at::date - (extract(day FROM claimed_at::date)::int - 1) WHERE stream = 'inventory';
