-- What a drift is about is listed in domain/reconciliation.py alone: each stream that is compared brings an entity of its own.
ALTER TABLE sync.drift DROP CONSTRAINT IF EXISTS drift_entity_check;
