"""The composition root: everything that Dagster shows, built from ``connections.yaml``."""

from __future__ import annotations

import warnings
from functools import partial

import dagster as dg

# Partitioned checks and backfill policies warn as preview or beta at each use; those two warnings, and no others, are silenced here.
warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*backfill_policy.*")
warnings.filterwarnings("ignore", category=dg.PreviewWarning, message=".*partitions_def.*")

from assets.archive import build_archive
from assets.chain.factory import build_chain, build_systems
from assets.chain.keys import DELIVERED, chain_keys
from assets.chain.partitions import closed_days, daily
from assets.health import build_checks, build_health
from assets.reconciliation.asset import build_reconciliation
from assets.streams.registry import STREAMS
from domain.connections import Installation
from orchestration import housekeeping
from orchestration.jobs import build_live_job, build_reconcile_job, build_sync_job, lanes
from orchestration.rejections_job import rejections_job
from orchestration.schedules import (
    build_closing_sweep,
    build_reconciliation_schedule,
    build_status_sweep,
)
from orchestration.settings import load
from resources.lockstep import Lockstep
from resources.notifications import build_notifier
from sensors.changes import build_lane_sensor
from sensors.failures import build_failure_sensor
from sensors.health import build_heartbeat_sensor
from sensors.requeue import build_requeue_sensor
from sensors.reruns import build_reruns_sensor


def build(installation: Installation, lockstep: Lockstep) -> dg.Definitions:
    """Build the definitions of an installation."""
    partitions = daily(installation.start_date)
    assets = [
        asset
        for name, connection in installation.connections.items()
        for stream in connection.streams
        for asset in build_chain(name, connection, STREAMS[stream], partitions)
    ]
    sync_jobs = {
        name: build_sync_job(name, connection)
        for name, connection in installation.connections.items()
    }
    reconcile_jobs = {name: build_reconcile_job(name) for name in installation.connections}
    live_jobs = {
        lane: build_live_job(lane, names, installation)
        for lane, names in lanes(installation).items()
    }
    reconciliations = [
        build_reconciliation(name, connection, partitions)
        for name, connection in installation.connections.items()
    ]
    health = [
        build_health(name, connection) for name, connection in installation.connections.items()
    ]
    systems = [
        spec
        for name, connection in installation.connections.items()
        for spec in build_systems(name, connection, [STREAMS[s] for s in connection.streams])
    ]
    delivered = [
        key
        for name, connection in installation.connections.items()
        for key in chain_keys(name, connection.streams, [DELIVERED])
    ]
    tell = partial(build_notifier, installation.alerts) if installation.alerts is not None else None
    return dg.Definitions(
        assets=[
            *assets,
            *reconciliations,
            *health,
            *systems,
            build_archive(closed_days(installation.start_date), delivered),
        ],
        asset_checks=[
            check
            for name, connection in installation.connections.items()
            for check in build_checks(name, connection)
        ],
        jobs=[
            *sync_jobs.values(),
            *reconcile_jobs.values(),
            *live_jobs.values(),
            rejections_job,
            *housekeeping.JOBS,
        ],
        sensors=[
            build_lane_sensor(lane, names, installation, lockstep, live_jobs[lane])
            for lane, names in lanes(installation).items()
        ]
        + [build_heartbeat_sensor(installation, lockstep, tell)]
        + [
            build_requeue_sensor(name, installation, lockstep, job)
            for name, job in sync_jobs.items()
        ]
        + [build_reruns_sensor(installation, lockstep, sync_jobs)]
        + ([build_failure_sensor(tell)] if tell is not None else []),
        schedules=[
            schedule(name, installation.connections[name], job)
            for name, job in sync_jobs.items()
            for schedule in (build_closing_sweep, build_status_sweep)
        ]
        + [build_reconciliation_schedule(name, job) for name, job in reconcile_jobs.items()]
        + list(housekeeping.SCHEDULES),
        resources={"lockstep": lockstep},
        executor=dg.in_process_executor,
    )


@dg.definitions
def definitions() -> dg.Definitions:
    """Read the configuration and build the definitions."""
    installation = load()
    return build(installation, Lockstep(installation))
