-- A stream that was paused before it was ever active, by a version that did not note when streams start (0049), was taken for one that has
-- sent its records for long once it was resumed: what the program before it had sent was not looked for, and old returns were paid back.
-- Where nothing was ever sent, it starts when it becomes active, as for a stream that is paused now.
UPDATE sync.activation a SET started_at = '9000-01-01 00:00+00'
WHERE a.started_at IS NULL AND NOT a.active
  AND NOT EXISTS (SELECT FROM sync.delivery d WHERE (d.connection, d.stream) = (a.connection, a.stream))
  AND NOT EXISTS (SELECT FROM sync.target_state t WHERE (t.connection, t.stream) = (a.connection, a.stream));
