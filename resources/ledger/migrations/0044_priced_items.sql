-- Variants whose stock is counted with their product's have prices of their own, and no stock.
ALTER TABLE sync.item ADD COLUMN has_stock boolean NOT NULL DEFAULT true;
