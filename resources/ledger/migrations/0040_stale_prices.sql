-- A price whose policy, item or period has changed since its plan, and that was not planned again since: its place says nothing.
ALTER TABLE sync.newest_price ADD COLUMN is_stale boolean NOT NULL DEFAULT false;
