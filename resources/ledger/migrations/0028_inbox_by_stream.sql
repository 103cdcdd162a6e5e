-- The stream customers reads the events of a span of time, whether they were taken or not.
CREATE INDEX inbox_by_stream ON sync.inbox (connection, stream, received_at);
