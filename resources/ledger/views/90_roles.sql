DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'lockstep_reader') THEN
        CREATE ROLE lockstep_reader NOLOGIN;
    END IF;
END
$$;
GRANT USAGE ON SCHEMA history TO lockstep_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA history TO lockstep_reader;
