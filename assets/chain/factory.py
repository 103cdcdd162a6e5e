"""The factory: builds the three assets of one stream of one connection.

Without ``from __future__ import annotations``: Dagster reads the config's and the resource's types from the functions' annotations.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from assets.chain import steps
from assets.chain.keys import (
    CAPTURED,
    DELIVERED,
    STEPS,
    VALIDATED,
    asset_key,
    chain_keys,
    source_key,
    target_key,
)
from assets.chain.run_config import CaptureConfig, DeliverConfig, ValidateConfig
from assets.chain.steps import ACCOUNTED_FOR, DELIVERED_IN_FULL, REJECTIONS, Step
from assets.chain.stream import Stream
from domain.connections import Connection
from resources.lockstep import Lockstep

Context = dg.AssetExecutionContext
BACKFILL_PARTITIONS_PER_RUN = 15
"""A backfill's run holds an API for at most so many days' records before a live run's turn comes."""
RETRIES = dg.RetryPolicy(
    max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


def build_chain(
    name: str, connection: Connection, stream: Stream[Any], partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """Build captured -> validated -> delivered of one stream."""
    platform, oms = connection.platform.kind, connection.oms.kind
    source, target = (platform, oms) if stream.to_oms else (oms, platform)
    keys = {step: asset_key(name, stream.name, step) for step in STEPS}
    common: dict[str, Any] = {
        "group_name": name,
        "partitions_def": partitions,
        "owners": [connection.owner],
        "backfill_policy": dg.BackfillPolicy.multi_run(BACKFILL_PARTITIONS_PER_RUN),
        "retry_policy": RETRIES,
        "tags": {"sync/connection": name, "sync/stream": stream.name},
    }

    @dg.asset(
        key=keys[CAPTURED],
        deps=[source_key(name, source)],
        kinds={stream.name, source},
        pool=f"{source}_{name}",
        description=_captured_text(stream, source),
        **common,
    )
    def captured(
        context: Context, config: CaptureConfig, lockstep: dg.ResourceParam[Lockstep]
    ) -> dg.MaterializeResult:
        return steps.captured(Step(context, lockstep, name, stream, CAPTURED), config, stream)

    @dg.asset(
        key=keys[VALIDATED],
        deps=[keys[CAPTURED]],
        kinds={stream.name, "pandera"},
        description=_validated_text(stream),
        check_specs=[
            dg.AssetCheckSpec(
                ACCOUNTED_FOR,
                asset=keys[VALIDATED],
                blocking=True,
                description="Every capture of the partition ended in one of accepted, rejected, skipped, superseded.",
            ),
            dg.AssetCheckSpec(
                REJECTIONS,
                asset=keys[VALIDATED],
                description="No record of the partition is kept out of delivery.",
            ),
        ],
        **common,
    )
    def validated(
        context: Context, config: ValidateConfig, lockstep: dg.ResourceParam[Lockstep]
    ) -> dg.MaterializeResult:
        return steps.validated(Step(context, lockstep, name, stream, VALIDATED), config, stream)

    @dg.asset(
        key=keys[DELIVERED],
        deps=[keys[VALIDATED]],
        kinds={stream.name, target},
        pool=f"{target}_{name}",
        description=_delivered_text(stream, target),
        check_specs=[
            dg.AssetCheckSpec(
                DELIVERED_IN_FULL,
                asset=keys[DELIVERED],
                description="Every accepted record has reached the target.",
            ),
        ],
        **common,
    )
    def delivered(
        context: Context, config: DeliverConfig, lockstep: dg.ResourceParam[Lockstep]
    ) -> dg.MaterializeResult:
        return steps.delivered(Step(context, lockstep, name, stream, DELIVERED), config, stream)

    return [captured, validated, delivered]


def build_systems(
    name: str, connection: Connection, streams: Sequence[Stream[Any]]
) -> list[dg.AssetSpec]:
    """Build the systems at both ends of a connection's chains; nothing materializes them."""
    platform, oms = connection.platform.kind, connection.oms.kind
    specs: list[dg.AssetSpec] = []
    for system, role, sends_to_oms in ((platform, "store", True), (oms, "OMS", False)):
        read = [stream.name for stream in streams if stream.to_oms is sends_to_oms]
        written = [stream.name for stream in streams if stream.to_oms is not sends_to_oms]
        common: dict[str, Any] = {
            "group_name": name, "kinds": {system}, "owners": [connection.owner],
        }  # fmt: skip
        if read:
            text = (
                f"The {role} of the connection as a source: {' and '.join(read)} are read from it."
            )
            specs.append(dg.AssetSpec(source_key(name, system), description=text, **common))
        if written:
            text = f"The {role} of the connection as a target: it receives {' and '.join(written)}."
            deps = chain_keys(name, written, [DELIVERED])
            specs.append(
                dg.AssetSpec(target_key(name, system), deps=deps, description=text, **common)
            )
    return specs


def _captured_text(stream: Stream[Any], source: str) -> str:
    again = (
        "The source only tells its present state, so a past partition is not read again."
        if stream.is_snapshot
        else "Materialize a partition to read that day again; versions that are stored already are not stored twice."
    )
    return (
        f"{stream.summary}\n\nThis step reads {source} and stores every version of every record exactly as it came. {again}\n\n"
        "**Red?** The source could not be read: look at the run's error, then `lockstep doctor`."
    )


def _validated_text(stream: Stream[Any]) -> str:
    return (
        f"{stream.summary}\n\nThis step maps each captured record to the canonical form and checks the batch. A bad record becomes a "
        "rejection with its reason; the good ones go on. Materialize a partition after a mapping was fixed to validate it again.\n\n"
        "**Warned?** Records are rejected: see the table of the last materialization, or `lockstep rejections list`."
    )


def _delivered_text(stream: Stream[Any], target: str) -> str:
    return (
        f"{stream.summary}\n\nThis step brings accepted records to {target}, each exactly once in effect: what the target holds already in "
        "this form is not sent again, however often a partition is materialized.\n\n"
        "**Red?** Records could not be sent and stay due: look at the run's error; the next run sends them. "
        "`lockstep trace ORDER` shows one."
    )
