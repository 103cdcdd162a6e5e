-- The newest accepted level of each SKU and node, and on what its last plan for the store was based: where the store's catalog, the
-- orders under way or the policy differ from it, the level is due again although it did not change at the OMS.
CREATE TABLE sync.newest_level (
    connection  text    NOT NULL,
    source_id   text    NOT NULL,
    sku_key     text    NOT NULL, -- the SKU without differences of case and blanks
    source_day  date    NOT NULL,
    capture_id  uuid    NOT NULL,
    content     bytea   NOT NULL, -- the canonical level
    item        text    NOT NULL, -- the store's items of the SKU, as the last plan knew them
    undelivered integer NOT NULL, -- units of orders that the OMS did not have yet, as the last plan took them off
    gone        boolean NOT NULL DEFAULT false, -- the last complete read of the SKU had no such row
    PRIMARY KEY (connection, source_id)
);
CREATE INDEX newest_level_by_sku ON sync.newest_level (connection, sku_key);

-- On what all plans of a connection were based. A connection without a row is planned anew as a whole.
CREATE TABLE sync.stock_basis (
    connection text        PRIMARY KEY,
    policy     text        NOT NULL, -- digest of the settings that decide what the store shows
    locations  text        NOT NULL DEFAULT '', -- digest of the store's locations
    read_at    timestamptz -- when the last complete read of stock started
);

ALTER TABLE sync.store_item
    ADD COLUMN sku_key   text    NOT NULL DEFAULT '',
    ADD COLUMN is_shared boolean NOT NULL DEFAULT false, -- other SKUs depend on the same tracking
    ADD COLUMN level     integer; -- of the default location, as the catalog stated it when it was last compared
UPDATE sync.store_item SET sku_key = lower(regexp_replace(btrim(sku), '\s+', ' ', 'g'));
CREATE INDEX store_item_by_key ON sync.store_item (connection, sku_key);

-- Which orders arrived after the last read of stock: few of the newest rows, which lie together.
CREATE INDEX delivery_by_settling ON sync.delivery USING brin (settled_at) WITH (pages_per_range = 32);
