"""``lockstep status``: how fresh each stream is, and what is open in it."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import click
from rich.text import Text

from domain.connections import Installation
from orchestration.cli.ledger import connection_of, reading
from orchestration.cli.output import ago, connection_option, examples, json_option, print_json, print_table, span
from orchestration.settings import load
from resources.ledger.status import StreamStatus, stream_statuses

COLUMNS = ("connection", "stream", "state", "lag", "limit", "last probe", "last change seen", "last captured", "last delivery",
           "open rejections", "in flight", "pending")  # fmt: skip
NUMBERS = ("open rejections", "in flight", "pending")


@dataclass(frozen=True)
class Judged:
    """A stream's status held against its connection's freshness limit."""

    status: StreamStatus
    limit: timedelta

    @property
    def state(self) -> str:
        """Return ``ok``, ``overdue`` or ``never captured``."""
        if self.status.lag is None:
            return "never captured"
        return "overdue" if self.status.lag > self.limit else "ok"

    @property
    def is_overdue(self) -> bool:
        """Tell whether someone should look: a stream that never ran is not in step either."""
        return self.state != "ok"


@click.command(
    epilog=examples(
        "lockstep status",
        "lockstep status --connection acme_us --json",
        "lockstep status --fail || page-someone",
        exit_codes="0, with --fail 1 if something is overdue",
    )
)
@connection_option
@json_option
@click.option("--fail", is_flag=True, help="Exit with 1 if a stream is overdue or was never captured (for monitoring).")
def status(connection: str | None, as_json: bool, fail: bool) -> None:
    """Show how fresh each stream is, and what is open in it.

    A stream is overdue when its lag exceeds the connection's freshness_limit. Lag is the time since the watermark while a change is known
    to wait, else since the last probe: a quiet shop is not late.
    """
    installation = load()
    with reading() as db:
        found = stream_statuses(db, _chains(installation, connection))
    judged = [Judged(row, installation.connections[row.connection].freshness_limit) for row in found]
    if as_json:
        print_json([asdict(j.status) | {"freshness_limit": j.limit, "state": j.state, "overdue": j.is_overdue} for j in judged])
    else:
        now = datetime.now(UTC)
        print_table(COLUMNS, [_cells(j, now) for j in judged], numbers=NUMBERS)
        if any(j.status.lag is None for j in judged):
            click.echo("never captured: run 'lockstep connect CONNECTION' once, then keep the daemon running ('lockstep up').")
    if fail and any(j.is_overdue for j in judged):
        sys.exit(1)


def _chains(installation: Installation, only: str | None) -> list[tuple[str, str]]:
    if only is not None:
        connection_of(installation, only)
    return [(name, stream) for name, c in installation.connections.items() if only in (None, name) for stream in c.streams]


def _cells(judged: Judged, now: datetime) -> list[object]:
    row = judged.status
    state = Text(judged.state.upper() if judged.state == "overdue" else judged.state, style="red" if judged.is_overdue else "green")
    times = [ago(moment, now) for moment in (row.probed_at, row.change_seen_at, row.captured_at, row.delivered_at)]
    return [row.connection, row.stream, state, span(row.lag), span(judged.limit), *times, row.open_rejections, row.in_flight, row.pending]
