"""``lockstep connect``: checks both systems of a connection, and brings the last days over."""

from __future__ import annotations

import sys
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
from orchestration.cli.runs import Chunk, chunks, run_each
from orchestration.settings import load
from resources.lockstep import Lockstep

CHUNK_DAYS = 7


@click.command(
    epilog=examples(
        "lockstep connect acme_us",
        "lockstep connect acme_us --days 7 --yes",
        exit_codes="0, 1 if a check or a run failed",
    )
)
@click.argument("connection")
@click.option(
    "--days",
    type=click.IntRange(0, 3650),
    default=90,
    show_default=True,
    help="How many days back, beside today.",
)
@click.option("--yes", is_flag=True, help="Do not ask before the first record is sent.")
def connect(connection: str, days: int, yes: bool) -> None:
    """Check both systems of a connection, then bring its last days over.

    The checks change nothing, and the first that fails ends the command. Then orders and shipments of the last days are captured, validated
    and delivered in chunks of 7 days, and today's inventory. Live runs go on from where this began. At last the store's webhooks are
    registered, or switched on again, where the connection has a section 'webhooks'. Giving the command again sends nothing twice.
    """
    installation = load()
    connection_of(installation, connection)
    began = datetime.now(UTC)
    lockstep = Lockstep(installation)
    try:
        if not _preflight(lockstep, connection):
            click.echo(
                f"lockstep: {connection} is not ready; mend what failed and give the command again.",
                err=True,
            )
            sys.exit(1)
        first = _first_day(installation, began.date(), days)
        _ask(lockstep, connection, first, yes=yes)
        if not _backfill(lockstep, connection, first, began):
            sys.exit(1)
        for line in ensure_webhooks(lockstep, connection):
            click.echo(line)
    finally:
        lockstep.close()
    click.echo(
        f"{connection} is connected; live runs go on from {began:%Y-%m-%d %H:%M:%S}Z while the daemon runs ('lockstep up')."
    )


def preflight(lockstep: Lockstep, connection: str) -> list[tuple[str, Check]]:
    """Return (system, check) of both systems. Raises ``PermanentError`` for a missing secret."""
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
            f"Partitions begin with {installation.start_date} (start_date in connections.yaml), so nothing before it is read."
        )
        return installation.start_date
    return first


def _ask(lockstep: Lockstep, connection: str, first: date, *, yes: bool) -> None:
    streams = ", ".join(lockstep.installation.connections[connection].streams)
    question = f"Bring {streams} from {first} to today over between these two systems? Records are sent to both"
    if yes:
        return
    if not sys.stdin.isatty():
        raise PermanentError("Nobody can be asked here; give --yes to send without a question.")
    click.confirm(question, abort=True)


def _backfill(lockstep: Lockstep, connection: str, first: date, began: datetime) -> bool:
    """Run all chunks, stream by stream; a stream's watermark is set once all of it is captured."""
    streams = lockstep.installation.connections[connection].streams
    wanted = [chunk for name in streams for chunk in _of_stream(name, first, began.date())]
    wanted.sort(
        key=lambda chunk: (
            list(STREAMS).index(chunk.streams[0])
            if not STREAMS[chunk.streams[0]].is_snapshot
            else len(STREAMS)
        )
    )
    for number, outcome in enumerate(run_each(lockstep, connection, wanted, "connect"), 1):
        click.echo(f"[{number}/{len(wanted)}] {outcome.chunk}: {outcome}")
        if outcome.error:
            click.echo(
                f"lockstep: stopped (run {outcome.run_id}); when the cause is mended, give the same command again.",
                err=True,
            )
            return False
        stream = outcome.chunk.streams[0]
        if number == len(wanted) or wanted[number].streams[0] != stream:
            since = Window.of_day(
                min(chunk.first for chunk in wanted if chunk.streams == (stream,))
            ).since
            # By the source's clock, of which the checks have told: what it stamps after this moment has not been read.
            behind = datetime.now(UTC) - source_present(
                lockstep.sync(connection, run_id=""), STREAMS[stream]
            )
            with lockstep.ledger.session(connection, stream) as session:
                session.move_watermark(
                    Window(since, max(since, began - max(behind, timedelta(0)))), may_start=True
                )
    return True


def _of_stream(stream: str, first: date, today: date) -> list[Chunk]:
    return (
        [Chunk((stream,), today, today)]
        if STREAMS[stream].is_snapshot
        else chunks((stream,), first, today, CHUNK_DAYS)
    )
