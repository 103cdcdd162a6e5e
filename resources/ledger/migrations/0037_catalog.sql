-- What the store sells: the newest accepted version of each product, one row per variant. Ids are opaque.
CREATE TABLE sync.product_variant (
    connection        text        NOT NULL,
    product_id        text        NOT NULL,
    variant_id        text        NOT NULL, -- empty where the product itself is what is bought
    sku               text        NOT NULL, -- empty where it has none
    sku_key           text        NOT NULL, -- the SKU without differences of case and blanks
    name              text        NOT NULL,
    options           text        NOT NULL, -- that distinguish the variant
    is_group          boolean     NOT NULL, -- shoppers choose among variants
    is_digital        boolean     NOT NULL,
    brand             text        NOT NULL,
    categories        jsonb       NOT NULL,
    currency          text        NOT NULL, -- empty: the store's default
    price             numeric(18, 4),
    sale_price        numeric(18, 4),
    stock             integer,              -- as the catalog stated it when this version was read
    barcodes          jsonb       NOT NULL,
    attributes        jsonb       NOT NULL, -- by name in lower case, with the product's
    images            integer     NOT NULL, -- how many pictures the product has
    source_updated_at timestamptz NOT NULL,
    capture_id        uuid        NOT NULL,
    PRIMARY KEY (connection, product_id, variant_id)
);
CREATE INDEX product_variant_by_key ON sync.product_variant (connection, sku_key COLLATE "C");

-- Which of the store's products are known: the version that product_variant shows, also of one that is gone and has no rows there.
CREATE TABLE sync.product (
    connection        text        NOT NULL,
    product_id        text        NOT NULL,
    is_gone           boolean     NOT NULL,
    source_updated_at timestamptz NOT NULL,
    PRIMARY KEY (connection, product_id)
);

-- The last read of a whole catalog, and the last comparison of it with the item master of the OMS.
CREATE TABLE sync.alignment (
    connection text PRIMARY KEY,
    read_at    timestamptz,                        -- when the last whole read had its last page
    aligned_at timestamptz,
    counts     jsonb       NOT NULL DEFAULT '{}',  -- kind -> number of SKUs
    is_listed  boolean     NOT NULL DEFAULT false, -- the item master was read as a whole, so that what the store lacks is known
    run_id     text        NOT NULL DEFAULT ''
);

CREATE TABLE sync.alignment_finding (
    connection text   NOT NULL,
    place      bigint NOT NULL,
    kind       text   NOT NULL,
    sku        text   NOT NULL,
    product_id text   NOT NULL,
    variant_id text   NOT NULL,
    name       text   NOT NULL,
    detail     text   NOT NULL,
    PRIMARY KEY (connection, place)
);
CREATE INDEX alignment_finding_by_kind ON sync.alignment_finding (connection, kind, place);
CREATE INDEX item_by_key_order ON sync.item (connection, side, sku_key COLLATE "C");
