-- Drifts that reconciliations found: one open row for each; seen again it is updated, and it closes when it is found no more.
CREATE TABLE sync.drift (
    drift_id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection     text        NOT NULL,
    class          text        NOT NULL CHECK (class IN ('missing_at_target', 'missing_at_source', 'differs', 'stuck', 'duplicate')),
    entity         text        NOT NULL CHECK (entity IN ('order', 'line', 'shipment', 'status', 'stock')),
    record         text        NOT NULL, -- the order, order/line, order/shipment or SKU@location that drifted
    field          text        NOT NULL, -- empty: the record as a whole
    stream         text        NOT NULL,
    source_id      text        NOT NULL, -- the record of the stream that stands for it
    source_day     date,
    expected       text        NOT NULL, -- never personal: of such a field only the names of its parts
    found          text        NOT NULL,
    since          timestamptz NOT NULL,
    correlation_id text        NOT NULL,
    owner          text        NOT NULL,
    advice         text        NOT NULL,
    can_heal       boolean     NOT NULL,
    state          text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'healing', 'closed')),
    opened_at      timestamptz NOT NULL DEFAULT now(),
    seen_at        timestamptz NOT NULL DEFAULT now(),
    seen_count     integer     NOT NULL DEFAULT 1,
    healing_since  timestamptz,
    healed_by      text        NOT NULL DEFAULT '',
    closed_at      timestamptz,
    closed_why     text        NOT NULL DEFAULT '',
    run_id         text        NOT NULL
);
CREATE UNIQUE INDEX drift_open ON sync.drift (connection, entity, record, field, class) WHERE state IN ('open', 'healing');
CREATE INDEX drift_by_source ON sync.drift (connection, stream, source_id);
