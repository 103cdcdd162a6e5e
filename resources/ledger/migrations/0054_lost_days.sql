-- A day whose files are no longer in the archive's folder, as after it was moved: it is written again, and retention waits for it.
ALTER TABLE sync.archived ADD COLUMN lost_at timestamptz; -- when that was noticed last; before archived_at if it was written since

CREATE OR REPLACE VIEW sync.unarchived AS
SELECT c.source_day, max(c.at) AS changed_at
FROM (
    SELECT source_day, max(finished_at) AS at FROM sync.batch GROUP BY 1
    UNION ALL SELECT source_day, max(greatest(seen_at, closed_at)) FROM sync.rejection GROUP BY 1
    UNION ALL SELECT source_day, max(looked_at) FROM sync.refund GROUP BY 1
    UNION ALL SELECT source_day, max(greatest(opened_at, healing_since, closed_at)) FROM sync.drift GROUP BY 1
    UNION ALL SELECT source_day, max(greatest(asked_at, taken_at, ended_at)) FROM sync.rerun GROUP BY 1
    UNION ALL SELECT d.source_day, max(q.applied_at) FROM sync.request q JOIN sync.delivery d USING (delivery_key)
              WHERE d.prune_month = '9999-12-31' GROUP BY 1
    UNION ALL SELECT source_day, lost_at FROM sync.archived WHERE lost_at IS NOT NULL
) c LEFT JOIN sync.archived a USING (source_day)
WHERE c.source_day IS NOT NULL
GROUP BY c.source_day, a.archived_at
HAVING max(c.at) > coalesce(a.archived_at, '-infinity');
