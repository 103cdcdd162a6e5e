"""A run of chains without Dagster's machinery, which costs more than the steps themselves.

The bodies of the assets run in Dagster's order, with a context that holds what they read of it.
What a run through Dagster adds (events, materializations, checks, retries, its storage) is tested
with ``Scene.run_in_dagster``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import dagster as dg

from assets.chain import steps
from assets.chain.keys import CAPTURED, DELIVERED, STEPS, TRIGGER_TAG, VALIDATED, op_name
from assets.chain.run_config import CaptureConfig, DeliverConfig, ValidateConfig
from assets.chain.step import Step
from assets.streams.registry import STREAMS
from domain.values import Partition
from resources.lockstep import Lockstep

Json = dict[str, Any]
CONFIGS: Mapping[str, type[dg.Config]] = {
    CAPTURED: CaptureConfig,
    VALIDATED: ValidateConfig,
    DELIVERED: DeliverConfig,
}
BLOCKING = dg.AssetCheckSeverity.ERROR


@dataclass
class DirectRun:
    """How a run ended."""

    run_id: str
    failures: dict[str, Exception] = field(default_factory=dict)
    """Name of the step -> why it failed."""

    @property
    def success(self) -> bool:
        """Return whether every step succeeded."""
        return not self.failures


class BlockedError(Exception):
    """A step's own check failed and keeps the following steps back."""


def run_directly(
    lockstep: Lockstep,
    connection: str,
    streams: Sequence[str],
    partitions: Sequence[Partition],
    *,
    chosen: Sequence[str] = STEPS,
    config: Json | None = None,
    trigger: str = "",
    run_id: str | None = None,
    raise_on_error: bool = True,
) -> DirectRun:
    """Run the chosen steps of the streams' chains; a failed step stops its own chain only."""
    ended = DirectRun(run_id or str(uuid4()))
    tags = {TRIGGER_TAG: trigger} if trigger else {}
    stopped: set[str] = set()
    for step in (step for step in STEPS if step in chosen):
        for stream in sorted(set(streams) - stopped):
            name = op_name(connection, stream, step)
            given = (config or {}).get(name, {}).get("config", {})
            context = _Context(ended.run_id, tags, [partition.key for partition in partitions])
            try:
                _run_step(lockstep, connection, stream, step, given, context)
            except Exception as error:
                if raise_on_error:
                    raise
                ended.failures[name] = error
                stopped.add(stream)
    return ended


def _run_step(
    lockstep: Lockstep, connection: str, stream: str, step: str, given: Json, context: _Context
) -> None:
    body = getattr(steps, step)
    tries = 0
    while True:
        one = Step(context, lockstep, connection, STREAMS[stream], step)  # type: ignore[arg-type]
        try:
            result = body(one, CONFIGS[step](**given), STREAMS[stream])
        except dg.RetryRequested as again:
            tries += 1
            if tries > again.max_retries:
                raise
            time.sleep(again.seconds_to_wait or 0)
            continue
        break
    for check in result.check_results or ():
        if not check.passed and check.severity is BLOCKING:
            raise BlockedError(f"{stream}_{step}: {check.check_name}: {check.description}")


class _Context:
    """As much of Dagster's context as a step reads."""

    def __init__(self, run_id: str, tags: Mapping[str, str], keys: Sequence[str]) -> None:
        self.run = SimpleNamespace(run_id=run_id, tags=dict(tags))
        self.partition_keys = list(keys)
        self.log = SimpleNamespace(info=lambda _: None)

    def add_asset_metadata(self, metadata: Mapping[str, Any], *, partition_key: str) -> None:
        """Refuse what Dagster would refuse: a value of no kind of metadata, a foreign partition."""
        assert partition_key in self.partition_keys
        dg.AssetMaterialization("step", metadata=metadata, partition=partition_key)
