"""A lane's sensor: detects changes at the sources, and requests one live run for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from assets.chain.keys import CAPTURED
from assets.streams.registry import STREAMS
from domain.connections import Installation
from domain.parsing.text import plural
from resources.ledger.captures import inbox
from resources.ledger.monitoring import quota_waits
from resources.ledger.monitoring.activation import Activation, activations
from resources.ledger.monitoring.outages import Outage, outages
from resources.ledger.monitoring.quota_waits import QuotaWait
from resources.lockstep import Lockstep
from sensors import cursor
from sensors.attempts import Attempts, of_lane
from sensors.cursor import Chain
from sensors.live_runs import retry_at, run_requests
from sensors.queues import pull_queues
from sensors.windows import probe_all

INBOX_INTERVAL = timedelta(seconds=5)
"""The daemon's own loop is no faster."""
MOST_LISTED = 5
"""Waiting windows that a skipped tick names."""


def build_lane_sensor(
    lane: str, names: Sequence[str], installation: Installation, lockstep: Lockstep, job: Any
) -> dg.SensorDefinition:
    """Build the sensor of a lane; it runs as soon as the daemon does."""
    seconds = min(_tick_interval(installation, name) for name in names).total_seconds()

    @dg.sensor(
        name=f"changes_{lane}",
        job=job,
        minimum_interval_seconds=max(1, int(seconds)),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reads the inbox of events and probes both systems of its connections for "
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
    attempts = of_lane(context.instance, lockstep, lane, now)
    probed = cursor.parse(context.cursor)
    all_chains, paused = _chains(installation, lockstep, names)
    if not all_chains:
        return dg.SkipReason(". ".join(map(str, paused[:MOST_LISTED])) + ".")
    hints = _hints(lockstep, _listening(context, installation, lockstep, all_chains))
    retries, throttled = _retries(attempts), _throttled(lockstep, names)
    intervals = [
        (chain, _interval(installation, chain, hints.get(chain), probed.get(str(chain)), now))
        for chain in all_chains
    ]
    wanted = _due_to_probe(intervals, probed, attempts, now, retries, throttled)
    known = _outages(lockstep, names)
    due, failures, limited = probe_all(
        lockstep, {chain: hints.get(chain) for chain in wanted}, now, retries.keys()
    )
    _note_unanswered(context, lockstep, limited, failures)
    if failures and len(failures) == len(wanted):
        raise dg.Failure(
            f"Every probe of the lane {lane} failed. First: {next(iter(failures.values()))}"
        )
    requests, waiting = run_requests(lane, due, attempts, _signs(lockstep, known), now)
    waiting += [f"{one}." for one in throttled.values() if one.until > now]
    waiting += [f"{chain}: {text}." for chain, text in limited.items()]
    for text in waiting:
        context.log.info(text)
    kept = cursor.dump(probed | {str(chain): now for chain in wanted})
    if requests:
        return dg.SensorResult(run_requests=requests, cursor=kept)
    return dg.SensorResult(skip_reason=_reason(waiting, len(wanted)), cursor=kept)


def _reason(waiting: Sequence[str], probed: int) -> str:
    """Return why no run is requested, after a number of probes."""
    quiet = f"No change in {plural(probed, 'chain')}." if probed else "No chain is due."
    return " ".join(waiting[:MOST_LISTED]) or quiet


def _chains(
    installation: Installation, lockstep: Lockstep, names: Sequence[str]
) -> tuple[list[Chain], list[Activation]]:
    """Return the lane's active chains, and the states of those that are paused."""
    found: list[Activation] = []
    with lockstep.ledger.session(names[0], "") as session:
        for name in names:
            found += activations(session.db, name, installation.connections[name].streams)
    chains = [Chain(one.connection, one.stream) for one in found if one.active]
    return chains, [one for one in found if not one.active]


def _retries(attempts: Attempts) -> dict[str, list[datetime]]:
    """Return, by chain, when its failed windows may be requested again."""
    retries: dict[str, list[datetime]] = {}
    for (chain, _), attempt in attempts.last.items():
        retries.setdefault(chain, []).append(retry_at(attempt))
    return retries


def _throttled(lockstep: Lockstep, names: Sequence[str]) -> dict[str, QuotaWait]:
    """Return, by chain, the quota that its last read has given way to."""
    with lockstep.ledger.session(names[0], "") as session:
        found = quota_waits.waits(session.db, names, [CAPTURED])
    return {f"{one.connection}/{one.stream}": one for one in found}


def _due_to_probe(
    intervals: Sequence[tuple[Chain, timedelta]],
    probed: Mapping[str, datetime],
    attempts: Attempts,
    now: datetime,
    retries: Mapping[str, Sequence[datetime]],
    throttled: Mapping[str, QuotaWait],
) -> list[Chain]:
    """Return the chains to probe now; one that waits for a quota is left out."""
    moments = _moments(retries, throttled)
    return [
        chain
        for chain in cursor.chains_to_probe(intervals, probed, attempts.busy(), now, moments)
        if str(chain) not in throttled or throttled[str(chain)].until <= now
    ]


def _moments(
    retries: Mapping[str, Sequence[datetime]], throttled: Mapping[str, QuotaWait]
) -> dict[str, list[datetime]]:
    """Return, by chain, when it is probed whatever its interval."""
    moments = {chain: list(found) for chain, found in retries.items()}
    for chain, one in throttled.items():
        moments.setdefault(chain, []).append(one.until)
    return moments


def _outages(lockstep: Lockstep, names: Sequence[str]) -> dict[str, Outage]:
    with lockstep.ledger.session(names[0], "") as session:
        return outages(session.db, names)


def _signs(lockstep: Lockstep, known: Mapping[str, Outage]) -> dict[str, datetime]:
    """Return, by chain, when there was a sign that its source may be read by now.

    Its secret was renewed, or a probe failed that is answered now: a run that failed before that
    says nothing about the next one, and its pause would only make it late.
    """
    signs: dict[str, datetime] = {}
    for chain, outage in known.items():
        renewed_at = lockstep.renewed_at(chain.partition("/")[0])
        if moments := [m for m in (renewed_at, outage.probe_failed_at) if m is not None]:
            signs[chain] = max(moments)
    return signs


def _listening(
    context: dg.SensorEvaluationContext,
    installation: Installation,
    lockstep: Lockstep,
    chains: Sequence[Chain],
) -> list[str]:
    """Pull the events that wait in queues; return the connections whose inbox may have events."""
    names = sorted({chain.connection for chain in chains})
    pulled = pull_queues(lockstep, names)
    for queue, error in pulled.failures.items():
        context.log.warning(f"The events of {queue} could not be pulled: {error}")
    for text in pulled.unread[:MOST_LISTED]:
        context.log.warning(f"An event can't be read and is kept in sync.unread_event: {text}")
    connections = installation.connections
    return [
        name
        for name in names
        if connections[name].webhooks is not None or name in pulled.connections
    ]


def _hints(lockstep: Lockstep, listening: Sequence[str]) -> dict[Chain, datetime]:
    """Return, by chain, the time of the newest event whose change may not be captured yet."""
    if not listening:
        return {}
    snapshots = [name for name, stream in STREAMS.items() if stream.is_snapshot]
    with lockstep.ledger.session(listening[0], "") as session:
        inbox.settle(session.db, listening, snapshots)
        return {
            Chain(*key): received for key, received in inbox.waiting(session.db, listening).items()
        }


def _note_unanswered(
    context: dg.SensorEvaluationContext,
    lockstep: Lockstep,
    limited: Mapping[str, str],
    failures: Mapping[str, str],
) -> None:
    """Log the probes without an answer, and record those that failed for the heartbeat.

    The tick fails where the ledger can't be reached.
    """
    for waiting, text in limited.items():
        context.log.info(f"Probe of {waiting} waits for the source's quota: {text}")
    for chain, error in failures.items():
        context.log.warning(f"Probe of {chain} failed; other chains are not affected: {error}")
        connection, _, stream = chain.partition("/")
        with lockstep.ledger.session(connection, stream) as session:
            session.note_failed_probe(error)


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
    interval = connection.read_interval(chain.stream)
    return max(cursor.hinted_interval(interval, hint, probed_at, now), interval / 4)


def _tick_interval(installation: Installation, name: str) -> timedelta:
    """Return a connection's tick interval: reading the inbox is cheap, so it is not polled less."""
    connection = installation.connections[name]
    return (
        connection.poll_interval
        if connection.webhooks is None
        else min(connection.poll_interval, INBOX_INTERVAL)
    )
