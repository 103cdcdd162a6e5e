"""Runs jobs in this process, against the persistent Dagster instance."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from assets.chain.keys import DELIVERED, STEPS, VALIDATED, chain_keys
from assets.chain.partitions import place
from assets.chain.run_config import rerun_config
from domain.values import Partition
from orchestration.definitions import build
from orchestration.run_launcher import PROCESS_TAG, own_process
from resources.lockstep import Lockstep

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_partitions(
    lockstep: Lockstep,
    instance: dg.DagsterInstance,
    connection: str,
    streams: Sequence[str],
    first: Partition,
    last: Partition,
    tags: dict[str, str],
    *,
    run_id: str | None = None,
    force: bool = False,
    records: Sequence[str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run the chains of ``streams`` over the partitions ``first`` to ``last`` in one run.

    Raises what a step raised; who needs the run's id then, gives it. ``force`` sends even what the
    target already holds. With ``records``, only these records are processed, as captured: nothing
    is read from the source. The run is tagged with this process, so that run monitoring ends it if
    the process ends first.
    """
    job = build(lockstep.installation, lockstep).resolve_job_def(f"sync_{connection}")
    steps = STEPS if records is None else (VALIDATED, DELIVERED)
    keys = chain_keys(connection, streams, steps)
    ops = {
        name: op
        for s in streams
        for name, op in rerun_config(connection, s, only_records=records, force=force).items()
    }
    partition_key, span = place(first, last)
    return job.execute_in_process(
        instance=instance,
        asset_selection=keys,
        run_config=QUIET | {"ops": ops},
        raise_on_error=True,
        run_id=run_id,
        partition_key=partition_key,
        tags=span | tags | {PROCESS_TAG: own_process()},
    )
