"""The factory: builds the three assets of one stream of one connection, and its systems.

Without ``from __future__ import annotations``: Dagster reads the types of config and resource from
the functions' annotations.
"""

from collections.abc import Sequence
from typing import Any, cast

import dagster as dg

from assets.chain import steps
from assets.chain.checks import ALL_DELIVERED, HAS_OUTCOME, NO_REJECTIONS
from assets.chain.keys import (
    CAPTURED,
    DELIVERED,
    VALIDATED,
    asset_key,
    chain_keys,
    source_key,
    target_key,
)
from assets.chain.metadata import doc_link
from assets.chain.run_config import CaptureConfig, DeliverConfig, ValidateConfig
from assets.chain.step import Step
from assets.chain.stream import Stream
from domain.connections import Connection
from domain.values import DAY, HOUR
from resources.lockstep import Lockstep

Context = dg.AssetExecutionContext
BACKFILL_PARTITIONS_PER_RUN = {DAY: 15, HOUR: 48}
"""A backfill's run holds an API for at most this long before a live run gets its turn."""
RETRIES = dg.RetryPolicy(
    max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


def build_chain(
    name: str,
    connection: Connection,
    stream: Stream[Any],
    partitions: dg.PartitionsDefinition[str],
    docs: str,
) -> list[dg.AssetsDefinition]:
    """Build the steps captured, validated and delivered of one stream."""
    platform, oms = connection.platform.kind, connection.oms.kind
    source, target = (platform, oms) if stream.to_oms else (oms, platform)
    common: dict[str, Any] = {
        "group_name": name,
        "partitions_def": partitions,
        "owners": [connection.owner],
        "backfill_policy": dg.BackfillPolicy.multi_run(
            BACKFILL_PARTITIONS_PER_RUN[connection.grain]
        ),
        "retry_policy": RETRIES,
        "tags": {"sync/connection": name, "sync/stream": stream.name},
    }

    def described(text: str) -> dict[str, Any]:
        return common | {"description": text}

    return [
        _captured(name, stream, source, described(_captured_text(stream, source, docs))),
        _validated(name, stream, described(_validated_text(stream, docs))),
        _delivered(name, stream, target, described(_delivered_text(stream, target, docs))),
    ]


def _captured(
    name: str, stream: Stream[Any], source: str, common: dict[str, Any]
) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key(name, stream.name, CAPTURED),
        deps=[source_key(name, source)],
        kinds={stream.name, source},
        pool=f"{source}_{name}",
        **common,
    )
    def captured(
        context: Context, config: CaptureConfig, lockstep: dg.ResourceParam[Lockstep]
    ) -> dg.MaterializeResult:
        return steps.captured(Step(context, lockstep, name, stream, CAPTURED), config, stream)

    return cast("dg.AssetsDefinition", captured)


def _validated(name: str, stream: Stream[Any], common: dict[str, Any]) -> dg.AssetsDefinition:
    key = asset_key(name, stream.name, VALIDATED)

    @dg.asset(
        key=key,
        deps=[asset_key(name, stream.name, CAPTURED)],
        kinds={stream.name, "pandera"},
        check_specs=[
            dg.AssetCheckSpec(
                HAS_OUTCOME,
                asset=key,
                blocking=True,
                description="Every capture of the partition is accepted, rejected, skipped or "
                "superseded.",
            ),
            dg.AssetCheckSpec(
                NO_REJECTIONS,
                asset=key,
                description="No record of any partition is kept out of delivery.",
            ),
        ],
        **common,
    )
    def validated(
        context: Context, config: ValidateConfig, lockstep: dg.ResourceParam[Lockstep]
    ) -> dg.MaterializeResult:
        return steps.validated(Step(context, lockstep, name, stream, VALIDATED), config, stream)

    return cast("dg.AssetsDefinition", validated)


def _delivered(
    name: str, stream: Stream[Any], target: str, common: dict[str, Any]
) -> dg.AssetsDefinition:
    key = asset_key(name, stream.name, DELIVERED)

    @dg.asset(
        key=key,
        deps=[asset_key(name, stream.name, VALIDATED)],
        kinds={stream.name, target},
        pool=f"{target}_{name}",
        check_specs=[
            dg.AssetCheckSpec(
                ALL_DELIVERED,
                asset=key,
                description="Every accepted record of any partition has reached the target.",
            ),
        ],
        **common,
    )
    def delivered(
        context: Context, config: DeliverConfig, lockstep: dg.ResourceParam[Lockstep]
    ) -> dg.MaterializeResult:
        return steps.delivered(Step(context, lockstep, name, stream, DELIVERED), config, stream)

    return cast("dg.AssetsDefinition", delivered)


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
            "group_name": name,
            "kinds": {system},
            "owners": [connection.owner],
        }
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


def _captured_text(stream: Stream[Any], source: str, docs: str) -> str:
    again = (
        "The source only reports its current state, so a past partition is not read again."
        if stream.is_snapshot
        else "Materialize a partition to read it again; a version that is already stored is "
        "not stored twice."
    )
    return (
        f"{stream.summary}\n\nThis step reads `{source}` and stores every version of every record "
        f"exactly as received. {again}\n\n"
        "**Red?** The source could not be read: see the run's error, then run "
        f"`lockstep doctor`. See {doc_link(docs, 'operations.md', 'Operations')}."
    )


def _validated_text(stream: Stream[Any], docs: str) -> str:
    return (
        f"{stream.summary}\n\nThis step maps each captured record to the canonical form and checks "
        "the batch. A bad record becomes a rejection with its reason; the others continue. After "
        "fixing a mapping, materialize the partition to validate it again.\n\n"
        "**Yellow?** Records are rejected: see the table of the last materialization, or run "
        f"`lockstep rejections list`. See {doc_link(docs, 'rejections.md', 'Rejections')}."
    )


def _delivered_text(stream: Stream[Any], target: str, docs: str) -> str:
    return (
        f"{stream.summary}\n\nThis step sends accepted records to `{target}`. Each takes effect "
        "once: what the target already holds is not sent again, however often a partition is "
        "materialized.\n\n"
        "**Red?** Records could not be sent and stay due: see the run's error; the next run "
        "sends them. `lockstep trace ORDER` shows what happened to one. "
        f"See {doc_link(docs, 'delivery.md', 'Idempotent delivery')}."
    )
