-- Whether the OMS is done with an order: its rejections may need no one any more. Known before the store is shown it, which a deleted
-- order in the store never is.
ALTER TABLE sync.standing ADD COLUMN ended text NOT NULL DEFAULT '' CHECK (ended IN ('', 'fulfilled', 'canceled'));
