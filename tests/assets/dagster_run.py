"""A run of chains through Dagster, in this process, with an instance in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from unittest import mock

import dagster as dg
from dagster._core.storage.event_log import in_memory as event_log_in_memory
from dagster._core.storage.runs import in_memory as runs_in_memory

from domain.values import Partition

Json = dict[str, Any]
QUIET: Json = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_chains(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    connection: str,
    streams: Sequence[str],
    first: date | Partition,
    last: date | Partition,
    *,
    steps: Sequence[str],
    config: Json | None = None,
    trigger: str = "",
    raise_on_error: bool = True,
) -> dg.ExecuteInProcessResult:
    """Run steps of a connection's chains over partitions: one by key, several as a range."""
    keys = [dg.AssetKey([connection, f"{stream}_{step}"]) for stream in streams for step in steps]
    tags = {"sync/trigger": trigger} if trigger else {}
    where: dict[str, Any] = {"partition_key": str(first)}
    if first != last:
        tags |= {
            "dagster/asset_partition_range_start": str(first),
            "dagster/asset_partition_range_end": str(last),
        }
        where = {}
    run_config = QUIET | ({"ops": config} if config else {})
    return job.execute_in_process(
        instance=instance,
        asset_selection=keys,
        run_config=run_config,
        tags=tags,
        raise_on_error=raise_on_error,
        **where,
    )


def ephemeral_instance() -> dg.DagsterInstance:
    """Return an instance in memory, without the revision by which a database is migrated.

    To write that revision, Dagster would load all of its migrations, twice for each instance.
    """
    with (
        mock.patch.object(event_log_in_memory, "stamp_alembic_rev"),
        mock.patch.object(runs_in_memory, "stamp_alembic_rev"),
    ):
        return dg.DagsterInstance.ephemeral()
