"""The sensor ``heartbeat``: checks every stream against its limits, and the stores' webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import dagster as dg

from assets.error_redaction import safe_text
from assets.event_checks import ensure_webhooks
from assets.health import (
    Health,
    HealthResult,
    read_health,
)
from domain.connections import Installation
from domain.errors import LockstepError
from domain.exchange import Alert
from domain.parsing.text import plural
from domain.ports import Notifier
from domain.values import LONG_AGO
from resources.lockstep import Lockstep
from sensors.open_checks import changed_checks, open_counts
from sensors.parallel import side_by_side

EVERY_SECONDS = 30
REPEAT = timedelta(hours=1)
"""An unchanged result is reported again after this long: its age shows that the daemon lives.

Not more often: the event log keeps each result forever.
"""
WEBHOOKS_EVERY = timedelta(minutes=10)
WEBHOOKS_DEADLINE_SECONDS = 20.0
"""A tick is killed by Dagster at 60 s, and its results are lost then."""
WEBHOOKS_AT_ONCE = 4
STUCK_PAUSE = 20
"""Reading stuck records looks through all captures; the pause after it is that much longer."""
MOST_LINES = 30
"""Lines of one alert; while alerts can't be sent, the newest lines are kept."""


class Memory(NamedTuple):
    """The sensor's cursor."""

    reported: Mapping[str, tuple[str, str]]
    """``connection/stream/check`` -> (signature, time of the report)."""
    webhooks: Mapping[str, datetime]
    """When each connection's webhooks were last checked."""
    read_stuck_after: datetime
    unsent: Sequence[str] = ()
    """Lines of alerts that could not be sent yet."""
    since: Mapping[str, str] = {}
    """Since when each result holds, by the place of its report."""
    open: Mapping[str, int] = {}
    """How many records were kept out or due, by ``connection/stream/check``."""


def build_heartbeat_sensor(
    installation: Installation, lockstep: Lockstep, notifier: Callable[[], Notifier] | None = None
) -> dg.SensorDefinition:
    """Build the sensor that evaluates the health checks of all streams, without a run.

    With a ``notifier`` it sends an alert when a check fails, and when it recovers.
    """

    @dg.sensor(
        name="heartbeat",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Checks every stream against its connection's limits, and registers again the "
        "webhooks that a store has switched off.",
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
    """Report the results that changed or are an hour old, and check the webhooks that are due.

    A store whose webhooks can't be checked hides no stream's alert.
    """
    now = datetime.now(UTC)
    memory = parse(context.cursor)
    with_stuck = now >= memory.read_stuck_after
    health = read_health(lockstep, with_stuck=with_stuck)
    read_stuck_after = memory.read_stuck_after
    if with_stuck:
        read_stuck_after = now + STUCK_PAUSE * (datetime.now(UTC) - now)
    found = _report(installation, health, memory, now)
    events = [*changed_checks(lockstep, health.statuses, memory.open), *found.events]
    due = [n for n in _webhooks_due(installation, memory, now) if _is_started(health, n)]
    for line in _ensure_webhooks(lockstep, due):
        context.log.warning(line)
    lines = [*memory.unsent, *found.lines]
    unsent = _send(context, notifier, lines) if notifier is not None else []
    kept = Memory(
        found.reported,
        {**memory.webhooks, **dict.fromkeys(due, now)},
        read_stuck_after,
        unsent,
        found.since,
        open_counts(health.statuses),
    )
    return dg.SensorResult(
        asset_events=events, skip_reason=None if events else "No result changed.", cursor=dump(kept)
    )


class Report(NamedTuple):
    """What a tick reports of the streams, and what the next tick needs to know of it."""

    events: list[dg.AssetCheckEvaluation]
    lines: list[str]
    """Of the alert."""
    reported: dict[str, tuple[str, str]]
    since: dict[str, str]


def _report(installation: Installation, health: Health, memory: Memory, now: datetime) -> Report:
    """Collect the results that changed or are an hour old, and the alert's lines."""
    report = Report([], [], dict(memory.reported), dict(memory.since))
    for name, connection in installation.connections.items():
        for stream in connection.streams:
            for result in health.results((name, stream)):
                place = f"{name}/{stream}/{result.check}"
                before = report.reported.get(place)
                report.lines.extend(alert_lines(place, before, result))
                if before is None or before[0] != result.signature:
                    report.since[place] = now.isoformat()
                if is_due(before, result, now):
                    held = _moment(report.since.get(place, now.isoformat()))
                    report.events.append(result.to_evaluation(name, stream, held, now))
                    report.reported[place] = (result.signature, now.isoformat())
    return report


def is_due(before: tuple[str, str] | None, result: HealthResult, now: datetime) -> bool:
    """Return whether a result is new, or its last report so old that it is repeated."""
    return (
        before is None
        or before[0] != result.signature
        or now - datetime.fromisoformat(before[1]) >= REPEAT
    )


def alert_lines(place: str, before: tuple[str, str] | None, result: HealthResult) -> list[str]:
    """Return the alert's line where a check fails, fails for another reason, or has recovered."""
    if before is not None and before[0] == result.signature:
        return []
    if not result.passed:
        return [f"{place}: {result.text}"]
    return [f"{place}: recovered"] if before is not None else []


def _send(
    context: dg.SensorEvaluationContext, notifier: Callable[[], Notifier], lines: Sequence[str]
) -> list[str]:
    """Send one alert of all lines; return those that could not be sent, for the next tick."""
    if not lines:
        return []
    text = "\n".join([*lines[-MOST_LINES:], "Run 'lockstep status' for details."])
    try:
        notifier().send(Alert(f"Lockstep: {plural(len(lines), 'check')} changed", text))
    except LockstepError as error:
        context.log.warning(str(error))
        return list(lines[-MOST_LINES:])
    return []


def parse(cursor: str | None) -> Memory:
    """Read the cursor; an unreadable one counts as empty: every result is reported again."""
    try:
        content = json.loads(cursor or "{}")
        reported = {
            str(place): (str(signature), _moment(at).isoformat())
            for place, (signature, at) in content["reported"].items()
        }
        webhooks = {str(name): _moment(at) for name, at in content["webhooks"].items()}
        unsent = list(map(str, content.get("unsent", ())))
        since = {place: _moment(at).isoformat() for place, at in content.get("since", {}).items()}
        open_work = {place: int(number) for place, number in content.get("open", {}).items()}
        return Memory(
            reported, webhooks, _moment(content["read_stuck_after"]), unsent, since, open_work
        )
    except (ValueError, AttributeError, TypeError, KeyError):
        return Memory({}, {}, LONG_AGO)


def dump(memory: Memory) -> str:
    """Write the cursor."""
    webhooks = {name: moment.isoformat() for name, moment in sorted(memory.webhooks.items())}
    return json.dumps(
        {
            "reported": memory.reported,
            "webhooks": webhooks,
            "read_stuck_after": memory.read_stuck_after.isoformat(),
            "unsent": list(memory.unsent),
            "since": memory.since,
            "open": memory.open,
        }
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _is_started(health: Health, name: str) -> bool:
    """Return whether any stream is active: the store of a paused connection is not changed."""
    return any(
        status.state != "paused"
        for (connection, _), status in health.statuses.items()
        if connection == name
    )


def _webhooks_due(installation: Installation, memory: Memory, now: datetime) -> list[str]:
    return [
        name
        for name, connection in installation.connections.items()
        if connection.webhooks is not None
        and now - memory.webhooks.get(name, LONG_AGO) >= WEBHOOKS_EVERY
    ]


def _ensure_webhooks(lockstep: Lockstep, names: Sequence[str]) -> list[str]:
    """Check the webhooks of connections in parallel; return a line for each change and failure."""
    answers = side_by_side(
        {name: partial(ensure_webhooks, lockstep, name) for name in names},
        at_once=WEBHOOKS_AT_ONCE,
        seconds=WEBHOOKS_DEADLINE_SECONDS,
        name="webhooks",
    )
    lines = [
        f"{name}: the store did not answer about its webhooks within "
        f"{WEBHOOKS_DEADLINE_SECONDS:.0f} s"
        for name in answers.late
    ]
    lines += [
        f"{name}: the webhooks could not be checked; polling continues: {safe_text(error)}"
        for name, error in answers.errors.items()
    ]
    return lines + [f"{name}: {line}" for name, found in answers.results.items() for line in found]
