CREATE VIEW history.returns AS
SELECT connection, return_id, source_id, order_id, line_id, order_line_id, sku, quantity, announced, received, confirmed, canceled,
       condition, reason, tracking_number, is_refunded, version_at AS source_updated_at, source_day, capture_id
FROM (SELECT l.*, first_value(capture_id) OVER (PARTITION BY connection, return_id ORDER BY version_at DESC, capture_id) AS newest
      FROM sync.return_line l) r
WHERE capture_id = newest;
COMMENT ON VIEW history.returns IS 'One row per line of a return, by its newest accepted version; quantities are cumulative, in the OMS''s unit.';
COMMENT ON COLUMN history.returns.source_id IS 'The store''s id of the order whose units come back; order_id is the OMS''s.';
COMMENT ON COLUMN history.returns.confirmed IS 'Units whose disposition the OMS has confirmed: their price is owed to the shopper.';
COMMENT ON COLUMN history.returns.is_refunded IS 'Whether money goes back for it; false for an exchange.';

CREATE VIEW history.refunds AS
SELECT connection, return_id, source_id, service, refund_id, amount, currency, units, declined = '' AND NOT is_pending AS is_paid, is_pending,
       declined, is_found, refunded_at, looked_at, delivery_key, correlation_id, run_id, source_day, capture_id
FROM sync.refund;
COMMENT ON VIEW history.refunds IS 'One row per refund of a return that a payment service has made.';
COMMENT ON COLUMN history.refunds.amount IS 'As the payment service states it.';
COMMENT ON COLUMN history.refunds.units IS 'The store''s line id -> units that were refunded.';
COMMENT ON COLUMN history.refunds.is_paid IS 'False where the payment provider has declined it, or not paid yet: the shopper does not have the money.';
COMMENT ON COLUMN history.refunds.is_pending IS 'The payment provider has neither paid nor declined it: it is looked at again.';
COMMENT ON COLUMN history.refunds.looked_at IS 'When the payment service was last asked what became of it.';
COMMENT ON COLUMN history.refunds.is_found IS 'Whether the service had it already when it was looked for, after a lost answer or one made by hand.';
