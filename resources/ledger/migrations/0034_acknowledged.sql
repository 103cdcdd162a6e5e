-- An OMS may want to know which orders' shipments the store has. Orders of before this migration count as
-- acknowledged: they were handled without it.
ALTER TABLE sync.standing ADD COLUMN acknowledged_at timestamptz;
UPDATE sync.standing SET acknowledged_at = clock_timestamp();
CREATE INDEX standing_to_acknowledge ON sync.standing (connection) WHERE acknowledged_at IS NULL AND shipped > 0 AND awaiting = 0;
