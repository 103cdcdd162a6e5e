"""Runs that a command makes in its own process, in bounded chunks of partitions, with a line of progress each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import dagster as dg

from assets.chain.keys import TRIGGER_TAG
from assets.streams.registry import STREAMS
from domain.connections import Installation
from domain.errors import LockstepError, PermanentError
from orchestration.local import in_process
from orchestration.local.instance import open_instance
from resources.ledger.monitoring.status import run_counts
from resources.lockstep import Lockstep

REQUEST_TAG = "sync/request"
"""Finds the run of a request that raised before its id was known."""


@dataclass(frozen=True)
class Chunk:
    """Partitions ``first`` to ``last`` of streams that one run takes."""

    streams: tuple[str, ...]
    first: date
    last: date
    records: tuple[str, ...] | None = None
    """Only these records, as they were captured; by default the partitions are read again, whole."""

    def __str__(self) -> str:
        days = str(self.first) if self.first == self.last else f"{self.first} to {self.last}"
        return f"{'+'.join(self.streams)} {days}"


@dataclass(frozen=True)
class Outcome:
    """What became of a chunk's run; ``error`` is empty where it went through."""

    chunk: Chunk
    run_id: str
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""

    def __str__(self) -> str:
        def number(name: str) -> int:
            return self.counts.get(name, 0)

        text = (
            f"{number('captured.read')} read, {number('captured.captured')} new, {number('validated.accepted')} accepted, "
            f"{number('validated.rejected')} rejected, {number('delivered.delivered')} delivered, {number('delivered.unchanged')} unchanged"
        )
        return f"{text}; FAILED: {self.error}" if self.error else text


def chunks(streams: Sequence[str], first: date, last: date, days: int) -> list[Chunk]:
    """Cut the partitions into chunks of at most ``days``, stream by stream in the order in which data flows.

    A snapshot source only tells its present state: of it nothing but today's partition can be read, whatever the span.
    """
    today = datetime.now(UTC).date()
    cut: list[Chunk] = []
    for stream in (name for name in STREAMS if name in streams):
        start = first
        if STREAMS[stream].is_snapshot and first < today == last:
            start = today
        while start <= last:
            end = min(start + timedelta(days=days - 1), last)
            cut.append(Chunk((stream,), start, end))
            start = end + timedelta(days=1)
    return cut


def check_days(installation: Installation, first: date, last: date) -> None:
    """Raise ``PermanentError`` where a day has no partition."""
    today = datetime.now(UTC).date()
    if first > last:
        raise PermanentError(f"The first day {first} lies after the last day {last}.")
    if first < installation.start_date:
        raise PermanentError(
            f"There are no partitions before {installation.start_date}, which is start_date in connections.yaml; set an earlier day there."
        )
    if last > today:
        raise PermanentError(f"{last} lies ahead; the last partition is today's, {today} (UTC).")


def run_each(
    lockstep: Lockstep,
    connection: str,
    wanted: Sequence[Chunk],
    trigger: str,
    *,
    force: bool = False,
) -> Iterator[Outcome]:
    """Run chunk after chunk against the persistent instance; a failed run ends in an outcome with its error, not in an exception."""
    with open_instance() as on:
        for chunk in wanted:
            yield _run(lockstep, on, connection, chunk, trigger, force=force)


def _run(
    lockstep: Lockstep,
    on: dg.DagsterInstance,
    connection: str,
    chunk: Chunk,
    trigger: str,
    *,
    force: bool,
) -> Outcome:
    request = uuid4().hex
    tags = {TRIGGER_TAG: trigger, REQUEST_TAG: request}
    error = ""
    try:
        in_process.run_partitions(
            lockstep,
            on,
            connection,
            chunk.streams,
            chunk.first,
            chunk.last,
            tags,
            force=force,
            records=chunk.records,
        )
    except dg.Failure as failure:
        error = str(failure.description)
    except LockstepError as fault:
        error = str(fault)
    run = next(iter(on.get_runs(dg.RunsFilter(tags={REQUEST_TAG: request}), limit=1)), None)
    run_id = run.run_id if run else ""
    with lockstep.ledger.session(connection, chunk.streams[0]) as session:
        return Outcome(chunk, run_id, run_counts(session.db, [run_id]), error)
