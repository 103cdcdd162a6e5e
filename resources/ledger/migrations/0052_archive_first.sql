-- Retention removes nothing that the archive should have and lacks. A day is due for the archive if something of it changed after it was
-- archived: by a run about it, or by what ends later, such as a rejection, a drift, a refund that is not decided, a late answer.
CREATE VIEW sync.unarchived AS
SELECT c.source_day, max(c.at) AS changed_at
FROM (
    SELECT source_day, max(finished_at) AS at FROM sync.batch GROUP BY 1
    UNION ALL SELECT source_day, max(greatest(seen_at, closed_at)) FROM sync.rejection GROUP BY 1
    UNION ALL SELECT source_day, max(looked_at) FROM sync.refund GROUP BY 1
    UNION ALL SELECT source_day, max(greatest(opened_at, healing_since, closed_at)) FROM sync.drift GROUP BY 1
    UNION ALL SELECT source_day, max(greatest(asked_at, taken_at, ended_at)) FROM sync.rerun GROUP BY 1
    UNION ALL SELECT d.source_day, max(q.applied_at) FROM sync.request q JOIN sync.delivery d USING (delivery_key)
              WHERE d.prune_month = '9999-12-31' GROUP BY 1
) c LEFT JOIN sync.archived a USING (source_day)
WHERE c.source_day IS NOT NULL
GROUP BY c.source_day, a.archived_at
HAVING max(c.at) > coalesce(a.archived_at, '-infinity');

-- Why days can't be removed yet; empty where the archive has them all.
CREATE FUNCTION sync.why_unarchived(days date[]) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE cardinality(days) WHEN 0 THEN '' WHEN 1 THEN format('the archive lacks %s, or its last changes', days[1])
           ELSE format('the archive lacks %s days from %s to %s, or their last changes', cardinality(days), days[1], days[cardinality(days)]) END
$$;

ALTER FUNCTION sync.why_kept(text, date) RENAME TO why_open;

-- Why a month of a table must be kept; empty where nothing in it is open, and the archive has it.
CREATE FUNCTION sync.why_kept(parent text, month date) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    beyond date := (date_trunc('month', month) + interval '1 month')::date;
    why text := CASE WHEN parent = 'delivery' THEN '' ELSE sync.why_open(parent, month) END;
BEGIN
    IF why <> '' OR parent = 'message_log' THEN -- exchanges are not archived
        RETURN why;
    ELSIF parent = 'delivery' THEN -- by the month of their claim; the current one is never dropped
        RETURN sync.why_unarchived(ARRAY(
            SELECT u.source_day FROM sync.unarchived u
            WHERE EXISTS (SELECT FROM sync.delivery d WHERE d.prune_month = first AND d.source_day = u.source_day)
            ORDER BY 1));
    END IF;
    RETURN sync.why_unarchived(ARRAY(SELECT source_day FROM sync.unarchived WHERE source_day >= first AND source_day < beyond ORDER BY 1));
END
$$;

-- As before (0024), and keeps a month of which the archive lacks a day.
CREATE OR REPLACE FUNCTION sync.drop_delivery_month(month date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    name text := 'delivery_' || to_char(month, 'YYYY_MM');
    beyond date := (date_trunc('month', month) + interval '1 month')::date;
    number bigint;
BEGIN
    IF beyond > current_date OR to_regclass(format('sync.%I', name)) IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('lockstep.ensure_month'));
    -- Nobody claims or settles one of them between the look and the drop.
    EXECUTE format('LOCK TABLE sync.%I IN ACCESS EXCLUSIVE MODE', name);
    IF sync.why_kept('delivery', month) <> '' THEN
        RETURN NULL;
    END IF;
    UPDATE sync.delivery SET prune_month = '9999-12-31'
    WHERE prune_month = date_trunc('month', month)::date
      AND (state NOT IN ('delivered', 'refused', 'superseded') OR is_uncertain OR may_act_until > clock_timestamp());
    EXECUTE format('SELECT count(*) FROM sync.%I', name) INTO number;
    EXECUTE format('DROP TABLE sync.%I', name);
    INSERT INTO sync.retention_log (table_name, before, rows) VALUES ('delivery', beyond, number);
    RETURN number;
END
$$;
