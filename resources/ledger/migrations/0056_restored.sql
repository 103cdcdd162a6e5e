-- When the ledger was restored last: what it did not know as sent by then may be at the OMS, also once its days are reconciled.
ALTER TABLE sync.database_identity ADD COLUMN IF NOT EXISTS restored_at timestamptz; -- null: never
