-- Which streams the configuration has, and what each is: kept up to date with sync.connection, so that SQL repeats no list of streams.
-- Whether a stream is paused is an operator's, in sync.activation.
CREATE TABLE sync.stream (
    connection    text    NOT NULL,
    stream        text    NOT NULL,
    place         integer NOT NULL, -- in the configuration's order
    to_oms        boolean NOT NULL, -- direction: from the store to the OMS, or the other way
    is_snapshot   boolean NOT NULL, -- its source reports its present state only
    entity        text    NOT NULL, -- what its records are about
    source_system text    NOT NULL,
    target_system text    NOT NULL,
    configured    boolean NOT NULL DEFAULT true,
    PRIMARY KEY (connection, stream)
);

-- The configuration, which is read after the migration, adds the systems.
INSERT INTO sync.stream (connection, stream, place, to_oms, is_snapshot, entity, source_system, target_system, configured)
SELECT c.connection, s.stream, s.place, s.stream = 'orders', s.stream = 'inventory', CASE s.stream WHEN 'inventory' THEN 'stock' ELSE 'order' END,
       '', '', c.configured
FROM sync.connection c CROSS JOIN LATERAL unnest(c.streams) WITH ORDINALITY AS s(stream, place);
