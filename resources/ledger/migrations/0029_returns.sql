-- What shoppers send back, as the OMS has it: one row per line of an accepted version of a return. Quantities are in the OMS's unit.
CREATE TABLE sync.return_line (
    source_day      date           NOT NULL,
    capture_id      uuid           NOT NULL,
    connection      text           NOT NULL,
    return_id       text           NOT NULL,
    order_id        text           NOT NULL, -- at the OMS
    source_id       text           NOT NULL, -- the order's id at the store
    line_id         text           NOT NULL,
    order_line_id   text           NOT NULL,
    sku             text           NOT NULL,
    quantity        numeric(18, 4) NOT NULL,
    announced       numeric(18, 4) NOT NULL,
    received        numeric(18, 4) NOT NULL,
    confirmed       numeric(18, 4) NOT NULL,
    canceled        numeric(18, 4) NOT NULL,
    condition       text           NOT NULL,
    reason          text           NOT NULL,
    tracking_number text           NOT NULL,
    is_refunded     boolean        NOT NULL,
    version_at      timestamptz    NOT NULL,
    PRIMARY KEY (connection, source_day, capture_id, line_id)
) PARTITION BY RANGE (source_day);
CREATE INDEX return_line_by_return ON sync.return_line (connection, return_id);
CREATE INDEX return_line_by_order ON sync.return_line (connection, source_id);

-- Money that went back to shoppers: one row per refund that a payment service has made for a return, kept as long as its delivery.
CREATE TABLE sync.refund (
    delivery_key   uuid           PRIMARY KEY,
    connection     text           NOT NULL,
    return_id      text           NOT NULL,
    source_id      text           NOT NULL, -- the order's id at the store
    service        text           NOT NULL,
    refund_id      text           NOT NULL, -- at the payment service; empty where there was nothing to give back
    amount         numeric(18, 4) NOT NULL,
    currency       text           NOT NULL,
    units          jsonb          NOT NULL, -- the store's line id -> units
    is_found       boolean        NOT NULL, -- the service had it already: it was not asked for it again
    declined       text           NOT NULL, -- why the payment provider declined it; empty where it did not
    source_day     date           NOT NULL, -- of the version that asked for it
    capture_id     uuid           NOT NULL,
    correlation_id text           NOT NULL,
    run_id         text           NOT NULL,
    refunded_at    timestamptz    NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX refund_by_order ON sync.refund (connection, source_id);
CREATE INDEX refund_by_return ON sync.refund (connection, return_id);
