-- The database that this ledger lives in. Another one, or another timeline of it, means that a backup was restored or that a
-- standby took over: effects may have happened that the ledger does not know.
CREATE TABLE sync.database_identity (
    is_present        boolean     PRIMARY KEY DEFAULT true CHECK (is_present),
    system_identifier text        NOT NULL,
    timeline          text        NOT NULL,
    recorded_at       timestamptz NOT NULL DEFAULT now()
);

-- Days of which the ledger may lack effects. While a connection has one, creations look at the target first; a reconciliation
-- of the day removes it.
CREATE TABLE sync.caution (
    connection text        NOT NULL,
    day        date        NOT NULL,
    why        text        NOT NULL,
    since      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection, day)
);
