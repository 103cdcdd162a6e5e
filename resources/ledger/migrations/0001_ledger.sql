-- The ledger: what was captured, what became of it, what was sent, and what the targets are known to hold.
-- Tables that grow with traffic are range-partitioned by the source's day, month by month (sync.ensure_month), for retention.

CREATE SCHEMA IF NOT EXISTS sync;
CREATE SCHEMA IF NOT EXISTS history;

-- One immutable version of one source record, exactly as it came. The payload is zstd; "external" keeps Postgres from compressing it again.
CREATE TABLE sync.capture (
    source_day        date        NOT NULL,
    capture_id        uuid        NOT NULL,
    connection        text        NOT NULL,
    stream            text        NOT NULL,
    source_id         text        NOT NULL,
    source_updated_at timestamptz NOT NULL,
    digest            bytea       NOT NULL,
    payload           bytea       NOT NULL,
    payload_bytes     integer     NOT NULL,
    correlation_id    text        NOT NULL,
    captured_at       timestamptz NOT NULL DEFAULT now(),
    run_id            text        NOT NULL,
    PRIMARY KEY (connection, stream, source_day, capture_id)
) PARTITION BY RANGE (source_day);
ALTER TABLE sync.capture ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX capture_by_source ON sync.capture (connection, stream, source_id, source_updated_at DESC);

-- The outcome of each capture. "outcome" is what delivery made of an accepted record; null means that it is still to be delivered.
CREATE TABLE sync.record (
    source_day        date        NOT NULL,
    capture_id        uuid        NOT NULL,
    connection        text        NOT NULL,
    stream            text        NOT NULL,
    source_id         text        NOT NULL,
    source_updated_at timestamptz NOT NULL,
    state             text        NOT NULL CHECK (state IN ('accepted', 'rejected', 'skipped', 'superseded')),
    rule              text        NOT NULL DEFAULT '',
    canonical         bytea,
    canonical_digest  bytea,
    warnings          jsonb,
    correlation_id    text        NOT NULL,
    validated_at      timestamptz NOT NULL DEFAULT now(),
    run_id            text        NOT NULL,
    outcome           text        CHECK (outcome IN ('delivered', 'unchanged', 'superseded', 'rejected')),
    settled_at        timestamptz,
    PRIMARY KEY (connection, stream, source_day, capture_id)
) PARTITION BY RANGE (source_day);
ALTER TABLE sync.record ALTER COLUMN canonical SET STORAGE EXTERNAL;
CREATE INDEX record_pending ON sync.record (connection, stream, source_day) WHERE state = 'accepted' AND outcome IS NULL;
CREATE INDEX record_by_source ON sync.record (connection, stream, source_id);

CREATE TABLE sync.order_header (
    source_day    date           NOT NULL,
    capture_id    uuid           NOT NULL,
    connection    text           NOT NULL,
    source_id     text           NOT NULL,
    order_id      text           NOT NULL,
    number        text           NOT NULL,
    channel       text           NOT NULL,
    cancelled     boolean        NOT NULL,
    ordered_at    timestamptz    NOT NULL,
    currency      text           NOT NULL,
    tax_included  boolean        NOT NULL,
    total         numeric(18, 4) NOT NULL,
    total_tax     numeric(18, 4) NOT NULL,
    line_count    integer        NOT NULL,
    units         numeric(18, 4) NOT NULL,
    is_guest      boolean        NOT NULL,
    ship_country  text           NOT NULL,
    PRIMARY KEY (connection, source_day, capture_id)
) PARTITION BY RANGE (source_day);

CREATE TABLE sync.order_line (
    source_day date           NOT NULL,
    capture_id uuid           NOT NULL,
    connection text           NOT NULL,
    source_id  text           NOT NULL,
    line_id    text           NOT NULL,
    group_id   text           NOT NULL,
    kind       text           NOT NULL,
    sku        text           NOT NULL,
    quantity   numeric(18, 4) NOT NULL,
    uom        text           NOT NULL,
    unit_price numeric(18, 4) NOT NULL,
    line_total numeric(18, 4) NOT NULL,
    discount   numeric(18, 4) NOT NULL,
    tax        numeric(18, 4) NOT NULL,
    PRIMARY KEY (connection, source_day, capture_id, line_id)
) PARTITION BY RANGE (source_day);

CREATE TABLE sync.stock_level (
    source_day  date           NOT NULL,
    capture_id  uuid           NOT NULL,
    connection  text           NOT NULL,
    sku         text           NOT NULL,
    node        text           NOT NULL,
    available   numeric(18, 4) NOT NULL,
    on_hand     numeric(18, 4),
    reserved    numeric(18, 4),
    expected    numeric(18, 4),
    expected_at timestamptz,
    infinite    boolean        NOT NULL,
    observed_at timestamptz    NOT NULL,
    PRIMARY KEY (connection, source_day, capture_id)
) PARTITION BY RANGE (source_day);

CREATE TABLE sync.fulfilment_event (
    source_day      date           NOT NULL,
    connection      text           NOT NULL,
    event_key       text           NOT NULL,
    capture_id      uuid           NOT NULL,
    order_id        text           NOT NULL,
    source_id       text           NOT NULL,
    line_id         text           NOT NULL,
    sku             text           NOT NULL,
    milestone       text           NOT NULL,
    quantity        numeric(18, 4) NOT NULL,
    parcel_id       text           NOT NULL,
    tracking_number text           NOT NULL,
    carrier         text           NOT NULL,
    occurred_at     timestamptz    NOT NULL,
    PRIMARY KEY (connection, source_day, event_key)
) PARTITION BY RANGE (source_day);
CREATE INDEX fulfilment_event_by_order ON sync.fulfilment_event (connection, source_id);

-- One row per HTTP exchange that changes a target.
CREATE TABLE sync.message_log (
    source_day     date        NOT NULL,
    at             timestamptz NOT NULL,
    connection     text        NOT NULL,
    stream         text        NOT NULL,
    system         text        NOT NULL,
    method         text        NOT NULL,
    endpoint       text        NOT NULL,
    status         integer     NOT NULL,
    milliseconds   real        NOT NULL,
    attempt        integer     NOT NULL,
    correlation_id text        NOT NULL,
    trace_id       text        NOT NULL,
    error          text        NOT NULL,
    run_id         text        NOT NULL
) PARTITION BY RANGE (source_day);
CREATE INDEX message_log_by_correlation ON sync.message_log (correlation_id);
CREATE INDEX message_log_by_time ON sync.message_log USING brin (at);

-- One intended effect on one target record. Not partitioned: its key must be unique over all time, else a retry could send twice.
CREATE TABLE sync.delivery (
    delivery_key   uuid        PRIMARY KEY,
    connection     text        NOT NULL,
    stream         text        NOT NULL,
    source_id      text        NOT NULL,
    action         text        NOT NULL,
    target_key     text        NOT NULL,
    source_day     date        NOT NULL,
    capture_id     uuid        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('in_flight', 'delivered', 'requested', 'refused', 'failed', 'dead', 'superseded')),
    attempts       integer     NOT NULL,
    target_id      text        NOT NULL DEFAULT '',
    trace_id       text        NOT NULL DEFAULT '',
    error          text        NOT NULL DEFAULT '',
    correlation_id text        NOT NULL,
    run_id         text        NOT NULL,
    claimed_at     timestamptz NOT NULL,
    settled_at     timestamptz
);
CREATE INDEX delivery_by_source ON sync.delivery (connection, stream, source_id);
CREATE INDEX delivery_unsettled ON sync.delivery (connection, stream) WHERE state IN ('in_flight', 'failed');

-- What a target is known to hold: makes changed-fields-only updates and stock deltas possible.
CREATE TABLE sync.target_state (
    connection        text        NOT NULL,
    stream            text        NOT NULL,
    target_key        text        NOT NULL,
    target_id         text        NOT NULL,
    content           bytea       NOT NULL,
    digest            bytea       NOT NULL,
    milestone         text        NOT NULL DEFAULT '',
    sequence          integer     NOT NULL,
    source_updated_at timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection, stream, target_key)
);
ALTER TABLE sync.target_state ALTER COLUMN content SET STORAGE EXTERNAL;

-- A record kept out of delivery. One open row per record and stage; "problems" holds every reason, the columns the first.
CREATE TABLE sync.rejection (
    rejection_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection     text        NOT NULL,
    stream         text        NOT NULL,
    stage          text        NOT NULL CHECK (stage IN ('captured', 'validated', 'delivered')),
    source_id      text        NOT NULL,
    source_day     date        NOT NULL,
    capture_id     uuid        NOT NULL,
    code           text        NOT NULL,
    field          text        NOT NULL,
    message        text        NOT NULL,
    advice         text        NOT NULL,
    value          text        NOT NULL,
    problems       jsonb       NOT NULL,
    correlation_id text        NOT NULL,
    state          text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'retried', 'resolved', 'discarded')),
    opened_at      timestamptz NOT NULL DEFAULT now(),
    seen_at        timestamptz NOT NULL DEFAULT now(),
    seen_count     integer     NOT NULL DEFAULT 1,
    closed_at      timestamptz,
    closed_by      text        NOT NULL DEFAULT '',
    closed_why     text        NOT NULL DEFAULT '',
    run_id         text        NOT NULL
);
CREATE UNIQUE INDEX rejection_open ON sync.rejection (connection, stream, source_id, stage) WHERE state IN ('open', 'retried');
CREATE INDEX rejection_by_day ON sync.rejection (connection, stream, source_day);

-- Up to which source time a stream has been captured, and when anything last happened in it.
CREATE TABLE sync.watermark (
    connection     text        NOT NULL,
    stream         text        NOT NULL,
    watermark      timestamptz,
    probed_at      timestamptz,
    change_seen_at timestamptz,
    captured_at    timestamptz,
    delivered_at   timestamptz,
    PRIMARY KEY (connection, stream)
);

-- One row per materialization: what a step did with a partition.
CREATE TABLE sync.batch (
    run_id       text        NOT NULL,
    connection   text        NOT NULL,
    stream       text        NOT NULL,
    step         text        NOT NULL,
    source_day   date        NOT NULL,
    trigger      text        NOT NULL,
    since        timestamptz,
    until        timestamptz,
    counts       jsonb       NOT NULL,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, connection, stream, step, source_day)
);
CREATE INDEX batch_by_day ON sync.batch (connection, stream, source_day);

-- The OMS's item master and the store's catalog, as far as they have been asked for.
CREATE TABLE sync.oms_item (
    connection text        NOT NULL,
    sku        text        NOT NULL,
    uom        text        NOT NULL,
    uoms       text[]      NOT NULL DEFAULT '{}', -- all units of the item; empty where the master does not tell
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (connection, sku)
);
CREATE TABLE sync.store_item (
    connection text        NOT NULL,
    sku        text        NOT NULL,
    product_id text        NOT NULL,
    variant_id text,
    tracking   text        NOT NULL,
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (connection, sku)
);

-- Permits of a remote API's quota in the present window, shared by all processes.
CREATE TABLE sync.quota (
    bucket    text        PRIMARY KEY,
    permits   integer     NOT NULL,
    resets_at timestamptz NOT NULL
);

CREATE FUNCTION sync.ensure_month(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first date := date_trunc('month', day)::date;
    beyond date := (date_trunc('month', day) + interval '1 month')::date;
    suffix text := to_char(day, 'YYYY_MM');
    parent text;
BEGIN
    IF to_regclass(format('sync.message_log_%s', suffix)) IS NOT NULL THEN
        RETURN;
    END IF;
    -- Two runs may meet the first record of a month at once.
    PERFORM pg_advisory_xact_lock(hashtext('lockstep.ensure_month'));
    FOREACH parent IN ARRAY ARRAY['capture', 'record', 'order_header', 'order_line', 'stock_level', 'fulfilment_event', 'message_log'] LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS sync.%I PARTITION OF sync.%I FOR VALUES FROM (%L) TO (%L)',
                       parent || '_' || suffix, parent, first, beyond);
    END LOOP;
END
$$;

-- Takes up to "wanted" permits of a bucket, opening a new window where the last one has ended; "seconds" until the window ends.
CREATE FUNCTION sync.take_permits(wanted_bucket text, wanted integer, quota integer, window_seconds double precision,
                                  OUT granted integer, OUT seconds double precision) LANGUAGE plpgsql AS $$
DECLARE
    found sync.quota%ROWTYPE;
BEGIN
    INSERT INTO sync.quota (bucket, permits, resets_at) VALUES (wanted_bucket, quota, clock_timestamp() + make_interval(secs => window_seconds))
    ON CONFLICT (bucket) DO NOTHING;
    SELECT * INTO found FROM sync.quota WHERE bucket = wanted_bucket FOR UPDATE;
    IF found.resets_at <= clock_timestamp() THEN
        found.permits := quota;
        found.resets_at := clock_timestamp() + make_interval(secs => window_seconds);
    END IF;
    granted := greatest(least(found.permits, wanted), 0);
    UPDATE sync.quota SET permits = found.permits - granted, resets_at = found.resets_at WHERE bucket = wanted_bucket;
    seconds := greatest(extract(epoch FROM found.resets_at - clock_timestamp()), 0);
END
$$;
