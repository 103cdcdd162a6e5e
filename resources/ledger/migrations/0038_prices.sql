-- What the OMS asks for a SKU: one row per accepted version of a price.
CREATE TABLE sync.price (
    source_day  date           NOT NULL,
    capture_id  uuid           NOT NULL,
    connection  text           NOT NULL,
    sku         text           NOT NULL,
    price_list  text           NOT NULL, -- of the OMS; empty where it has one price for all
    currency    text           NOT NULL,
    regular     numeric(18, 4) NOT NULL,
    sale        numeric(18, 4),
    valid_from  timestamptz,
    valid_until timestamptz,
    PRIMARY KEY (connection, source_day, capture_id)
) PARTITION BY RANGE (source_day);

-- The newest accepted version of each price, and on what its last plan for the store was based: where the store's catalog, the policy or
-- the time differ from it, the price is due again although it did not change at the OMS.
CREATE TABLE sync.newest_price (
    connection text        NOT NULL,
    source_id  text        NOT NULL,
    sku_key    text        NOT NULL, -- the SKU without differences of case and blanks
    source_day date        NOT NULL,
    capture_id uuid        NOT NULL,
    target_key text        NOT NULL, -- of the place in the store that it belongs to; empty where it belongs to none now
    item       text        NOT NULL, -- the store's items of the SKU, as the last plan knew them
    changes_at timestamptz, -- when it begins or ends to be in force
    gone       boolean     NOT NULL DEFAULT false, -- the last complete read of the SKU had no such price
    PRIMARY KEY (connection, source_id)
);
CREATE INDEX newest_price_by_sku ON sync.newest_price (connection, sku_key);
CREATE INDEX newest_price_by_target ON sync.newest_price (connection, target_key);

-- On what all plans of a connection were based.
CREATE TABLE sync.price_basis (
    connection text PRIMARY KEY,
    policy     text NOT NULL -- digest of the settings that decide what the store shows
);
