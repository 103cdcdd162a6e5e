CREATE VIEW history.prices AS
SELECT connection, sku, price_list, currency, regular, sale, valid_from, valid_until, source_day, capture_id
FROM sync.price;
COMMENT ON VIEW history.prices IS 'One row per change of what the OMS asks for a SKU, in one of its price lists.';
COMMENT ON COLUMN history.prices.price_list IS 'The OMS''s price list or market; empty where it has one price for all.';
COMMENT ON COLUMN history.prices.sale IS 'What is asked in place of the regular price; null where nothing else is.';
