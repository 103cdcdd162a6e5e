-- A payment may be declined after its refund was answered: until then the refund is looked at again.
ALTER TABLE sync.refund
    ADD COLUMN is_pending boolean NOT NULL DEFAULT false, -- the provider has neither paid nor declined it
    ADD COLUMN open_until timestamptz NOT NULL DEFAULT '-infinity', -- until when its payment may still be declined
    ADD COLUMN looked_at timestamptz NOT NULL DEFAULT clock_timestamp(); -- when the payment service was last asked for it
CREATE INDEX refund_open ON sync.refund (connection) WHERE open_until > looked_at;
