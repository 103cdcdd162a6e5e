-- A request that may have taken effect although no answer shows it: neither a failure for good, nor a retry, nor a
-- newer version ends that, only a look at the target or the same request once more.
ALTER TABLE sync.delivery ADD COLUMN is_uncertain boolean NOT NULL DEFAULT false;
-- Until when a request of this delivery may still take effect. What differs from it is not sent before.
ALTER TABLE sync.delivery ADD COLUMN may_act_until timestamptz;
UPDATE sync.delivery SET is_uncertain = true WHERE state IN ('in_flight', 'dead') OR (state = 'failed' AND attempts > 0);
DROP INDEX sync.delivery_unsettled;
CREATE INDEX delivery_unsettled ON sync.delivery (connection, stream, source_id)
    WHERE state IN ('in_flight', 'failed') OR is_uncertain;
CREATE INDEX delivery_may_act ON sync.delivery (connection, stream, source_id) WHERE may_act_until IS NOT NULL;
