"""The sensor ``reruns``: turns requested reruns into runs, and follows them to their end.

It also requests those that a changed configuration calls for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import psycopg

from assets.chain.keys import DELIVERED, STEPS, TRIGGER_TAG, VALIDATED, chain_keys
from assets.chain.partitions import place
from assets.chain.run_config import rerun_config
from domain.connections import Installation
from domain.values import Partition
from resources.fingerprint import parts_of
from resources.ledger.monitoring.activation import active_streams
from resources.ledger.rejections import reruns
from resources.ledger.rejections.reopening import reopen
from resources.ledger.rejections.reruns import RECORDS_AT_ONCE, Rerun
from resources.lockstep import Lockstep

EVERY_SECONDS = 5
AT_ONCE, UNDER_WAY = 10, 20
"""Most runs that a tick requests, and that may be under way; further reruns wait and are merged."""
RERUN_TAG, RERUN = "sync/rerun", "rerun"
PRIORITY = "0"
"""Behind live runs, before backfills: an operator waits for it."""
STEPS_OF_MODE = {"as_captured": (VALIDATED, DELIVERED), "re_read": STEPS}


def build_reruns_sensor(
    installation: Installation, lockstep: Lockstep, jobs: Mapping[str, Any]
) -> dg.SensorDefinition:
    """Build the installation's sensor of reruns; ``jobs`` are the sync jobs by connection."""
    compared: set[str] = set()

    @dg.sensor(
        name="reruns",
        jobs=list(jobs.values()),
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs what operators, the job rejections or a reconciliation requested, and "
        "what a changed configuration could fix.",
    )
    def reruns_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        return tick(context, installation, lockstep, compared)

    return reruns_sensor


def tick(
    context: dg.SensorEvaluationContext,
    installation: Installation,
    lockstep: Lockstep,
    compared: set[str],
) -> dg.SensorResult | dg.SkipReason:
    """Request at most ``AT_ONCE`` runs.

    ``compared`` holds the connections whose configuration this process has compared already.
    """
    with lockstep.ledger.connect() as db:
        for name, connection in installation.connections.items():
            if name not in compared:
                reopen(db, name, parts_of(connection))
                compared.add(name)
        known = reruns.unfinished(db)
        repeated = _follow(db, context.instance, [r for r in known if r.run_key])
        requests = [_request(installation, group) for group in repeated[:AT_ONCE]]
        fresh = _runnable(db, installation, [r for r in known if not r.run_key])
        under_way = len({r.run_key for r in known if r.run_key})
        for group in _merged(installation, fresh)[
            : max(0, min(AT_ONCE - len(requests), UNDER_WAY - under_way))
        ]:
            keyed = _keyed(group)
            if reruns.assign(db, [r.rerun_id for r in keyed], keyed[0].run_key):
                requests.append(_request(installation, keyed))
    return (
        dg.SensorResult(run_requests=requests)
        if requests
        else dg.SkipReason("All requested reruns are under way.")
    )


def _follow(
    db: psycopg.Connection[Any], instance: dg.DagsterInstance, known: Sequence[Rerun]
) -> list[list[Rerun]]:
    """Record the runs of keyed reruns and how they ended; return those without a run, by key.

    They are requested again.
    """
    by_key: dict[str, list[Rerun]] = {}
    for rerun in known:
        by_key.setdefault(rerun.run_key, []).append(rerun)
    without: list[list[Rerun]] = []
    for key, group in by_key.items():
        run = next(iter(instance.get_runs(dg.RunsFilter(tags={RERUN_TAG: key}), limit=1)), None)
        ids = [r.rerun_id for r in group]
        if run is None and group[0].run_id:
            reruns.end(
                db, ids, "failed", f"run {group[0].run_id} was deleted before its end was recorded"
            )
        elif run is None:
            without.append(group)
        elif not run.is_finished:
            reruns.take(db, key, run.run_id)
        else:
            reruns.take(db, key, run.run_id)
            note = (
                ""
                if run.is_success
                else f"run {run.run_id} ended as {run.status.value.lower()}: see its page in the UI"
            )
            reruns.end(db, ids, "done" if run.is_success else "failed", note)
    return without


def _runnable(
    db: psycopg.Connection[Any], installation: Installation, fresh: Sequence[Rerun]
) -> list[Rerun]:
    """Return the reruns that have a partition; the others end as refused, with the reason.

    Those of a paused stream wait until it is resumed.
    """
    active = active_streams(db, {rerun.connection for rerun in fresh})
    runnable: list[Rerun] = []
    for rerun in fresh:
        if reason := _refusal(installation, rerun):
            reruns.end(db, [rerun.rerun_id], "refused", reason)
        elif (rerun.connection, rerun.stream) in active:
            runnable.append(rerun)
    return runnable


def _refusal(installation: Installation, rerun: Rerun) -> str:
    connection = installation.connections.get(rerun.connection)
    if connection is None:
        return f"connections.yaml no longer has the connection {rerun.connection}"
    if rerun.stream not in connection.streams:
        return f"the connection {rerun.connection} has no stream {rerun.stream} any more"
    if not installation.start <= rerun.partition.start <= datetime.now(UTC):
        return (
            f"there is no partition {rerun.partition}: the first is {installation.start_date} "
            "(start_date), the last is the current one"
        )
    return ""


def _merged(installation: Installation, fresh: Sequence[Rerun]) -> list[list[Rerun]]:
    """Merge reruns that one run can cover: same stream, partition, mode and force.

    A merged rerun has at most ``RECORDS_AT_ONCE`` records.
    """
    groups: dict[tuple[Any, ...], list[list[Rerun]]] = {}
    for rerun in fresh:
        span = tuple(_partitions(installation, rerun))
        key = (rerun.connection, rerun.stream, span, rerun.mode, rerun.force)
        of_key = groups.setdefault(key, [[]])
        if of_key[-1] and len(_records([*of_key[-1], rerun]) or ()) > RECORDS_AT_ONCE:
            of_key.append([])
        of_key[-1].append(rerun)
    return sorted(
        (group for of_key in groups.values() for group in of_key),
        key=lambda group: group[0].rerun_id,
    )


def _partitions(installation: Installation, rerun: Rerun) -> list[Partition]:
    """Return the partitions to run, in order: the connection's grain may have changed meanwhile."""
    connection = installation.connections.get(rerun.connection)
    if connection is None:
        return [rerun.partition]
    now = datetime.now(UTC)
    return [one for one in rerun.partition.by(connection.grain) if one.start <= now]


def _keyed(group: Sequence[Rerun]) -> list[Rerun]:
    """Give a group its run key, unique by its first rerun: a rerun never changes its group."""
    first = group[0]
    key = f"rerun:{first.connection}:{first.stream}:{first.partition}:{first.rerun_id}"
    return [replace(rerun, run_key=key) for rerun in group]


def _records(group: Sequence[Rerun]) -> list[str] | None:
    if any(rerun.source_ids is None for rerun in group):
        return None
    return sorted({source_id for rerun in group for source_id in rerun.source_ids or ()})


def _request(installation: Installation, group: Sequence[Rerun]) -> dg.RunRequest:
    first = group[0]
    span = _partitions(installation, first)
    partition_key, tags = place(span[0], span[-1])
    ops = rerun_config(
        first.connection, first.stream, only_records=_records(group), force=first.force
    )
    return dg.RunRequest(
        run_key=first.run_key,
        job_name=f"sync_{first.connection}",
        partition_key=partition_key,
        asset_selection=chain_keys(first.connection, [first.stream], STEPS_OF_MODE[first.mode]),
        run_config={"ops": ops},
        tags=tags | {TRIGGER_TAG: RERUN, RERUN_TAG: first.run_key, "dagster/priority": PRIORITY},
    )
