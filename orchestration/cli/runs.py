"""Runs that a command executes in its own process, in chunks of partitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import click
import dagster as dg

from assets.chain.keys import TRIGGER_TAG
from assets.streams.registry import STREAMS
from domain.connections import Installation
from domain.errors import LockstepError, PermanentError
from domain.values import Grain, Partition
from orchestration.local import in_process
from orchestration.local.instance import open_instance
from resources.ledger.monitoring.status import run_counts
from resources.lockstep import Lockstep


@dataclass(frozen=True)
class Chunk:
    """The partitions ``first`` to ``last`` of some streams, for one run."""

    streams: tuple[str, ...]
    first: Partition
    last: Partition
    records: tuple[str, ...] | None = None
    """Only these records, as captured; by default the whole partitions are read again."""

    def __str__(self) -> str:
        span = str(self.first) if self.first == self.last else f"{self.first} to {self.last}"
        return f"{'+'.join(self.streams)} {span}"


@dataclass(frozen=True)
class Outcome:
    """The result of a chunk's run; ``error`` is empty if it succeeded."""

    chunk: Chunk
    run_id: str
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""

    def __str__(self) -> str:
        def number(name: str) -> int:
            return self.counts.get(name, 0)

        text = (
            f"{number('captured.read')} read, {number('captured.captured')} new, "
            f"{number('validated.accepted')} accepted, {number('validated.rejected')} rejected, "
            f"{number('delivered.delivered')} delivered, {number('delivered.unchanged')} unchanged"
        )
        return f"{text}; FAILED: {self.error}" if self.error else text


def span_of(first: date, last: date, grain: Grain) -> tuple[Partition, Partition]:
    """Return the first and the last partition of some days; none of the future exists."""
    present = Partition.of(datetime.now(UTC), grain)
    return Partition.of_day(first).by(grain)[0], min(Partition.of_day(last).by(grain)[-1], present)


def chunks(streams: Sequence[str], first: Partition, last: Partition, days: int) -> list[Chunk]:
    """Split the partitions into chunks of at most ``days``, stream by stream as data flows.

    A snapshot source has no past: of partitions up to the current one, only that one is read.
    """
    present = Partition.of(datetime.now(UTC), first.grain)
    found: list[Chunk] = []
    for stream in (name for name in STREAMS if name in streams):
        start = first
        if STREAMS[stream].is_snapshot and first < present == last:
            start = present
        while start <= last:
            beyond = Partition.of(start.start + timedelta(days=days), start.grain)
            end = max(partition for partition in start.to(last) if partition < beyond)
            found.append(Chunk((stream,), start, end))
            start = end.next()
    return found


def parse_streams(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Parse a comma-separated list of streams."""
    if value is None:
        return None
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if unknown := [name for name in names if name not in STREAMS]:
        raise click.BadParameter(f"unknown stream {unknown[0]!r}; known: {', '.join(STREAMS)}")
    if not names:
        raise click.BadParameter(f"name at least one of {', '.join(STREAMS)}")
    return names


streams_option = click.option(
    "--streams",
    callback=parse_streams,
    help="Comma-separated, e.g. orders,shipments; default: all of the connection.",
)


def check_days(installation: Installation, first: date, last: date) -> None:
    """Raise ``PermanentError`` where a day has no partition."""
    today = datetime.now(UTC).date()
    if first > last:
        raise PermanentError(f"The first day {first} is after the last day {last}.")
    if first < installation.start_date:
        raise PermanentError(
            f"There are no partitions before {installation.start_date} (start_date in "
            "connections.yaml); set an earlier date there."
        )
    if last > today:
        raise PermanentError(
            f"{last} is in the future; the last partition is today's, {today} (UTC)."
        )


def run_each(
    lockstep: Lockstep,
    connection: str,
    wanted: Sequence[Chunk],
    trigger: str,
    *,
    force: bool = False,
) -> Iterator[Outcome]:
    """Run the chunks one by one; a failed run gives an outcome with its error, no exception."""
    with open_instance() as instance:
        for chunk in wanted:
            yield _run(lockstep, instance, connection, chunk, trigger, force=force)


def _run(
    lockstep: Lockstep,
    instance: dg.DagsterInstance,
    connection: str,
    chunk: Chunk,
    trigger: str,
    *,
    force: bool,
) -> Outcome:
    run_id = str(uuid4())
    error = ""
    try:
        in_process.run_partitions(
            lockstep,
            instance,
            connection,
            chunk.streams,
            chunk.first,
            chunk.last,
            {TRIGGER_TAG: trigger},
            run_id=run_id,
            force=force,
            records=chunk.records,
        )
    except dg.Failure as failure:
        error = str(failure.description)
    except LockstepError as fault:
        error = str(fault)
    except dg.DagsterError as fault:  # such as a check that blocks the rest of the run
        error = " ".join(str(fault).split())
    with lockstep.ledger.session(connection, chunk.streams[0]) as session:
        return Outcome(chunk, run_id, run_counts(session.db, [run_id]), error)
