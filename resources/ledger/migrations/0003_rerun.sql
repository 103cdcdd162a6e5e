-- Reruns that somebody asked for, until the sensor has turned them into runs: by an operator, a changed configuration, or a reconciliation.
CREATE TABLE sync.rerun (
    rerun_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection text        NOT NULL,
    stream     text        NOT NULL,
    source_day date        NOT NULL,
    source_ids text[],     -- null: the whole partition
    mode       text        NOT NULL CHECK (mode IN ('as_captured', 're_read')),
    force      boolean     NOT NULL DEFAULT false,
    asked_by   text        NOT NULL,
    why        text        NOT NULL,
    asked_at   timestamptz NOT NULL DEFAULT now(),
    taken_at   timestamptz,
    run_key    text        NOT NULL DEFAULT ''
);
CREATE INDEX rerun_waiting ON sync.rerun (connection, stream, source_day) WHERE taken_at IS NULL;
