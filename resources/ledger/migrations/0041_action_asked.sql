-- By what a request is recognised whose id comes again: a digest of what it asks for. Null: not known, or forgotten.
ALTER TABLE sync.action_outcome ADD COLUMN asked bytea;
