-- The data team's contract (docs/sql.md), and all that lockstep_reader may read. Each migration run
-- executes the files of this folder in order, in one transaction: the schema is replaced as a whole.
DROP SCHEMA IF EXISTS history CASCADE;
CREATE SCHEMA history;
