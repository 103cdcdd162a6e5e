-- Analyzes the tables that have grown since they were made and were never analyzed: a month's first rows. Until then Postgres expects one row
-- of each connection, compares each row of one table with each of another, and looks rows up by an index that all rows of a stream share.
-- Later statistics are autovacuum's. Runs with the owner's rights on behalf of the writer; a table that is analyzed just now is left alone.
CREATE FUNCTION sync.analyze_new() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
    name text;
    number integer := 0;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'sync'::regnamespace AND c.relkind = 'r' AND c.reltuples < 0 AND pg_relation_size(c.oid) > 65536
    LOOP
        BEGIN
            EXECUTE format('ANALYZE sync.%I', name);
            number := number + 1;
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
    RETURN number;
END
$$;
