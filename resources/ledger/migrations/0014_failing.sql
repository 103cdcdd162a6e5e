-- Since when a stream's target as a whole fails, and its last error; cleared by the first success.
ALTER TABLE sync.watermark
    ADD COLUMN failing_since  timestamptz,
    ADD COLUMN delivery_error text NOT NULL DEFAULT ''; -- masked
