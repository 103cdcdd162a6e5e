-- Turns of their own: of the stream, of its present read until that is captured, and of the reconciliation.
ALTER TABLE sync.price_turn ADD COLUMN purpose text NOT NULL DEFAULT 'stream';
ALTER TABLE sync.price_turn DROP CONSTRAINT price_turn_pkey;
ALTER TABLE sync.price_turn ADD PRIMARY KEY (connection, purpose);
