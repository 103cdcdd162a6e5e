-- What service agents have asked for: one row per accepted request (domain.records.actions).
CREATE TABLE sync.action (
    source_day     date           NOT NULL,
    capture_id     uuid           NOT NULL,
    connection     text           NOT NULL,
    action_id      text           NOT NULL,
    source_id      text           NOT NULL, -- the order's id at the store
    kind           text           NOT NULL,
    line_id        text           NOT NULL, -- empty: the whole order
    quantity       numeric(18, 4),          -- in the store's unit; null: all of the line
    hold           text           NOT NULL,
    node           text           NOT NULL,
    has_address    boolean        NOT NULL, -- the address itself is in the record
    permission_set text           NOT NULL,
    requested_by   text           NOT NULL,
    requested_at   timestamptz    NOT NULL,
    PRIMARY KEY (connection, source_day, capture_id)
) PARTITION BY RANGE (source_day);
CREATE INDEX action_by_order ON sync.action (connection, source_id);
CREATE INDEX action_by_id ON sync.action (connection, action_id);

-- What became of each request, kept as long as what it has changed of its order (sync.target_state of the stream actions).
CREATE TABLE sync.action_outcome (
    connection  text        NOT NULL,
    action_id   text        NOT NULL,
    source_id   text        NOT NULL, -- the order's id at the store
    state       text        NOT NULL CHECK (state IN ('waiting', 'requested', 'done', 'partly', 'refused', 'failed', 'invalid')),
    code        text        NOT NULL DEFAULT '', -- why it was refused
    reason      text        NOT NULL DEFAULT '',
    run_id      text        NOT NULL,
    decided_at  timestamptz NOT NULL DEFAULT clock_timestamp(), -- of this state
    asked_at    timestamptz, -- when the OMS took it as a request that it answers later
    answered_at timestamptz, -- when that answer was noted
    reported_at timestamptz, -- when its agent was shown this state; null: not yet
    PRIMARY KEY (connection, action_id)
);
CREATE INDEX action_outcome_by_order ON sync.action_outcome (connection, source_id);
CREATE INDEX action_outcome_to_report ON sync.action_outcome (connection) WHERE reported_at IS NULL;
