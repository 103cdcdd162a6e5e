"""The sensors ``unfinished``: request runs for captures and records that a run left unfinished."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets.chain.keys import DELIVERED, LIVE, TRIGGER_TAG, VALIDATED, chain_keys
from assets.chain.run_config import unfinished_config
from domain.connections import Installation
from resources.lockstep import Lockstep
from sensors.changes import ACTIVE

EVERY_SECONDS = 60
REPEAT_SECONDS = 300
"""The same partition is requested at most so often."""
AT_ONCE = 5


def build_requeue_sensor(
    name: str, installation: Installation, lockstep: Lockstep, job: Any
) -> dg.SensorDefinition:
    """Build the sensor that requests runs over a connection's unfinished partitions."""

    @dg.sensor(
        name=f"unfinished_{name}",
        job=job,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Finds partitions with records that a failed or killed run left without an "
        "outcome, and requests runs to finish them.",
    )
    def unfinished(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        return tick(context, name, installation, lockstep)

    return unfinished


def tick(
    context: dg.SensorEvaluationContext, name: str, installation: Installation, lockstep: Lockstep
) -> dg.SensorResult | dg.SkipReason:
    """Request at most ``AT_ONCE`` runs, and none while a run of the connection may finish them."""
    now = datetime.now(UTC)
    if context.instance.get_runs(
        dg.RunsFilter(statuses=ACTIVE, tags={"sync/connection": name}), limit=1
    ):
        return dg.SkipReason("A run of the connection is active.")
    if _is_live_active(context.instance, name):
        return dg.SkipReason("A live run of the connection is active.")
    requests: list[dg.RunRequest] = []
    bucket = int(now.timestamp()) // REPEAT_SECONDS
    for stream in installation.connections[name].streams:
        with lockstep.ledger.session(name, stream) as session:
            days = session.records.days_pending()
        requests += [
            dg.RunRequest(
                run_key=f"{name}:{stream}:{day.isoformat()}:{bucket}",
                partition_key=day.isoformat(),
                asset_selection=chain_keys(name, [stream], [VALIDATED, DELIVERED]),
                run_config={"ops": unfinished_config(name, stream)},
                tags={TRIGGER_TAG: "requeue"},
            )
            for day in days[:AT_ONCE]
        ]
    return (
        dg.SensorResult(run_requests=requests[:AT_ONCE])
        if requests
        else dg.SkipReason("No record is unfinished.")
    )


def _is_live_active(instance: dg.DagsterInstance, name: str) -> bool:
    runs = instance.get_runs(dg.RunsFilter(statuses=ACTIVE, tags={TRIGGER_TAG: LIVE}))
    return any(
        chain.startswith(f"{name}/")
        for run in runs
        for chain in run.tags.get("sync/chains", "").split(",")
    )
