"""A lane's sensor: detects changes at the sources, and requests one live run for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from assets.chain.keys import LIVE, TRIGGER_TAG, chain_keys
from assets.chain.run_config import live_config
from assets.error_redaction import safe_text
from assets.pipeline.capture import source_present
from assets.streams.registry import STREAMS
from domain.connections import Installation
from domain.values import Window
from resources.http.clock import SAME_CLOCK
from resources.ledger.captures import inbox
from resources.lockstep import Lockstep, Sync
from sensors import cursor
from sensors.cursor import Chain, Due

DEADLINE_SECONDS = 20.0
"""A tick is killed by Dagster at 60 s, and its cursor is lost then."""
PROBES_AT_ONCE = 8
INBOX_INTERVAL = timedelta(seconds=5)
"""The daemon's own loop is no faster."""
CHAINS_TAG, LANE_TAG = "sync/chains", "sync/lane"
ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def build_lane_sensor(
    lane: str, names: Sequence[str], installation: Installation, lockstep: Lockstep, job: Any
) -> dg.SensorDefinition:
    """Build the sensor of a lane; it runs by itself as soon as the daemon does."""
    seconds = min(_tick_interval(installation, name) for name in names).total_seconds()

    @dg.sensor(
        name=f"changes_{lane}",
        job=job,
        minimum_interval_seconds=max(1, int(seconds)),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reads the webhooks' inbox and probes both systems of its connections for "
        "changes after the watermark; requests one live run for what changed.",
    )
    def changes(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        return tick(context, lane, names, installation, lockstep)

    return changes


def tick(
    context: dg.SensorEvaluationContext,
    lane: str,
    names: Sequence[str],
    installation: Installation,
    lockstep: Lockstep,
) -> dg.SensorResult | dg.SkipReason:
    """Probe the lane's chains and request runs.

    The tick fails when every probe failed: a bad token is not "nothing to do".
    """
    now = datetime.now(UTC)
    if (wait_until := _pause_until(context.instance, lane)) > now:
        return dg.SkipReason(
            f"The lane's last runs failed; the next is requested at {wait_until:%H:%M:%S}Z."
        )
    probed = cursor.parse(context.cursor)
    all_chains = [
        Chain(name, stream) for name in names for stream in installation.connections[name].streams
    ]
    hints = _hints(installation, lockstep, names)
    chains = [
        (chain, _interval(installation, chain, hints.get(chain), probed.get(str(chain)), now))
        for chain in all_chains
    ]
    wanted = cursor.chains_to_probe(chains, probed, _busy(context.instance, lane), now)
    due, failures = _probe_all(lockstep, {chain: hints.get(chain) for chain in wanted}, now)
    for chain, error in failures.items():
        context.log.warning(f"Probe of {chain} failed; other chains are not affected: {error}")
    _record_failures(lockstep, failures)
    if failures and len(failures) == len(wanted):
        raise dg.Failure(
            f"Every probe of the lane {lane} failed. First: {next(iter(failures.values()))}"
        )
    requests = [_request(lane, day, group) for day, group in cursor.by_partition(due).items()]
    probed |= {str(chain): now for chain in wanted}
    if not requests:
        reason = f"No change in {len(wanted)} chains." if wanted else "No chain is due."
        return dg.SensorResult(skip_reason=reason, cursor=cursor.dump(probed))
    return dg.SensorResult(run_requests=requests, cursor=cursor.dump(probed))


def _hints(
    installation: Installation, lockstep: Lockstep, names: Sequence[str]
) -> dict[Chain, datetime]:
    """Return, by chain, the time of the newest webhook whose change may not be captured yet."""
    listening = [name for name in names if installation.connections[name].webhooks is not None]
    if not listening:
        return {}
    snapshots = [name for name, stream in STREAMS.items() if stream.is_snapshot]
    with lockstep.ledger.session(listening[0], "") as session:
        inbox.settle(session.db, listening, snapshots)
        return {
            Chain(*key): received for key, received in inbox.waiting(session.db, listening).items()
        }


def _probe_all(
    lockstep: Lockstep, chains: Mapping[Chain, datetime | None], now: datetime
) -> tuple[list[Due], dict[str, str]]:
    """Probe in parallel within the deadline; a slow or failing source hides no other's change."""
    if not chains:
        return [], {}
    pool = ThreadPoolExecutor(
        max_workers=min(PROBES_AT_ONCE, len(chains)), thread_name_prefix="probe"
    )
    futures = {
        pool.submit(probe, lockstep, chain, now, hint): chain for chain, hint in chains.items()
    }
    done, late = wait(futures, timeout=DEADLINE_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    failures = {
        str(futures[future]): f"no answer within {DEADLINE_SECONDS:.0f} s" for future in late
    }
    due: list[Due] = []
    for future in done:
        error = future.exception()
        if error is not None:
            failures[str(futures[future])] = safe_text(error)
            continue
        due.extend(future.result())
    return due, failures


def probe(
    lockstep: Lockstep, chain: Chain, now: datetime, hint: datetime | None = None
) -> list[Due]:
    """Ask a chain's source for its oldest change after the watermark; return the windows due.

    ``hint`` is the newest webhook's time: with it a snapshot source is read without being probed.
    """
    sync = lockstep.sync(chain.connection, run_id="")
    stream = STREAMS[chain.stream]
    if stream.is_snapshot:
        watermark, present, changed_at = (
            now,
            now,
            now if hint is not None else stream.probe(sync, now),
        )
    else:
        watermark, present, changed_at = _ask_source(sync, chain, now)
    with sync.ledger.session(chain.connection, chain.stream) as session:
        session.note("probed_at", now)
        if changed_at is not None:
            session.note("change_seen_at", changed_at)
        elif hint is not None:
            inbox.take(session.db, chain.connection, chain.stream, now - cursor.HINT_PATIENCE)
    if changed_at is None:
        return []
    today = Window.of_day(now.date())
    if stream.is_snapshot:
        return [Due(chain, now.date(), Window(max(today.since, now - timedelta(seconds=1)), now))]
    # Tomorrow's partition does not exist yet, but a source whose clock is ahead may be in it
    # already: its changes wait for our midnight.
    window = cursor.window_due(
        changed_at, watermark, sync.connection.overlap, min(present, today.until)
    )
    return cursor.split(chain, window, watermark) if window is not None else []


def _ask_source(
    sync: Sync, chain: Chain, now: datetime
) -> tuple[datetime, datetime, datetime | None]:
    """Return the watermark, the source's present, and its oldest change after the watermark.

    All are by the source's own clock, which may be known only after the first answer. A watermark
    in the source's future is wrong (a clock was set) and is pulled back: changes that the source
    dates before it would be missed.
    """
    stream = STREAMS[chain.stream]
    with sync.ledger.session(chain.connection, chain.stream) as session:
        known = session.watermark()
    since = known or _midnight(min(now, source_present(sync, stream)))
    changed_at = stream.probe(sync, since)
    present = source_present(sync, stream)
    watermark = known or _midnight(min(now, present))
    if known is not None and known > present + SAME_CLOCK:
        watermark = present.replace(microsecond=0) - sync.connection.overlap
        with sync.ledger.session(chain.connection, chain.stream) as session:
            session.pull_back(watermark)
    if watermark < since:
        changed_at = stream.probe(sync, watermark)
    return watermark, present, changed_at


def _midnight(moment: datetime) -> datetime:
    return Window.of_day(moment.date()).since


def _record_failures(lockstep: Lockstep, failures: Mapping[str, str]) -> None:
    """Record failed probes for the heartbeat; the tick fails where the ledger can't be reached."""
    for chain, error in failures.items():
        connection, _, stream = chain.partition("/")
        with lockstep.ledger.session(connection, stream) as session:
            session.note_failed_probe(error)


def _request(lane: str, day: Any, group: Sequence[Due]) -> dg.RunRequest:
    ops: dict[str, object] = {}
    keys: list[dg.AssetKey] = []
    for due in group:
        connection, stream = due.chain.connection, due.chain.stream
        ops |= live_config(
            connection, stream, due.window.since.isoformat(), due.window.until.isoformat()
        )
        keys += chain_keys(connection, [stream])
    return dg.RunRequest(
        run_key=cursor.run_key(lane, day, group),
        partition_key=day.isoformat(),
        asset_selection=keys,
        run_config={"ops": ops},
        tags={
            TRIGGER_TAG: LIVE,
            LANE_TAG: lane,
            CHAINS_TAG: ",".join(str(due.chain) for due in group),
        },
    )


def _interval(
    installation: Installation,
    chain: Chain,
    hint: datetime | None,
    probed_at: datetime | None,
    now: datetime,
) -> timedelta:
    connection = installation.connections[chain.connection]
    if not STREAMS[chain.stream].is_snapshot:
        return cursor.hinted_interval(connection.poll_interval, hint, probed_at, now)
    # A snapshot is expensive, and each of its records may send a webhook: webhooks bring the
    # next one forward, but not without limit.
    interval = connection.inventory.interval
    return max(cursor.hinted_interval(interval, hint, probed_at, now), interval / 4)


def _tick_interval(installation: Installation, name: str) -> timedelta:
    """Return a connection's tick interval: reading the inbox is cheap, so it is not polled less."""
    connection = installation.connections[name]
    return (
        connection.poll_interval
        if connection.webhooks is None
        else min(connection.poll_interval, INBOX_INTERVAL)
    )


def _busy(instance: dg.DagsterInstance, lane: str) -> set[str]:
    """Return the chains that a queued or running live run of the lane covers."""
    runs = instance.get_runs(
        dg.RunsFilter(statuses=ACTIVE, tags={LANE_TAG: lane, TRIGGER_TAG: LIVE})
    )
    return {chain for run in runs for chain in run.tags.get(CHAINS_TAG, "").split(",") if chain}


def _pause_until(instance: dg.DagsterInstance, lane: str) -> datetime:
    """Return when the next run may be requested: ever later while the lane's runs keep failing."""
    records = instance.get_run_records(
        dg.RunsFilter(tags={LANE_TAG: lane, TRIGGER_TAG: LIVE}), limit=8
    )
    failures = 0
    for record in records:
        if record.dagster_run.status is not dg.DagsterRunStatus.FAILURE:
            break
        failures += 1
    if not failures or not records[0].end_time:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.fromtimestamp(records[0].end_time, UTC) + cursor.pause_after(failures)
