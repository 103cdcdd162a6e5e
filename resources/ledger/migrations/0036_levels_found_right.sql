-- A level that the store already showed rightly was not recorded, so that a later change by hand went unnoticed: plan all once more.
UPDATE sync.stock_basis SET policy = '';
