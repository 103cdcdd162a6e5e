-- A message of a queue that can't be read is discarded once its cause is known: by whom and why stays with it.
ALTER TABLE sync.unread_event
    ADD COLUMN discarded_at timestamptz,
    ADD COLUMN discarded_by text NOT NULL DEFAULT '',
    ADD COLUMN discarded_why text NOT NULL DEFAULT '';
