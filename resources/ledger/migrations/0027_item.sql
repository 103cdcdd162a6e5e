-- Items of both systems in one table: what the OMS's item master and the store's catalog had when they were last read. Ids are opaque; a SKU
-- is spelled as its system spells it.
CREATE TABLE sync.item (
    connection text        NOT NULL,
    side       text        NOT NULL CHECK (side IN ('store', 'oms')),
    sku        text        NOT NULL,
    sku_key    text        NOT NULL, -- the SKU without differences of case and blanks
    item_id    text,                 -- the system's own id of the item; null where it has none of its own, or goes by the SKU
    checked_at timestamptz NOT NULL, -- when the system had it
    parent_id  text,                 -- store: its id of the product that the item belongs to, with which the tracking is set
    tracking   text,                 -- store: at which level it counts the item's stock
    is_shared  boolean,              -- store: other SKUs depend on the same tracking
    level      integer,              -- store: of the default location, as the catalog stated it when it was last compared
    uom        text,                 -- OMS: the item's unit
    uoms       text[],               -- OMS: all units of the item; empty where the item master does not state them
    PRIMARY KEY (connection, side, sku),
    CONSTRAINT item_of_store CHECK (side <> 'store' OR (parent_id IS NOT NULL AND tracking IS NOT NULL AND is_shared IS NOT NULL
                                                        AND uom IS NULL AND uoms IS NULL)),
    CONSTRAINT item_of_oms CHECK (side <> 'oms' OR (uom IS NOT NULL AND uoms IS NOT NULL AND parent_id IS NULL AND tracking IS NULL
                                                    AND is_shared IS NULL AND level IS NULL))
);
CREATE INDEX item_by_key ON sync.item (connection, side, sku_key);

INSERT INTO sync.item (connection, side, sku, sku_key, item_id, checked_at, parent_id, tracking, is_shared, level)
SELECT connection, 'store', sku, sku_key, variant_id, checked_at, product_id, tracking, is_shared, level FROM sync.store_item;
INSERT INTO sync.item (connection, side, sku, sku_key, checked_at, uom, uoms)
SELECT connection, 'oms', sku, lower(regexp_replace(btrim(sku), '\s+', ' ', 'g')), checked_at, uom, uoms FROM sync.oms_item;
DROP TABLE sync.store_item, sync.oms_item;

-- For runs of an earlier version that still go on: what they look up and change is in the one table. When such a run reads a catalog or the
-- item master anew, it fails with an error, before it has sent anything, and is asked for again. A later migration drops these views.
CREATE VIEW sync.store_item AS
SELECT connection, sku, parent_id AS product_id, item_id AS variant_id, tracking, checked_at, sku_key, is_shared, level
FROM sync.item WHERE side = 'store';
CREATE VIEW sync.oms_item AS
SELECT connection, sku, uom, uoms, checked_at FROM sync.item WHERE side = 'oms';
