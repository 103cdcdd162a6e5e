-- By which factor a line's quantity was converted from the store's unit to the OMS's: a rule may change after the order was sent, and its
-- parcels come back in the unit that it was sent in. Null: a line from before this migration, converted by the present rule.
ALTER TABLE sync.order_line ADD COLUMN factor numeric;
