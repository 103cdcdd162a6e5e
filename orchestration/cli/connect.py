"""``lockstep connect``: checks both systems of a connection and syncs its recent past."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain

import click

from assets.event_checks import ensure_webhooks
from assets.pipeline.capture import source_present
from assets.preflight import new_product_checks, product_checks
from assets.streams.registry import STREAMS
from domain.connections import ACTIONS, Installation
from domain.errors import PermanentError
from domain.exchange import Check
from domain.values import Grain, Partition, Window
from orchestration.cli.context import connection_of
from orchestration.cli.output import examples, print_table
from orchestration.cli.preview import show_preview
from orchestration.cli.runs import Chunk, Outcome, chunks, run_each, span_of
from orchestration.settings import load
from resources.capabilities import capabilities_of
from resources.ledger.monitoring.activation import activations, resume
from resources.lockstep import Lockstep

CHUNK_DAYS = 7


@click.command(
    epilog=examples(
        "lockstep connect acme_us --dry-run",
        "lockstep connect acme_us",
        "lockstep connect acme_us --days 7 --yes",
        exit_codes="0 success, 1 a check or a run failed",
    )
)
@click.argument("connection")
@click.option(
    "--days",
    type=click.IntRange(0, 3650),
    default=90,
    show_default=True,
    help="Days to sync before today.",
)
@click.option("--yes", is_flag=True, help="Send without asking for confirmation.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Check both systems and show what would be sent for sample records; change nothing.",
)
def connect(connection: str, days: int, *, yes: bool, dry_run: bool) -> None:
    """Check both systems of a connection, sync its recent past, and start it.

    A new connection is paused: nothing is read or written until this command has succeeded, or
    'lockstep resume' starts it. Streams paused by an operator stay paused.

    The checks are read-only; if one fails, nothing is sent. Then the streams that have a history
    (such as orders and shipments) are captured, validated and delivered in chunks of 7 days, and
    today's inventory. Live runs continue from the time at which the command started. If the
    connection has a section 'webhooks', the store's webhooks are registered or re-enabled at the
    end. Running the command again sends nothing twice.
    """
    installation = load()
    connection_of(installation, connection)
    started = datetime.now(UTC)
    lockstep = Lockstep(installation)
    try:
        if not _preflight(lockstep, connection):
            click.echo(
                f"lockstep: {connection} is not ready; fix the failed checks and run this again.",
                err=True,
            )
            sys.exit(1)
        first = _first_day(installation, started.date(), days)
        if dry_run:
            show_preview(lockstep, connection, Window(Partition.of_day(first).start, started))
            return
        streams = _streams_to_start(lockstep, connection)
        _ask(connection, streams, first, yes=yes)
        lockstep.starting[connection] = frozenset(streams)
        if not _backfill(lockstep, connection, streams, first, started):
            sys.exit(1)
        _start(lockstep, connection, streams)
        for line in ensure_webhooks(lockstep, connection):
            click.echo(line)
    finally:
        lockstep.close()
    click.echo(
        f"{connection} is connected. While the daemon runs ('lockstep up'), live runs continue "
        f"from {started:%Y-%m-%d %H:%M:%S}Z."
    )


def _start(lockstep: Lockstep, connection: str, streams: Sequence[str]) -> None:
    """Start the streams, but for those that an operator has paused while they were synced."""
    with lockstep.ledger.connect() as db:
        paused = [one for one in activations(db, connection, streams) if not one.runs(streams)]
        for one in paused:
            click.echo(f"{one}; it stays paused.")
        chosen = [stream for stream in streams if stream not in {one.stream for one in paused}]
        resume(db, connection, chosen, getpass.getuser(), "lockstep connect")


def preflight(lockstep: Lockstep, connection: str) -> list[tuple[str, Check]]:
    """Return (system, check) of both, and of the store's products where the OMS needs them whole.

    Raises ``PermanentError`` for a missing secret.
    """
    sync = lockstep.sync(connection, run_id="")
    checks = [(sync.platform.kind, check) for check in sync.platform.preflight()]
    checks += [(sync.oms.kind, check) for check in sync.oms.preflight()]
    if ACTIONS in sync.connection.streams:
        checks += [("lockstep", check) for check in sync.actions.preflight()]
    # Whatever the store's own checks say: few of them are about what its products need.
    of_products = [*product_checks(sync), *new_product_checks(sync)]
    return checks + [(sync.platform.kind, check) for check in of_products]


def _preflight(lockstep: Lockstep, connection: str) -> bool:
    checks = preflight(lockstep, connection)
    configured = lockstep.installation.connections[connection]
    rows = [("both", "capabilities", "ok", capabilities_of(configured), "")]
    rows += [
        (system, check.name, check.result, check.shown, check.advice) for system, check in checks
    ]
    print_table(("system", "check", "result", "detail", "what to do"), rows)
    return all(check.ok for _, check in checks)


def _first_day(installation: Installation, today: date, days: int) -> date:
    first = today - timedelta(days=days)
    if first < installation.start_date:
        click.echo(
            f"Partitions start on {installation.start_date} (start_date in connections.yaml); "
            "earlier days are not read."
        )
        return installation.start_date
    return first


def _streams_to_start(lockstep: Lockstep, connection: str) -> list[str]:
    """Return the streams that no operator has paused. Raises ``PermanentError`` for none."""
    configured = lockstep.installation.connections[connection].streams
    with lockstep.ledger.connect() as db:
        states = activations(db, connection, configured)
    paused = [state for state in states if state.was_started and not state.active]
    for state in paused:
        click.echo(f"{state}; it is skipped.")
    if len(paused) == len(states):
        raise PermanentError(f"Every stream of {connection} is paused; resume one first.")
    return [state.stream for state in states if state not in paused]


def _ask(connection: str, streams: Sequence[str], first: date, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise PermanentError("There is no terminal to confirm on; use --yes to send anyway.")
    question = (
        f"Sync {', '.join(streams)} of {connection} from {first} to today? "
        "This sends records to both systems"
    )
    click.confirm(question, abort=True)


def _backfill(
    lockstep: Lockstep, connection: str, streams: Sequence[str], first: date, started: datetime
) -> bool:
    """Run all chunks, stream by stream; return whether every run succeeded.

    First the streams with a history, as data flows, then the snapshots.
    """
    span = span_of(first, started.date(), lockstep.installation.connections[connection].grain)
    history = [name for name in STREAMS if name in streams and not STREAMS[name].is_snapshot]
    snapshots = [name for name in streams if STREAMS[name].is_snapshot]
    wanted = chunks(history, *span, CHUNK_DAYS)
    last = {chunk.streams: chunk for chunk in wanted}
    outcomes = chain(
        run_each(lockstep, connection, wanted, "connect"),
        _run_snapshots(lockstep, connection, snapshots, span[0].grain),
    )
    for number, outcome in enumerate(outcomes, 1):
        click.echo(f"[{number}/{len(wanted) + len(snapshots)}] {outcome.chunk}: {outcome}")
        if outcome.error:
            click.echo(
                f"lockstep: stopped (run {outcome.run_id}); fix the cause and run this again.",
                err=True,
            )
            return False
        streams_done = outcome.chunk.streams
        if outcome.chunk is last.get(streams_done, outcome.chunk):
            since = span[0] if streams_done in last else outcome.chunk.first
            _start_watermark(lockstep, connection, streams_done[0], since.start, started)
    return True


def _run_snapshots(
    lockstep: Lockstep, connection: str, snapshots: Sequence[str], grain: Grain
) -> Iterator[Outcome]:
    """Run each snapshot over the partition that is the current one by then."""
    for name in snapshots:
        present = Partition.of(datetime.now(UTC), grain)
        chunk = Chunk((name,), present, present)
        yield from run_each(lockstep, connection, [chunk], "connect")


def _start_watermark(
    lockstep: Lockstep, connection: str, stream: str, since: datetime, started: datetime
) -> None:
    """Set the watermark of a captured stream to the start of the command, by the source's clock.

    What the source stamps after that time has not been read.
    """
    source_now = source_present(lockstep.sync(connection, run_id=""), STREAMS[stream])
    behind = max(datetime.now(UTC) - source_now, timedelta(0))
    with lockstep.ledger.session(connection, stream) as session:
        session.move_watermark(Window(since, max(since, started - behind)), may_start=True)
