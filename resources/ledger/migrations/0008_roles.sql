-- Least privilege. The roles themselves and their grants are renewed by each migration run (views/90_roles.sql), so that they cover what
-- later migrations add. What needs the owner's rights while Lockstep runs is a function with checks of its own, made here.

-- Makes the month's partitions of every table that is partitioned by a day. A partition may be missing alone: retention drops them one by
-- one, and a rerun of an old day needs it again.
CREATE OR REPLACE FUNCTION sync.ensure_month(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first date := date_trunc('month', day)::date;
    beyond date := (date_trunc('month', day) + interval '1 month')::date;
    suffix text := to_char(day, 'YYYY_MM');
    parents text[] := sync.monthly_tables();
    parent text;
BEGIN
    IF (SELECT count(*) FROM unnest(parents) p WHERE to_regclass(format('sync.%I', p || '_' || suffix)) IS NOT NULL) = cardinality(parents) THEN
        RETURN;
    END IF;
    -- Two runs may meet the first record of a month at once.
    PERFORM pg_advisory_xact_lock(hashtext('lockstep.ensure_month'));
    FOREACH parent IN ARRAY parents LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS sync.%I PARTITION OF sync.%I FOR VALUES FROM (%L) TO (%L)',
                       parent || '_' || suffix, parent, first, beyond);
    END LOOP;
END
$$;

-- The tables that are partitioned by a day, month by month.
CREATE FUNCTION sync.monthly_tables() RETURNS text[] LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(c.relname::text ORDER BY c.relname), '{}')
    FROM pg_partitioned_table p
    JOIN pg_class c ON c.oid = p.partrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
    WHERE c.relnamespace = 'sync'::regnamespace AND p.partstrat = 'r' AND p.partnatts = 1 AND a.atttypid = 'date'::regtype
$$;
