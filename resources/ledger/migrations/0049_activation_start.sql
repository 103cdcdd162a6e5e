-- When a stream first became active: orders placed before may have been sent to the OMS by the program that Lockstep replaces.
-- Empty where the stream was active before this column: it has sent its orders itself for long.
ALTER TABLE sync.activation ADD COLUMN IF NOT EXISTS started_at timestamptz;
