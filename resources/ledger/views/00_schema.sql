-- The data team's contract (docs/sql.md): readable by lockstep_reader, and nothing else is. All files of this folder are run in order, in
-- one transaction, by each migration run: the schema is replaced as a whole.
DROP SCHEMA IF EXISTS history CASCADE;
CREATE SCHEMA history;
