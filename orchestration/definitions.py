"""The composition root: everything that Dagster shows, built from ``connections.yaml``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any

import dagster as dg

# Partitioned checks and backfill policies warn as preview or beta at each use; those two warnings,
# and no others, are silenced here.
warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*backfill_policy.*")
warnings.filterwarnings("ignore", category=dg.PreviewWarning, message=".*partitions_def.*")

from assets.archive import build_archive
from assets.chain.factory import build_chain, build_systems
from assets.chain.keys import DELIVERED, chain_keys
from assets.chain.partitions import closed_days, definition
from assets.health import build_checks, build_health
from assets.reconciliation.asset import build_reconciliation
from assets.streams.registry import STREAMS
from domain.connections import Connection, Installation
from domain.values import DAY, GRAINS, Grain
from orchestration import housekeeping
from orchestration.action_job import action_job
from orchestration.jobs import build_live_job, build_reconcile_job, build_sync_job, lanes
from orchestration.manual_sync_job import manual_sync_job
from orchestration.rejections_job import rejections_job
from orchestration.run_processes import fork_runs
from orchestration.schedules import (
    build_closing_sweep,
    build_reconciliation_schedule,
    build_status_sweep,
)
from orchestration.settings import load
from orchestration.streams_job import streams_job
from resources.lockstep import Lockstep
from resources.notifications import build_notifier
from sensors.changes import build_lane_sensor
from sensors.failures import build_failure_sensor
from sensors.health import build_heartbeat_sensor
from sensors.requeue import build_requeue_sensor
from sensors.reruns import build_reruns_sensor

fork_runs()

Assets = list[dg.AssetsDefinition | dg.AssetSpec]
Jobs = dict[str, Any]


def build(installation: Installation, lockstep: Lockstep) -> dg.Definitions:
    """Build the definitions of an installation."""
    connections = installation.connections
    by_lane = lanes(installation)
    sync = {name: build_sync_job(name, connection) for name, connection in connections.items()}
    reconcile = {name: build_reconcile_job(name) for name in connections}
    live = {lane: build_live_job(lane, names, installation) for lane, names in by_lane.items()}
    return dg.Definitions(
        assets=_assets(installation),
        asset_checks=[
            check
            for name, connection in connections.items()
            for check in build_checks(name, connection)
        ],
        jobs=[
            *sync.values(),
            *reconcile.values(),
            *live.values(),
            rejections_job,
            streams_job,
            manual_sync_job,
            action_job,
            *housekeeping.JOBS,
        ],
        sensors=_sensors(installation, lockstep, by_lane, live, sync),
        schedules=_schedules(installation, lockstep, sync, reconcile),
        resources={"lockstep": lockstep},
        executor=dg.in_process_executor,
    )


def _assets(installation: Installation) -> Assets:
    partitions = {grain: definition(installation.start_date, grain) for grain in GRAINS}
    docs = str(installation.docs_url or "")
    delivered = [
        key
        for name, connection in installation.connections.items()
        for key in chain_keys(name, connection.streams, [DELIVERED])
    ]
    return [
        *(
            asset
            for name, connection in installation.connections.items()
            for asset in _assets_of(name, connection, partitions, docs)
        ),
        build_archive(closed_days(installation.start_date), delivered),
    ]


def _assets_of(
    name: str,
    connection: Connection,
    partitions: Mapping[Grain, dg.PartitionsDefinition[str]],
    docs: str,
) -> Assets:
    streams = [STREAMS[stream] for stream in connection.streams]
    return [
        *build_systems(name, connection, streams),
        *(
            asset
            for stream in streams
            for asset in build_chain(name, connection, stream, partitions[connection.grain], docs)
        ),
        build_reconciliation(name, connection, partitions[DAY], docs),
        build_health(name, connection, docs),
    ]


def _sensors(
    installation: Installation,
    lockstep: Lockstep,
    by_lane: dict[str, list[str]],
    live: Jobs,
    sync: Jobs,
) -> list[dg.SensorDefinition]:
    alerts = installation.alerts
    notify = partial(build_notifier, alerts) if alerts is not None else None
    return [
        *(
            build_lane_sensor(lane, names, installation, lockstep, live[lane])
            for lane, names in by_lane.items()
        ),
        build_heartbeat_sensor(installation, lockstep, notify),
        *(build_requeue_sensor(name, installation, lockstep, job) for name, job in sync.items()),
        build_reruns_sensor(installation, lockstep, sync),
        *([build_failure_sensor(notify)] if notify is not None else []),
    ]


def _schedules(
    installation: Installation, lockstep: Lockstep, sync: Jobs, reconcile: Jobs
) -> list[dg.ScheduleDefinition]:
    return [
        *(
            schedule(name, installation.connections[name], job, lockstep)
            for name, job in sync.items()
            for schedule in (build_closing_sweep, build_status_sweep)
        ),
        *(build_reconciliation_schedule(name, job, lockstep) for name, job in reconcile.items()),
        housekeeping.build_archive_schedule(lockstep),
        housekeeping.RETENTION_SCHEDULE,
    ]


@dg.definitions
def definitions() -> dg.Definitions:
    """Read the configuration and build the definitions."""
    installation = load()
    return build(installation, Lockstep(installation))
