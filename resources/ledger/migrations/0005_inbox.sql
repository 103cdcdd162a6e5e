-- Webhooks: thin events, each a hint that a source has changed. The lane's sensor looks here first; an event is taken once the change that it
-- tells of must have been captured, never when a run was only asked for. Rows that were taken can be deleted at any time after two days, for
-- which senders repeat an event: the unique key is what recognises a repetition.
CREATE TABLE sync.inbox (
    inbox_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection  text        NOT NULL,
    system      text        NOT NULL CHECK (system IN ('platform', 'oms')),
    event_id    text        NOT NULL, -- the sender's message id, else a digest of what it signed
    stream      text        NOT NULL,
    source_id   text        NOT NULL,
    scope       text        NOT NULL, -- the sender's own name of the kind of event
    occurred_at timestamptz,          -- by the sender's clock
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    taken_at    timestamptz,
    UNIQUE (connection, system, event_id)
);
CREATE INDEX inbox_waiting ON sync.inbox (connection, stream, received_at) WHERE taken_at IS NULL;
CREATE INDEX inbox_by_time ON sync.inbox USING brin (received_at);
