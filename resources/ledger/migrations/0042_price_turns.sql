-- Up to which SKU of the store's catalog prices were read last, of an OMS where each SKU costs a call.
CREATE TABLE sync.price_turn (
    connection text PRIMARY KEY,
    last_sku   text NOT NULL
);
