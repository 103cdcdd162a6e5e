"""``lockstep connect``: checks both systems of a connection and syncs its recent past."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import click

from assets.health import ensure_webhooks
from assets.pipeline.capture import source_present
from assets.streams.registry import STREAMS
from domain.connections import Installation
from domain.errors import PermanentError
from domain.exchange import Check
from domain.values import Window
from orchestration.cli.context import connection_of
from orchestration.cli.output import examples, print_table
from orchestration.cli.preview import show_preview
from orchestration.cli.runs import Chunk, chunks, run_each
from orchestration.settings import load
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
    help="Check both systems and show what would be sent of sample records; change nothing.",
)
def connect(connection: str, days: int, *, yes: bool, dry_run: bool) -> None:
    """Check both systems of a connection, sync its recent past, and start it.

    A new connection is paused: nothing is read or written until this command has succeeded, or
    'lockstep resume' starts it. Streams that an operator has paused stay so.

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
            show_preview(lockstep, connection, Window(Window.of_day(first).since, started))
            return
        streams = _streams_to_start(lockstep, connection)
        _ask(connection, streams, first, yes=yes)
        lockstep.starting[connection] = frozenset(streams)
        if not _backfill(lockstep, connection, streams, first, started):
            sys.exit(1)
        with lockstep.ledger.connect() as db:
            resume(db, connection, streams, getpass.getuser(), "lockstep connect")
        for line in ensure_webhooks(lockstep, connection):
            click.echo(line)
    finally:
        lockstep.close()
    click.echo(
        f"{connection} is connected. While the daemon runs ('lockstep up'), live runs continue "
        f"from {started:%Y-%m-%d %H:%M:%S}Z."
    )


def preflight(lockstep: Lockstep, connection: str) -> list[tuple[str, Check]]:
    """Return (system, check) of both. Raises ``PermanentError`` for a missing secret."""
    sync = lockstep.sync(connection, run_id="")
    return [(sync.platform.kind, check) for check in sync.platform.preflight()] + [
        (sync.oms.kind, check) for check in sync.oms.preflight()
    ]


def _preflight(lockstep: Lockstep, connection: str) -> bool:
    checks = preflight(lockstep, connection)
    rows = [
        (system, check.name, "ok" if check.ok else "FAILED", check.detail, check.advice)
        for system, check in checks
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
        click.echo(f"{state}; it is left out.")
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
    """Run all chunks, stream by stream; return whether every run succeeded."""
    wanted = _plan(streams, first, started.date())
    for number, outcome in enumerate(run_each(lockstep, connection, wanted, "connect"), 1):
        click.echo(f"[{number}/{len(wanted)}] {outcome.chunk}: {outcome}")
        if outcome.error:
            click.echo(
                f"lockstep: stopped (run {outcome.run_id}); fix the cause and run this again.",
                err=True,
            )
            return False
        [stream] = outcome.chunk.streams
        if all(chunk.streams != (stream,) for chunk in wanted[number:]):
            first_day = min(chunk.first for chunk in wanted if chunk.streams == (stream,))
            _start_watermark(lockstep, connection, stream, first_day, started)
    return True


def _plan(streams: Sequence[str], first: date, today: date) -> list[Chunk]:
    """Return the chunks: first the streams with a history, as data flows, then snapshots."""
    with_history = [name for name in STREAMS if name in streams and not STREAMS[name].is_snapshot]
    snapshots = [name for name in streams if STREAMS[name].is_snapshot]
    return [
        *chunks(with_history, first, today, CHUNK_DAYS),
        *(Chunk((name,), today, today) for name in snapshots),
    ]


def _start_watermark(
    lockstep: Lockstep, connection: str, stream: str, first: date, started: datetime
) -> None:
    """Set the watermark of a captured stream to the start of the command, by the source's clock.

    What the source stamps after that time has not been read.
    """
    source_now = source_present(lockstep.sync(connection, run_id=""), STREAMS[stream])
    behind = max(datetime.now(UTC) - source_now, timedelta(0))
    since = Window.of_day(first).since
    with lockstep.ledger.session(connection, stream) as session:
        session.move_watermark(Window(since, max(since, started - behind)), may_start=True)
