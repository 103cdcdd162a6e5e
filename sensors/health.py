"""The installation's heartbeat: holds every stream against its limits, and looks after the stores' webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import dagster as dg

from assets.error_redaction import safe_text
from assets.health import Judgement, ensure_webhooks, look
from domain.connections import Installation
from domain.errors import LockstepError
from domain.exchange import Alert
from domain.ports import Notifier
from resources.lockstep import Lockstep

EVERY_SECONDS = 30
REPEAT = timedelta(hours=1)
"""An unchanged result is told again so often, so that its age shows that somebody still looks; the event log keeps each for ever."""
HOOKS_EVERY = timedelta(minutes=10)
HOOKS_DEADLINE_SECONDS = 20.0
"""A tick is killed by Dagster at 60 s, and its results are lost then."""

REST = 20
"""The clocks look through all captures: after reading them they are left alone for so many times as long as that took."""
MOST_LINES = 30
"""Lines of one alert; while nobody can be told, the newest are kept."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Memory(NamedTuple):
    """What the sensor remembers between ticks."""

    told: Mapping[str, tuple[str, str]]
    """``connection/stream/check`` -> (signature, when it was told)."""
    hooks: Mapping[str, datetime]
    """When each connection's webhooks were looked after."""
    clocks_rest_until: datetime
    untold: Sequence[str] = ()
    """Lines of an alert that nobody could be told yet."""


def build_heartbeat_sensor(
    installation: Installation, lockstep: Lockstep, notifier: Callable[[], Notifier] | None = None
) -> dg.SensorDefinition:
    """Build the sensor that evaluates the checks ``heartbeat`` and ``nothing_stuck`` of all streams, without a run.

    With a ``notifier`` people are told when a check fails, and when it holds again.
    """

    @dg.sensor(
        name="heartbeat",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Holds every stream against its connection's limits, and registers webhooks again that a store switched off.",
    )
    def heartbeat(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return tick(context, installation, lockstep, notifier)

    return heartbeat


def tick(
    context: dg.SensorEvaluationContext,
    installation: Installation,
    lockstep: Lockstep,
    notifier: Callable[[], Notifier] | None = None,
) -> dg.SensorResult:
    """Tell the results that changed or are an hour old; a store whose webhooks can't be looked after hides no stream's alert."""
    now = datetime.now(UTC)
    memory = parse(context.cursor)
    clocks = now >= memory.clocks_rest_until
    watch = look(lockstep, clocks=clocks)
    rest = memory.clocks_rest_until if not clocks else now + REST * (datetime.now(UTC) - now)
    told = dict(memory.told)
    events: list[dg.AssetCheckEvaluation] = []
    news: list[str] = []
    for name, connection in installation.connections.items():
        for stream in connection.streams:
            for judgement in watch.judgements((name, stream)):
                place = f"{name}/{stream}/{judgement.check}"
                news += line_of(place, told.get(place), judgement)
                if is_due(told.get(place), judgement, now):
                    events.append(judgement.evaluation(name, stream))
                    told[place] = (judgement.signature, now.isoformat())
    due = [
        name
        for name, connection in installation.connections.items()
        if connection.webhooks is not None and now - memory.hooks.get(name, LONG_AGO) >= HOOKS_EVERY
    ]
    for line in _ensure_hooks(lockstep, due):
        context.log.warning(line)
    untold = _tell(context, notifier, [*memory.untold, *news]) if notifier is not None else []
    kept = Memory(told, {**memory.hooks, **dict.fromkeys(due, now)}, rest, untold)
    return dg.SensorResult(
        asset_events=events, skip_reason=None if events else "No result changed.", cursor=dump(kept)
    )


def is_due(told: tuple[str, str] | None, judgement: Judgement, now: datetime) -> bool:
    """Tell whether a result is news, or was told so long ago that it is told again."""
    return (
        told is None
        or told[0] != judgement.signature
        or now - datetime.fromisoformat(told[1]) >= REPEAT
    )


def line_of(place: str, told: tuple[str, str] | None, judgement: Judgement) -> list[str]:
    """Return what people hear of a result: that a check fails for another reason than before, or that it holds again."""
    if told is not None and told[0] == judgement.signature:
        return []
    if not judgement.passed:
        return [f"{place}: {judgement.text}"]
    return [f"{place}: all right again"] if told is not None else []


def _tell(
    context: dg.SensorEvaluationContext, notifier: Callable[[], Notifier], lines: Sequence[str]
) -> list[str]:
    """Send one alert of all lines; return those that nobody could be told, for the next tick."""
    if not lines:
        return []
    text = "\n".join(lines[-MOST_LINES:])
    try:
        notifier().send(
            Alert(
                f"Lockstep: {len(lines)} checks changed", f"{text}\n'lockstep status' tells more."
            )
        )
    except LockstepError as error:
        context.log.warning(str(error))
        return list(lines[-MOST_LINES:])
    return []


def parse(cursor: str | None) -> Memory:
    """Read the cursor; an unreadable one counts as empty, which costs telling every result once more."""
    try:
        content = json.loads(cursor or "{}")
        told = {
            str(place): (str(signature), _moment(at).isoformat())
            for place, (signature, at) in content["told"].items()
        }
        hooks_at = {str(name): _moment(at) for name, at in content["hooks"].items()}
        return Memory(
            told,
            hooks_at,
            _moment(content["clocks_rest_until"]),
            list(map(str, content.get("untold", ()))),
        )
    except (ValueError, AttributeError, TypeError, KeyError):
        return Memory({}, {}, LONG_AGO)


def dump(memory: Memory) -> str:
    """Write the cursor."""
    hooks_at = {name: moment.isoformat() for name, moment in sorted(memory.hooks.items())}
    rest = {
        "clocks_rest_until": memory.clocks_rest_until.isoformat(),
        "untold": list(memory.untold),
    }
    return json.dumps({"told": memory.told, "hooks": hooks_at} | rest)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _ensure_hooks(lockstep: Lockstep, names: Sequence[str]) -> list[str]:
    """Look after the webhooks of these connections side by side; return a line for each change and each failure."""
    if not names:
        return []
    pool = ThreadPoolExecutor(max_workers=min(4, len(names)), thread_name_prefix="hooks")
    futures: dict[Any, str] = {pool.submit(ensure_webhooks, lockstep, name): name for name in names}
    done, late = wait(futures, timeout=HOOKS_DEADLINE_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    lines = [
        f"{futures[future]}: the store did not answer about its webhooks within {HOOKS_DEADLINE_SECONDS:.0f} s"
        for future in late
    ]
    for future in done:
        error = future.exception()
        if error is not None:
            lines.append(
                f"{futures[future]}: webhooks could not be looked after; polling goes on: {safe_text(error)}"
            )
        else:
            lines += [f"{futures[future]}: {line}" for line in future.result()]
    return lines
