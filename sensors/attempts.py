"""What was attempted before: the active and the failed runs, by chain and partition.

All of it is read from Dagster's runs and the ledger. A lost cursor, a reloaded code location or a
restarted daemon forgets no failure, and a deleted run costs one attempt more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg

from assets.chain.keys import LIVE, STEPS, TRIGGER_TAG, asset_key
from assets.chain.partitions import RANGE_TAGS
from domain.values import Partition
from resources.ledger.captures import windows
from resources.lockstep import Lockstep
from sensors import cursor

CHAINS_TAG, LANE_TAG, ATTEMPT_TAG = "sync/chains", "sync/lane", "sync/attempt"
CONNECTION_TAG, PARTITION_TAG = "sync/connection", "dagster/partition"
ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
FAILED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
LOOKED_BACK = 100
"""Runs of a lane or a connection: more than can end within the longest pause."""
FEW = 10
NEVER_SUBMITTED = timedelta(minutes=10)
"""A run that was created and not queued for this long never starts: the daemon died in between."""
RETRY_PATIENCE = timedelta(minutes=2)
"""How long Dagster may take to repeat a run whose process died."""

Place = tuple[str, Partition]
"""A chain, as ``connection/stream``, and a partition."""


class Attempt(NamedTuple):
    """The last attempt at a place that has ended; ``number`` counts those since a success."""

    number: int
    ended_at: datetime
    failed: bool = True


@dataclass(frozen=True, slots=True)
class Attempts:
    """What is under way, and how the last attempts ended."""

    active: Sequence[dg.DagsterRun] = ()
    last: Mapping[Place, Attempt] = field(default_factory=dict)

    def busy(self) -> set[str]:
        """Return the chains that the active runs cover."""
        return {chain for run in self.active for chain in chains_of(run)}


def of_lane(instance: dg.DagsterInstance, lockstep: Lockstep, lane: str, now: datetime) -> Attempts:
    """Return the active live runs of a lane, and the failed attempts that a pause may follow."""
    tags = {LANE_TAG: lane, TRIGGER_TAG: LIVE}
    active = active_runs(instance, tags, now)
    since = now - max(2 * cursor.LONGEST_PAUSE, RETRY_PATIENCE)
    failed = instance.get_run_records(dg.RunsFilter(tags=tags, statuses=FAILED), limit=FEW)
    # Nearly always nothing has failed, and one look at the index of states is enough.
    if all(_ended_at(record) < since for record in failed):
        return Attempts(active)
    records = instance.get_run_records(dg.RunsFilter(tags=tags), limit=LOOKED_BACK)
    recent = [record for record in records if _ended_at(record) >= since]
    last = {
        place: attempt
        for place, attempt in _last(recent, _through(lockstep, recent)).items()
        if attempt.failed
    }
    return Attempts([*active, *_to_be_repeated(recent, now)], last)


def of_unfinished(instance: dg.DagsterInstance, tags: Mapping[str, str], now: datetime) -> Attempts:
    """Return all active runs, and the last attempts of the runs with these tags."""
    records = instance.get_run_records(dg.RunsFilter(tags=dict(tags)), limit=LOOKED_BACK)
    active = active_runs(instance, {}, now)
    return Attempts([*active, *_to_be_repeated(records, now)], _last(records, set()))


def chains_of(run: dg.DagsterRun) -> list[str]:
    """Return the chains that a run was requested for, by its tag."""
    return [chain for chain in run.tags.get(CHAINS_TAG, "").split(",") if chain]


def covers(run: dg.DagsterRun, connection: str, stream: str, partition: Partition) -> bool:
    """Return whether a run of any origin works on a chain's partition."""
    if run.asset_selection is None:
        concerns = run.job_name == f"sync_{connection}"
    else:
        keys = {asset_key(connection, stream, step) for step in STEPS}
        concerns = not keys.isdisjoint(run.asset_selection)
    first, last = (run.tags.get(tag, "") for tag in RANGE_TAGS)
    return concerns and (
        run.tags.get(PARTITION_TAG) == partition.key or first <= partition.key <= last
    )


def active_runs(
    instance: dg.DagsterInstance, tags: Mapping[str, str], now: datetime
) -> list[dg.DagsterRun]:
    """Return the runs with these tags that are queued or under way."""
    records = instance.get_run_records(dg.RunsFilter(statuses=ACTIVE, tags=dict(tags)))
    return [record.dagster_run for record in records if not is_abandoned(record, now)]


def is_abandoned(record: dg.RunRecord, now: datetime) -> bool:
    """Return whether a run will never start: the daemon died before it queued it."""
    is_waiting = record.dagster_run.status is dg.DagsterRunStatus.NOT_STARTED
    return is_waiting and now - aware(record.create_timestamp) > NEVER_SUBMITTED


def _to_be_repeated(records: Iterable[dg.RunRecord], now: datetime) -> list[dg.DagsterRun]:
    """Return the runs that Dagster will repeat automatically, and has not yet."""
    return [
        record.dagster_run
        for record in records
        if record.dagster_run.is_complete_and_waiting_to_retry
        and now - _ended_at(record) < RETRY_PATIENCE
    ]


def _through(
    lockstep: Lockstep, records: Sequence[dg.RunRecord]
) -> set[tuple[str, str, str, Partition]]:
    failed = [r.dagster_run.run_id for r in records if r.dagster_run.is_failure_or_canceled]
    with lockstep.ledger.connect() as db:
        return windows.got_through(db, failed)


def _last(
    records: Iterable[dg.RunRecord], through: set[tuple[str, str, str, Partition]]
) -> dict[Place, Attempt]:
    """Return the last ended attempt at each place; the records are in order, the newest first."""
    found: dict[Place, Attempt] = {}
    for record in records:
        run = record.dagster_run
        if not run.is_finished or PARTITION_TAG not in run.tags:
            continue
        partition = Partition.parse(run.tags[PARTITION_TAG])
        for chain in chains_of(run):
            connection, _, stream = chain.partition("/")
            is_through = run.is_success or (run.run_id, connection, stream, partition) in through
            number = 0 if is_through else int(run.tags.get(ATTEMPT_TAG, "1"))
            found.setdefault((chain, partition), Attempt(number, _ended_at(record), not is_through))
    return found


def _ended_at(record: dg.RunRecord) -> datetime:
    """Return when a run ended; of one that is active, when it last changed."""
    if record.end_time is not None:
        return datetime.fromtimestamp(record.end_time, UTC)
    return aware(record.update_timestamp)


def aware(moment: datetime) -> datetime:
    """Return a time of Dagster's storage, which may lack its zone, as UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
