-- What watching needs beside the ledger itself: probes that failed, where released units stand, and indexes for the clocks.

ALTER TABLE sync.watermark
    ADD COLUMN probe_failed_at timestamptz,
    ADD COLUMN probe_error     text    NOT NULL DEFAULT '',  -- of the last probe that failed; masked
    ADD COLUMN probe_failures  integer NOT NULL DEFAULT 0;   -- in a row; 0 since the last probe that worked

-- Where the units of an order stand at the OMS by its newest accepted version. Fulfilment events are facts that are kept once, so the
-- present state can't be read from them; one small row an order, replaced by each newer version.
CREATE TABLE sync.standing (
    connection     text           NOT NULL,
    source_id      text           NOT NULL,  -- the order's id at the store
    order_id       text           NOT NULL,  -- the order's id at the OMS
    awaiting       numeric(18, 4) NOT NULL,  -- units that are released, and neither shipped nor canceled
    awaiting_since timestamptz,              -- since when there has been such a unit without a break, by the OMS's clock
    shipped        numeric(18, 4) NOT NULL,  -- units that have left
    correlation_id text           NOT NULL,
    updated_at     timestamptz    NOT NULL,
    PRIMARY KEY (connection, source_id)
);
CREATE INDEX standing_awaiting ON sync.standing (connection) WHERE awaiting > 0;

-- With the record's id, or each of ten thousand waiting records would look through all failed deliveries of its stream.
DROP INDEX sync.delivery_unsettled;
CREATE INDEX delivery_unsettled ON sync.delivery (connection, stream, source_id) WHERE state IN ('in_flight', 'failed');
CREATE INDEX delivery_created ON sync.delivery (connection, settled_at) WHERE stream = 'orders' AND action = 'create' AND state = 'delivered';
