-- Of which version of the order a fact of fulfilment was last read, and when it was noted: a later version corrects what it says
-- (a tracking number that comes late), an older one that is read again does not.
ALTER TABLE sync.fulfilment_event ADD COLUMN version_at timestamptz, ADD COLUMN noted_at timestamptz NOT NULL DEFAULT now();

-- So far a fact that a later version of the same day repeated kept its first version. What is known is the day's last one.
UPDATE sync.fulfilment_event e SET version_at = v.version_at, capture_id = v.capture_id
FROM (SELECT f.connection, f.source_id, f.source_day, coalesce(max(c.source_updated_at), max(f.occurred_at)) AS version_at,
             (array_agg(f.capture_id ORDER BY c.source_updated_at DESC NULLS LAST, f.capture_id))[1] AS capture_id
      FROM sync.fulfilment_event f
      LEFT JOIN sync.record c ON (c.connection, c.stream, c.source_day, c.capture_id) = (f.connection, 'shipments', f.source_day, f.capture_id)
      GROUP BY 1, 2, 3) v
WHERE (e.connection, e.source_id, e.source_day) = (v.connection, v.source_id, v.source_day);
ALTER TABLE sync.fulfilment_event ALTER COLUMN version_at SET NOT NULL;
