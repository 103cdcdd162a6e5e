-- Messages of a system's queue whose event can't be read. They are taken off the queue, where they would come again for ever, and kept
-- here for the operator. Their content may be of any person, so forgetting one empties all bodies of the connection.
CREATE TABLE sync.unread_event (
    connection  text        NOT NULL,
    system      text        NOT NULL CHECK (system IN ('platform', 'oms')),
    message_id  text        NOT NULL, -- the queue's own
    problem     text        NOT NULL, -- without any of the content
    body        bytea       NOT NULL, -- exactly as it was received
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (connection, system, message_id)
);
CREATE INDEX unread_event_by_time ON sync.unread_event (received_at);
