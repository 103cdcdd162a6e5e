"""Runs jobs in this process, against the persistent Dagster instance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import dagster as dg

from assets.chain.keys import DELIVERED, STEPS, VALIDATED, chain_keys
from assets.chain.run_config import rerun_config
from orchestration.definitions import build
from resources.lockstep import Lockstep

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_partitions(
    lockstep: Lockstep,
    instance: dg.DagsterInstance,
    connection: str,
    streams: Sequence[str],
    first: date,
    last: date,
    tags: dict[str, str],
    *,
    force: bool = False,
    records: Sequence[str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run the chains of ``streams`` over the partitions ``first`` to ``last`` in one run.

    Raises what a step raised. ``force`` sends even what the target already holds. With ``records``,
    only these records are processed, as captured: nothing is read from the source.
    """
    job = build(lockstep.installation, lockstep).resolve_job_def(f"sync_{connection}")
    steps = STEPS if records is None else (VALIDATED, DELIVERED)
    keys = chain_keys(connection, streams, steps)
    ops = {
        name: op
        for s in streams
        for name, op in rerun_config(connection, s, only_records=records, force=force).items()
    }
    span = {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }
    return job.execute_in_process(
        instance=instance,
        asset_selection=keys,
        run_config=QUIET | {"ops": ops},
        raise_on_error=True,
        partition_key=first.isoformat() if first == last else None,
        tags=tags if first == last else span | tags,
    )
