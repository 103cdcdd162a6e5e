-- Least privilege, renewed by each migration run: three roles without login, granted to users.
--   lockstep_owner   owns the schemas sync and history, and migrates them
--   lockstep_writer  what the daemon and runs need: rows of the ledger, and its functions
--   lockstep_reader  the schema history, and nothing else
-- Where the roles are missing and may not be created, nothing is granted, and
-- resources/ledger/database/roles.py states what to do.
DO $$
DECLARE
    wanted constant text[] := ARRAY['lockstep_owner', 'lockstep_writer', 'lockstep_reader'];
    -- Audit: the running service adds rows to these, and can't change or remove one. Erasing a person's
    -- data takes the owner.
    append_only constant text[] := ARRAY['capture', 'message_log', 'forgotten', 'forgotten_record', 'retention_log'];
    is_super boolean := (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
    may_create boolean := (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user);
    acting constant text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
    is_owner boolean;
    role text;
    thing record;
BEGIN
    FOREACH role IN ARRAY wanted LOOP
        IF may_create AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of this server was migrated at the same moment
            END;
        END IF;
    END LOOP;
    IF (SELECT count(*) FROM pg_roles WHERE rolname = ANY(wanted)) < cardinality(wanted) THEN
        RETURN;
    END IF;

    -- Ownership goes to lockstep_owner where the migrating user may transfer it; else that user owns the
    -- ledger, and only the grants are made. From PostgreSQL 16 on, the creator of a role is its member, but
    -- can neither act as it nor transfer objects to it until it is granted.
    is_owner := is_super OR pg_has_role(current_user, 'lockstep_owner', 'USAGE')
                            AND pg_has_role(current_user, 'lockstep_owner', acting);
    IF NOT is_owner THEN
        BEGIN
            EXECUTE format('GRANT lockstep_owner TO %I', current_user);
            is_owner := true;
        EXCEPTION WHEN insufficient_privilege THEN
            NULL;
        END;
    END IF;
    BEGIN
        EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO lockstep_owner', current_database());
        GRANT USAGE, CREATE ON SCHEMA public TO lockstep_owner;
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
    IF is_owner AND has_database_privilege('lockstep_owner', current_database(), 'CREATE') THEN
        FOR thing IN SELECT nspname FROM pg_namespace WHERE nspname IN ('sync', 'history') AND pg_get_userbyid(nspowner) <> 'lockstep_owner' LOOP
            EXECUTE format('ALTER SCHEMA %I OWNER TO lockstep_owner', thing.nspname);
        END LOOP;
        FOR thing IN
            SELECT c.oid::regclass AS name, CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind
            FROM pg_class c
            WHERE c.relkind IN ('r', 'p', 'v', 'm') AND pg_get_userbyid(c.relowner) <> 'lockstep_owner'
              AND (c.relnamespace IN ('sync'::regnamespace, 'history'::regnamespace) OR c.oid = 'public.lockstep_migration'::regclass)
        LOOP
            EXECUTE format('ALTER %s %s OWNER TO lockstep_owner', thing.kind, thing.name);
        END LOOP;
        FOR thing IN
            SELECT p.oid::regprocedure AS name FROM pg_proc p
            WHERE p.pronamespace IN ('sync'::regnamespace, 'history'::regnamespace) AND pg_get_userbyid(p.proowner) <> 'lockstep_owner'
        LOOP
            EXECUTE format('ALTER ROUTINE %s OWNER TO lockstep_owner', thing.name);
        END LOOP;
    END IF;

    -- The writer. No default privileges: they would apply to each month's partition too, past the parent's
    -- grants. Later tables get theirs here, by the migration run that adds them.
    GRANT USAGE ON SCHEMA sync, history TO lockstep_writer;
    FOR thing IN
        SELECT c.oid::regclass AS name, c.relname::text = ANY(append_only) AS is_append_only FROM pg_class c
        WHERE c.relnamespace = 'sync'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
    LOOP
        EXECUTE format('REVOKE ALL ON TABLE %s FROM lockstep_writer, lockstep_reader, PUBLIC', thing.name);
        EXECUTE format('GRANT SELECT, INSERT%s ON TABLE %s TO lockstep_writer',
                       CASE WHEN thing.is_append_only THEN '' ELSE ', UPDATE, DELETE' END, thing.name);
    END LOOP;
    FOR thing IN SELECT p.oid::regprocedure AS name, p.prosecdef FROM pg_proc p WHERE p.pronamespace = 'sync'::regnamespace LOOP
        IF thing.prosecdef THEN -- its callers act as the owner
            EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', thing.name);
        END IF;
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO lockstep_writer', thing.name);
    END LOOP;
    GRANT SELECT ON public.lockstep_migration TO lockstep_writer;

    -- The readers of the history.
    GRANT USAGE ON SCHEMA history TO lockstep_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA history TO lockstep_reader, lockstep_writer;

    -- Dagster's storage: 'lockstep migrate' creates its tables in public, and the writer uses their rows.
    BEGIN
        GRANT USAGE ON SCHEMA public TO lockstep_writer;
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO lockstep_writer', current_database());
    EXCEPTION WHEN insufficient_privilege THEN
        NULL; -- every role has both by default
    END;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO lockstep_writer;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO lockstep_writer;
    FOR thing IN
        SELECT c.oid::regclass AS name, c.relkind FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'S') AND c.relname <> 'lockstep_migration'
          AND (is_super OR pg_has_role(current_user, c.relowner, 'MEMBER'))
    LOOP
        EXECUTE CASE thing.relkind WHEN 'S' THEN format('GRANT USAGE, SELECT, UPDATE ON SEQUENCE %s TO lockstep_writer', thing.name)
                ELSE format('GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %s TO lockstep_writer', thing.name) END;
    END LOOP;
END
$$;
