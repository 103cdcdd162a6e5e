-- How often a delivery was sent: "attempts" is what counts against the limit, and is reset or taken back.
ALTER TABLE sync.delivery ADD COLUMN tries integer NOT NULL DEFAULT 0;
UPDATE sync.delivery SET tries = attempts;
-- The run that opened a rejection; "run_id" is of the last one that met it.
ALTER TABLE sync.rejection ADD COLUMN opened_run_id text NOT NULL DEFAULT '';
UPDATE sync.rejection SET opened_run_id = run_id;
