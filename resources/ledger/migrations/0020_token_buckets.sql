-- Quotas as token buckets. "permits" are there now, and "pace" more come each second until "resets_at", when the next window opens; both
-- together are what the window has left, by our own count or by the API's. What a system is idle for refills at the full rate.
ALTER TABLE sync.quota
    ALTER COLUMN permits TYPE double precision,
    ADD COLUMN pace        double precision NOT NULL DEFAULT 0,
    ADD COLUMN refilled_at timestamptz      NOT NULL DEFAULT clock_timestamp();

-- A step that did not wait for a used-up quota: it ended, what it left stays due, and is taken up after "until".
CREATE TABLE sync.quota_wait (
    connection text        NOT NULL,
    stream     text        NOT NULL,
    step       text        NOT NULL CHECK (step IN ('captured', 'validated', 'delivered')),
    bucket     text        NOT NULL,
    until      timestamptz NOT NULL,
    noted_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection, stream, step)
);

DROP FUNCTION sync.take_permits(text, integer, integer, double precision);

-- Takes up to "wanted" permits of a bucket that has "quota" a window; where none is granted, "seconds" until the next one. resources/http/
-- token_bucket.py is the same in Python.
CREATE FUNCTION sync.take_permits(wanted_bucket text, wanted integer, quota integer, window_seconds double precision,
                                  at timestamptz DEFAULT NULL, OUT granted integer, OUT seconds double precision) LANGUAGE plpgsql AS $$
DECLARE
    kept sync.quota%ROWTYPE;
    moment timestamptz;
BEGIN
    INSERT INTO sync.quota (bucket, permits, resets_at, refilled_at)
    VALUES (wanted_bucket, quota, coalesce(at, clock_timestamp()) + make_interval(secs => window_seconds), coalesce(at, clock_timestamp()))
    ON CONFLICT (bucket) DO NOTHING;
    SELECT * INTO kept FROM sync.quota WHERE bucket = wanted_bucket FOR UPDATE;
    moment := greatest(coalesce(at, clock_timestamp()), kept.refilled_at);
    kept.permits := least(quota, kept.permits + kept.pace * greatest(extract(epoch FROM least(moment, kept.resets_at) - kept.refilled_at), 0));
    IF moment >= kept.resets_at THEN
        -- What is left of the last window and what came while idle is part of the new window's quota; a permit is there at once.
        kept.permits := least(quota, greatest(1, kept.permits + quota / window_seconds * extract(epoch FROM moment - kept.resets_at)));
        kept.pace := (quota - kept.permits) / window_seconds;
        kept.resets_at := moment + make_interval(secs => window_seconds);
    END IF;
    granted := greatest(least(floor(kept.permits + 1e-9), wanted), 0);
    UPDATE sync.quota SET permits = kept.permits - granted, pace = kept.pace, resets_at = kept.resets_at, refilled_at = moment
    WHERE bucket = wanted_bucket;
    seconds := 0;
    IF granted = 0 THEN
        seconds := extract(epoch FROM kept.resets_at - moment);
        IF kept.pace > 0 THEN
            seconds := least(seconds, (1 - kept.permits) / kept.pace);
        END IF;
    END IF;
END
$$;

-- Follows the API's own count: "remaining", which ends in "reset_seconds". Within one window only the lower count holds, since
-- requests may be under way that the API has not counted yet.
CREATE FUNCTION sync.observe_quota(observed_bucket text, quota integer, remaining integer, reset_seconds double precision,
                                   at timestamptz DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept sync.quota%ROWTYPE;
    moment timestamptz;
    ends timestamptz;
    new_pace double precision;
BEGIN
    INSERT INTO sync.quota (bucket, permits, resets_at, refilled_at)
    VALUES (observed_bucket, quota, coalesce(at, clock_timestamp()) - interval '1 hour', coalesce(at, clock_timestamp()))
    ON CONFLICT (bucket) DO NOTHING;
    SELECT * INTO kept FROM sync.quota WHERE bucket = observed_bucket FOR UPDATE;
    moment := greatest(coalesce(at, clock_timestamp()), kept.refilled_at);
    ends := moment + make_interval(secs => reset_seconds);
    kept.permits := least(quota, kept.permits + kept.pace * greatest(extract(epoch FROM least(moment, kept.resets_at) - kept.refilled_at), 0));
    kept.permits := least(kept.permits, remaining);
    new_pace := (remaining - kept.permits) / greatest(reset_seconds, 0.001);
    IF abs(extract(epoch FROM ends - kept.resets_at)) < 1 THEN
        new_pace := least(new_pace, kept.pace);
    END IF;
    UPDATE sync.quota SET permits = kept.permits, pace = new_pace, resets_at = ends, refilled_at = moment WHERE bucket = observed_bucket;
END
$$;

-- When a probe of the stream's failing target last failed, and when the target last took a record again after it had failed.
ALTER TABLE sync.watermark
    ADD COLUMN target_failed_at timestamptz,
    ADD COLUMN answering_since  timestamptz;
