-- What was asked of a target that answers later, such as the cancellation of an order, and its answer. The answer comes with another
-- stream, which records it here; what it means for the target state is applied by the stream that asked, under its own writer's lock.
CREATE TABLE sync.request (
    connection   text        NOT NULL,
    stream       text        NOT NULL, -- that asked
    source_id    text        NOT NULL,
    action       text        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('asked', 'accepted', 'rejected')),
    delivery_key uuid,                 -- null: the target did it by itself
    asked_at     timestamptz,
    answered_at  timestamptz,
    applied_at   timestamptz,
    PRIMARY KEY (connection, stream, source_id, action)
);
CREATE INDEX request_to_apply ON sync.request (connection, stream) WHERE answered_at IS NOT NULL AND applied_at IS NULL;

INSERT INTO sync.request (connection, stream, source_id, action, state, delivery_key, asked_at)
SELECT DISTINCT ON (connection, stream, source_id, action)
       connection, stream, source_id, action, 'asked', delivery_key, coalesce(settled_at, claimed_at)
FROM sync.delivery WHERE state = 'requested'
ORDER BY connection, stream, source_id, action, claimed_at DESC;
