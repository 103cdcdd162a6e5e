"""The sensors ``unfinished``: request runs for captures and records that a run left unfinished."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from assets.chain.keys import DELIVERED, REQUEUE, TRIGGER_TAG, VALIDATED, chain_keys
from assets.chain.run_config import unfinished_config
from assets.error_redaction import safe_text
from assets.streams.inventory.plan import make_changed_due
from assets.streams.prices import plan as prices_plan
from domain.connections import ACTIONS, INVENTORY, PRICES, RETURNS, Installation
from domain.errors import LockstepError
from domain.parsing.text import plural
from domain.values import LONG_AGO, Grain, Partition, doubled
from resources.ledger.monitoring.activation import activations
from resources.ledger.monitoring.outages import note_answering
from resources.ledger.records.actions import Actions
from resources.ledger.rejections.recovery import retry_unreached
from resources.ledger.session import Session
from resources.lockstep import Lockstep
from resources.sync import Sync
from sensors.attempts import (
    ATTEMPT_TAG,
    CHAINS_TAG,
    CONNECTION_TAG,
    Attempt,
    Attempts,
    covers,
    of_unfinished,
)
from sensors.targets import Targets, read_targets

MAKES_DUE: Mapping[str, Callable[[Sync, Session], int]] = {
    INVENTORY: make_changed_due,
    PRICES: prices_plan.make_changed_due,
}
"""Streams whose records mean something else where the policy or the catalog has changed."""
EVERY_SECONDS = 30
"""So soon is it noticed that a failing target answers again."""
REPEAT_SECONDS, LONGEST_REPEAT_SECONDS = 300, 900
"""How long a partition waits after a run, and at most after several that failed."""
AT_ONCE = 5
"""Runs of a connection that are requested or under way."""


def build_requeue_sensor(
    name: str, installation: Installation, lockstep: Lockstep, job: Any
) -> dg.SensorDefinition:
    """Build the sensor that requests runs over a connection's unfinished partitions."""

    @dg.sensor(
        name=f"unfinished_{name}",
        job=job,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Finds partitions with records that a failed or killed run left without an "
        "outcome, and requests runs to finish them.",
    )
    def unfinished(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        return tick(context, name, installation, lockstep)

    return unfinished


def tick(
    context: dg.SensorEvaluationContext, name: str, installation: Installation, lockstep: Lockstep
) -> dg.SensorResult | dg.SkipReason:
    """Request at most ``AT_ONCE`` runs: first for the partitions that were tried least recently.

    A partition on which any run works is left to that run; other partitions do not wait for it.
    """
    now = datetime.now(UTC)
    tags = {TRIGGER_TAG: REQUEUE, CONNECTION_TAG: name}
    attempts = of_unfinished(context.instance, tags, now)
    connection = installation.connections[name]
    with lockstep.ledger.session(name, "") as session:
        states = activations(session.db, name, connection.streams)
    paused = [one for one in states if not one.active]
    active = [one for one in connection.streams if one not in {p.stream for p in paused}]
    unfinished = [
        (stream, partition)
        for stream in active
        for partition in _unfinished(context, name, stream, lockstep, connection.grain)
    ]
    pending = _existing(context, installation, unfinished, now)
    targets = read_targets(lockstep, name, active)
    end_outages(lockstep, name, targets, {stream for stream, _ in pending})
    idle = [
        place for place in pending if not any(covers(run, name, *place) for run in attempts.active)
    ]
    due = _in_turn(name, idle, attempts, targets, now)
    under_way = sum(run.tags.items() >= tags.items() for run in attempts.active)
    chosen = due[: max(0, AT_ONCE - under_way)]
    if chosen:
        return dg.SensorResult(
            run_requests=[_request(name, *place, _last(name, place, attempts)) for place in chosen]
        )
    if not pending:
        return dg.SkipReason(". ".join(["No record is unfinished", *map(str, paused)]) + ".")
    return dg.SkipReason(" ".join([_numbers(pending, idle, due), *targets.lines(now)]))


def _numbers(pending: Sequence[object], idle: Sequence[object], due: Sequence[object]) -> str:
    """Return how many partitions are unfinished, and what they wait for."""
    return (
        f"{plural(len(pending), 'unfinished partition')}: {len(pending) - len(idle)} with a run, "
        f"{len(idle) - len(due)} paused after their last run, {len(due)} waiting for their turn."
    )


def _existing(
    context: dg.SensorEvaluationContext,
    installation: Installation,
    pending: Sequence[tuple[str, Partition]],
    now: datetime,
) -> list[tuple[str, Partition]]:
    """Return what Dagster has partitions for: a request of another one would fail the whole tick.

    There is none before ``start_date``, which may have been moved, nor after the current one, where
    a source whose clock is ahead dates its changes.
    """
    existing = [place for place in pending if installation.start <= place[1].start <= now]
    for stream, partition in sorted(set(pending) - set(existing)):
        context.log.warning(
            f"{stream} {partition} has unfinished records, but there is no such partition: the "
            f"first is {installation.start_date} (start_date in connections.yaml), the last is the "
            "present one."
        )
    return existing


def _unfinished(
    context: dg.SensorEvaluationContext, name: str, stream: str, lockstep: Lockstep, grain: Grain
) -> list[Partition]:
    """Return a stream's partitions with something to do, and retry what the target missed."""
    if stream in MAKES_DUE:
        _make_changed_due(context, name, stream, lockstep)
    with lockstep.ledger.session(name, stream) as session:
        found = session.partitions.pending(grain)
        if stream == RETURNS:  # their payments are decided late
            found += [p for p in session.refunds.open_partitions(grain) if p not in found]
        if stream == ACTIONS and not found and Actions(session.db, name).has_unreported():
            found = [Partition.of(datetime.now(UTC), grain)]
        if reruns := retry_unreached(session):
            context.log.info(
                f"{name}/{stream}: {len(reruns)} retries of what the target did not answer."
            )
    return found


def _make_changed_due(
    context: dg.SensorEvaluationContext, name: str, stream: str, lockstep: Lockstep
) -> None:
    """Make the levels or prices due that mean something else now.

    A run that writes them at this moment keeps the lock; it, or the next tick, does the same.
    """
    try:
        sync = lockstep.sync(name, REQUEUE)
        with (
            lockstep.ledger.session(name, stream) as session,
            session.writer_lock_if_free() as is_free,
        ):
            if is_free and (number := MAKES_DUE[stream](sync, session)):
                context.log.info(f"{name}/{stream}: {plural(number, 'record')} due again.")
    except LockstepError as error:
        # Other streams do not wait for it: a run states the same error.
        context.log.warning(f"{name}/{stream}: {safe_text(error)}")


def end_outages(lockstep: Lockstep, name: str, targets: Targets, pending: Collection[str]) -> None:
    """End the outages of targets that answer and have nothing to take that would show it."""
    for stream in targets.outages:
        if targets.is_failing(stream) and stream not in {*targets.errors, *pending}:
            with lockstep.ledger.session(name, stream) as session:
                retry_unreached(session, note_answering(session.db, name, stream))


def _in_turn(
    name: str,
    places: Sequence[tuple[str, Partition]],
    attempts: Attempts,
    targets: Targets,
    now: datetime,
) -> list[tuple[str, Partition]]:
    """Return the partitions that may be requested, those never tried first, then the oldest.

    Of a stream whose target fails, one partition shows whether it takes records again.
    """
    due: list[tuple[datetime, Partition, str]] = []
    for stream, partition in places:
        last = _last(name, (stream, partition), attempts)
        pause = pause_between_runs(last) if last else timedelta(0)
        if targets.is_due(stream, last, pause, now):
            due.append((last.ended_at if last else LONG_AGO, partition, stream))
    chosen: list[tuple[str, Partition]] = []
    for _, partition, stream in sorted(due):
        is_tried = any(stream == other for other, _ in chosen)
        if not (targets.is_failing(stream) and is_tried):
            chosen.append((stream, partition))
    return chosen


def pause_between_runs(attempt: Attempt) -> timedelta:
    """Return how long a partition waits: longer after each run in a row that failed."""
    first, longest = timedelta(seconds=REPEAT_SECONDS), timedelta(seconds=LONGEST_REPEAT_SECONDS)
    return doubled(first, attempt.number, longest)


def _last(name: str, place: tuple[str, Partition], attempts: Attempts) -> Attempt | None:
    stream, partition = place
    return attempts.last.get((f"{name}/{stream}", partition))


def _request(name: str, stream: str, partition: Partition, last: Attempt | None) -> dg.RunRequest:
    """Return the request of a run, without a run key: Dagster never runs the same key again."""
    return dg.RunRequest(
        partition_key=partition.key,
        asset_selection=chain_keys(name, [stream], [VALIDATED, DELIVERED]),
        run_config={"ops": unfinished_config(name, stream)},
        tags={
            TRIGGER_TAG: REQUEUE,
            CONNECTION_TAG: name,
            CHAINS_TAG: f"{name}/{stream}",
            ATTEMPT_TAG: str(last.number + 1 if last else 1),
        },
    )
