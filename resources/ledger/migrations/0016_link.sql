-- Which record of the store and which record of the OMS are the same thing. The ids are opaque: neither follows from the other. A link is
-- made before the OMS's record is created, so that it alone does not state that the record exists there.
CREATE TABLE sync.link (
    connection   text        NOT NULL,
    entity       text        NOT NULL, -- what is linked: order
    store_id     text        NOT NULL,
    store_number text        NOT NULL, -- as operators of the store see it
    organisation text        NOT NULL, -- the OMS's, as in sync.connection
    oms_id       text        NOT NULL,
    oms_key      text        NOT NULL, -- oms_id in the form in which the OMS compares ids
    oms_number   text        NOT NULL,
    linked_at    timestamptz NOT NULL DEFAULT now(),
    linked_by    text        NOT NULL, -- the run
    PRIMARY KEY (connection, entity, store_id)
);
-- A record of the OMS has one owner, whichever connections write to its organisation.
CREATE UNIQUE INDEX link_owner ON sync.link (organisation, entity, oms_key);
CREATE INDEX link_by_oms ON sync.link (connection, entity, oms_id);

-- Of the OMS: which organisation it is, and whether two ids that differ by case only may be one record there.
ALTER TABLE sync.connection
    ADD COLUMN organisation    text    NOT NULL DEFAULT '',
    ADD COLUMN ids_ignore_case boolean NOT NULL DEFAULT false;
-- The configuration, which is read after the migration, replaces this placeholder here and in the links.
UPDATE sync.connection SET organisation = 'connection ' || connection;

-- An OMS order without a link is looked for among the accepted orders.
CREATE INDEX order_header_by_order ON sync.order_header (connection, order_id);

-- Until now an order's id at the OMS was the connection's prefix and the store's id.
WITH header AS (
    SELECT DISTINCT ON (h.connection, h.source_id) h.connection, h.source_id, h.order_id, h.number
    FROM sync.order_header h
    JOIN sync.record r ON (r.connection, r.stream, r.source_day, r.capture_id) = (h.connection, 'orders', h.source_day, h.capture_id)
    ORDER BY h.connection, h.source_id, r.source_updated_at DESC
), known AS (
    SELECT connection, target_key AS store_id, nullif(target_id, '') AS oms_id, 1 AS place FROM sync.target_state WHERE stream = 'orders'
    UNION ALL
    SELECT DISTINCT connection, source_id, NULL, 2 FROM sync.delivery WHERE stream = 'orders'
    UNION ALL
    SELECT connection, source_id, order_id, 3 FROM sync.standing
    UNION ALL
    SELECT DISTINCT connection, source_id, order_id, 4 FROM sync.fulfilment_event
    UNION ALL
    SELECT connection, target_key, NULL, 5 FROM sync.target_state WHERE stream = 'shipments'
), best AS (
    SELECT DISTINCT ON (k.connection, k.store_id) k.connection, k.store_id, k.place, coalesce(h.number, k.store_id) AS number,
           coalesce(k.oms_id, h.order_id, concat(c.order_id_prefix, k.store_id)) AS oms_id,
           coalesce(c.organisation, 'connection ' || k.connection) AS organisation
    FROM known k
    LEFT JOIN header h ON (h.connection, h.source_id) = (k.connection, k.store_id)
    LEFT JOIN sync.connection c ON c.connection = k.connection
    ORDER BY k.connection, k.store_id, k.oms_id IS NULL, k.place
)
INSERT INTO sync.link (connection, entity, store_id, store_number, organisation, oms_id, oms_key, oms_number, linked_by)
SELECT connection, 'order', store_id, number, organisation, oms_id, oms_id, oms_id, 'migration' FROM best ORDER BY place
ON CONFLICT DO NOTHING;
