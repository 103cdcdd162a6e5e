-- Names that were kept for versions before: a connection's streams are in sync.stream, items of both systems in sync.item.
DROP VIEW sync.store_item, sync.oms_item;
ALTER TABLE sync.connection DROP COLUMN streams;
