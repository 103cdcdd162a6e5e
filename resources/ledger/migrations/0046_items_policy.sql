-- By which policy items were created at the last alignment: another one makes those of ours due.
ALTER TABLE sync.alignment ADD COLUMN items_policy text NOT NULL DEFAULT '';
