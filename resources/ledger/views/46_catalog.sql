CREATE VIEW history.catalog AS
SELECT connection, product_id, variant_id, sku, name, options, is_group, is_digital, brand, categories, currency, price, sale_price, stock,
       barcodes, attributes, images, source_updated_at, capture_id
FROM sync.product_variant;
COMMENT ON VIEW history.catalog IS 'One row per variant that the store sells, by the newest accepted version of its product.';
COMMENT ON COLUMN history.catalog.sku IS 'Empty where it has none: it can''t be ordered through the OMS.';
COMMENT ON COLUMN history.catalog.currency IS 'Of the prices; empty: the store''s default currency.';
COMMENT ON COLUMN history.catalog.stock IS 'As the catalog stated it when this version was read; history.stock has the levels.';
COMMENT ON COLUMN history.catalog.images IS 'How many pictures the product has.';

CREATE VIEW history.alignment AS
SELECT f.connection, f.kind, f.sku, f.product_id, f.variant_id, f.name, f.detail, a.aligned_at, a.run_id
FROM sync.alignment_finding f JOIN sync.alignment a USING (connection);
COMMENT ON VIEW history.alignment IS 'What differs between the store''s catalog and the OMS''s item master, by the last alignment: one row per finding.';
COMMENT ON COLUMN history.alignment.kind IS 'missing_in_oms, missing_in_store, no_sku, duplicate_sku, spelled_differently, uom_mismatch or attribute_missing.';
