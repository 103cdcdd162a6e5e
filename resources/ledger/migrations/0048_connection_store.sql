-- The store whose records the connection has: another one's may have the same ids. Empty where the
-- ledger is older than this column.
ALTER TABLE sync.connection ADD COLUMN store text NOT NULL DEFAULT '';
