-- When the history of a day was written to the archive last: what has changed since is written again.
CREATE TABLE sync.archived (
    source_day  date        PRIMARY KEY,
    archived_at timestamptz NOT NULL -- before its rows were read
);
