"""The installation's heartbeat: holds every stream against its limits, and looks after the stores' webhooks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import dagster as dg

from assets import hooks
from assets.checks import Judgement, look
from assets.faults import safe_text
from assets.runtime import Lockstep
from domain.connections import Installation

EVERY_SECONDS = 30
REPEAT = timedelta(hours=1)
"""An unchanged result is told again so often, so that its age shows that somebody still looks; the event log keeps each for ever."""
HOOKS_EVERY = timedelta(minutes=10)
HOOKS_DEADLINE_SECONDS = 20.0
"""A tick is killed by Dagster at 60 s, and its results are lost then."""

REST = 20
"""The clocks look through all captures: after reading them they are left alone for so many times as long as that took."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Memory(NamedTuple):
    """What the sensor remembers between ticks."""

    told: Mapping[str, tuple[str, str]]
    """``connection/stream/check`` -> (signature, when it was told)."""
    hooks: Mapping[str, datetime]
    """When each connection's webhooks were looked after."""
    clocks_rest_until: datetime


def build_heartbeat_sensor(installation: Installation, lockstep: Lockstep) -> dg.SensorDefinition:
    """Build the sensor that evaluates the checks ``heartbeat`` and ``nothing_stuck`` of all streams, without a run."""

    @dg.sensor(
        name="heartbeat",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Holds every stream against its connection's limits, and registers webhooks again that a store switched off.",
    )
    def heartbeat(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return tick(context, installation, lockstep)

    return heartbeat


def tick(context: dg.SensorEvaluationContext, installation: Installation, lockstep: Lockstep) -> dg.SensorResult:
    """Tell the results that changed or are an hour old; a store whose webhooks can't be looked after hides no stream's alert."""
    now = datetime.now(UTC)
    memory = parse(context.cursor)
    clocks = now >= memory.clocks_rest_until
    watch = look(lockstep, clocks=clocks)
    rest = memory.clocks_rest_until if not clocks else now + REST * (datetime.now(UTC) - now)
    told = dict(memory.told)
    events: list[dg.AssetCheckEvaluation] = []
    for name, connection in installation.connections.items():
        for stream in connection.streams:
            for judgement in watch.judgements((name, stream)):
                place = f"{name}/{stream}/{judgement.check}"
                if is_due(told.get(place), judgement, now):
                    events.append(judgement.evaluation(dg.AssetKey([name, stream, "delivered"])))
                    told[place] = (judgement.signature, now.isoformat())
    due = [
        name for name, connection in installation.connections.items()
        if connection.webhooks is not None and now - memory.hooks.get(name, LONG_AGO) >= HOOKS_EVERY
    ]  # fmt: skip
    for line in _ensure_hooks(lockstep, due):
        context.log.warning(line)
    kept = Memory(told, {**memory.hooks, **dict.fromkeys(due, now)}, rest)
    return dg.SensorResult(asset_events=events, skip_reason=None if events else "No result changed.", cursor=dump(kept))


def is_due(told: tuple[str, str] | None, judgement: Judgement, now: datetime) -> bool:
    """Tell whether a result is news, or was told so long ago that it is told again."""
    return told is None or told[0] != judgement.signature or now - datetime.fromisoformat(told[1]) >= REPEAT


def parse(cursor: str | None) -> Memory:
    """Read the cursor; an unreadable one counts as empty, which costs telling every result once more."""
    try:
        content = json.loads(cursor or "{}")
        told = {str(place): (str(signature), _moment(at).isoformat()) for place, (signature, at) in content["told"].items()}
        hooks_at = {str(name): _moment(at) for name, at in content["hooks"].items()}
        return Memory(told, hooks_at, _moment(content["clocks_rest_until"]))
    except (ValueError, AttributeError, TypeError, KeyError):
        return Memory({}, {}, LONG_AGO)


def dump(memory: Memory) -> str:
    """Write the cursor."""
    hooks_at = {name: moment.isoformat() for name, moment in sorted(memory.hooks.items())}
    return json.dumps({"told": memory.told, "hooks": hooks_at, "clocks_rest_until": memory.clocks_rest_until.isoformat()})


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _ensure_hooks(lockstep: Lockstep, names: Sequence[str]) -> list[str]:
    """Look after the webhooks of these connections side by side; return a line for each change and each failure."""
    if not names:
        return []
    pool = ThreadPoolExecutor(max_workers=min(4, len(names)), thread_name_prefix="hooks")
    futures: dict[Any, str] = {pool.submit(hooks.ensure, lockstep, name): name for name in names}
    done, late = wait(futures, timeout=HOOKS_DEADLINE_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    lines = [f"{futures[future]}: the store did not answer about its webhooks within {HOOKS_DEADLINE_SECONDS:.0f} s" for future in late]
    for future in done:
        error = future.exception()
        if error is not None:
            lines.append(f"{futures[future]}: webhooks could not be looked after; polling goes on: {safe_text(error)}")
        else:
            lines += [f"{futures[future]}: {line}" for line in future.result()]
    return lines
