-- The channel or store of its platform that a connection serves (empty: all; null: the ledger is older than this column), and when that was narrowed:
-- orders that were sent before stay the connection's own until they are done.
ALTER TABLE sync.connection ADD COLUMN IF NOT EXISTS part text, ADD COLUMN IF NOT EXISTS narrowed_at timestamptz;
