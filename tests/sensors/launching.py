"""What Dagster's daemon does with a sensor's requests, and what the ledger holds of it."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from tests.assets.dagster_run import QUIET
from tests.assets.scene import NAME, Scene
from tests.sensors.test_changes import requests_of, tick

RUN_KEY_TAG = "dagster/run_key"
MOST_TICKS = 12


def launch(scene: Scene, request: dg.RunRequest) -> bool | None:
    """Do as Dagster's daemon: run a request, or skip it (``None``) if its run key was used."""
    tags = dict(request.tags)
    if request.run_key is not None:
        tags[RUN_KEY_TAG] = request.run_key
        if scene.instance.get_runs(dg.RunsFilter(tags={RUN_KEY_TAG: request.run_key}), limit=1):
            return None
    job = live_job(scene)
    result = job.execute_in_process(
        instance=scene.instance,
        partition_key=request.partition_key,
        asset_selection=list(request.asset_selection or []),
        run_config=dict(request.run_config) | QUIET,
        tags=tags,
        raise_on_error=False,
    )
    return result.success


def live_job(scene: Scene) -> dg.JobDefinition:
    """Return the job of the lane's live runs."""
    return scene.job(f"live_{NAME}")


def recorded(
    scene: Scene, request: dg.RunRequest, status: dg.DagsterRunStatus, **tags: str
) -> dg.DagsterRun:
    """Record a run of the request that ended, or stays, in this status without doing anything."""
    return scene.instance.create_run_for_job(
        live_job(scene),
        run_config=dict(request.run_config),
        tags={**request.tags, "dagster/partition": str(request.partition_key), **tags},
        status=status,
        asset_selection=frozenset(request.asset_selection or ()),
    )


def start_at(scene: Scene, moment: datetime, stream: str = "orders") -> None:
    """Let a stream have been captured up to a moment."""
    scene.sql(
        "INSERT INTO sync.watermark (connection, stream, watermark) VALUES (%s, %s, %s) "
        "RETURNING 1",
        NAME,
        stream,
        moment,
    )


def watermark(scene: Scene, stream: str = "orders") -> datetime:
    """Return how far a stream has been captured."""
    [(moment,)] = scene.sql("SELECT watermark FROM sync.watermark WHERE stream = %s", stream)
    assert isinstance(moment, datetime)
    return moment


def midnight() -> datetime:
    """Return when today started."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def run_until_quiet(scene: Scene) -> list[bool]:
    """Tick and launch as the daemon does until a tick requests nothing."""
    results: list[bool] = []
    for _ in range(MOST_TICKS):
        requests = requests_of(tick(scene))
        if not requests:
            return results
        launched = [launch(scene, request) for request in requests]
        assert None not in launched, "Dagster skips a request whose run key it has seen"
        results += [bool(success) for success in launched]
    raise AssertionError(f"still not in step after {MOST_TICKS} ticks")
