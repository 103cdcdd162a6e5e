"""``lockstep status``: lag, open rejections and stuck records of each stream."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click
from rich.text import Text

from orchestration.cli.context import connection_of, open_database
from orchestration.cli.output import (
    ago,
    connection_option,
    examples,
    json_option,
    print_json,
    print_table,
    span,
)
from orchestration.settings import load
from resources.ledger.monitoring.clocks import Stuck, StuckCount, past_limit
from resources.ledger.monitoring.connection_config import describe
from resources.ledger.monitoring.quota_waits import waits
from resources.ledger.monitoring.status import StreamStatus, stream_statuses

COLUMNS = (
    "connection", "stream", "state", "lag", "limit", "last probe", "last change seen",
    "last captured", "last delivery", "open rejections", "in flight", "pending", "stuck",
)  # fmt: skip
NUMBERS = ("open rejections", "in flight", "pending", "stuck")
STUCK_COLUMNS = (
    "connection", "stage", "state", "record", "since", "age", "limit", "owner", "correlation id",
    "detail",
)  # fmt: skip

Chain = tuple[str, str]


@click.command(
    epilog=examples(
        "lockstep status",
        "lockstep status --connection acme_us --json",
        "lockstep status --stuck 100",
        "lockstep status --fail || send-a-page",
        exit_codes="0 success, with --fail 1 if a stream is not ok or a record is stuck",
    )
)
@connection_option
@json_option
@click.option(
    "--stuck",
    "most",
    type=click.IntRange(0, 10_000),
    default=10,
    show_default=True,
    help="Maximum number of stuck records to show.",
)
@click.option(
    "--fail",
    is_flag=True,
    help="Exit with 1 if a stream is not ok or a record is stuck (for monitoring).",
)
def status(connection: str | None, as_json: bool, most: int, fail: bool) -> None:
    """Show lag, open rejections and stuck records of each stream.

    Lag is the time since the watermark if a change is known to be waiting, otherwise the time
    since the last probe: a quiet shop is not late. A stream is overdue if its lag exceeds the
    connection's freshness_limit, has no probe if its source could not be reached, and is silent
    if nothing has changed for longer than limits.silence. A paused stream is neither read nor
    written until it is connected or resumed. A record is stuck if it exceeds one of the
    connection's limits.
    """
    installation = load()
    if connection is not None:
        connection_of(installation, connection)
    with open_database() as db:
        describe(db, installation)
        found = stream_statuses(db, connection)
        throttled = waits(db, [row.connection for row in found])
        stuck, counts = past_limit(db, connection, most=max(most, 1))
    if as_json:
        print_json(
            [
                _object(row, stuck[:most], counts.get((row.connection, row.stream), ()))
                for row in found
            ]
        )
    else:
        _print(found, stuck[:most], counts)
        for wait in throttled:
            click.echo(f"{wait}.")
    if fail and (counts or any(row.state != "ok" for row in found)):
        sys.exit(1)


def _object(
    row: StreamStatus, stuck: Sequence[Stuck], counts: Sequence[StuckCount]
) -> dict[str, Any]:
    mine = [asdict(s) for s in stuck if (s.connection, s.stream) == (row.connection, row.stream)]
    return asdict(row) | {
        "freshness_limit": row.allowed,
        "state": _words(row.state),
        "overdue": row.state != "ok",
        "stuck": mine,
        "stuck_counts": {count.stage: count.number for count in counts},
    }


def _print(
    found: Sequence[StreamStatus],
    stuck: Sequence[Stuck],
    counts: Mapping[Chain, Sequence[StuckCount]],
) -> None:
    now = datetime.now(UTC)
    totals = {chain: sum(count.number for count in by_stage) for chain, by_stage in counts.items()}
    print_table(
        COLUMNS,
        [_cells(row, totals.get((row.connection, row.stream), 0), now) for row in found],
        numbers=NUMBERS,
    )
    if any(row.state == "never_captured" for row in found):
        click.echo("never captured: keep the daemon running ('lockstep up').")
    for row in found:
        if row.failing_since is not None:
            click.echo(
                f"{row.connection}/{row.stream}: the target has been failing for "
                f"{ago(row.failing_since, now)}: {row.delivery_error}"
            )
        if row.pause:
            click.echo(f"{row.pause}.")
        elif row.probe_failures:
            click.echo(
                f"{row.connection}/{row.stream}: the last {row.probe_failures} probes failed: "
                f"{row.probe_error}"
            )
        elif row.state == "no_probe":
            click.echo(
                f"{row.connection}/{row.stream}: no probe for {span(row.unprobed_for)}, and none "
                "has failed: the daemon is down ('lockstep up' starts it), or its sensor is off."
            )
    if stuck:
        title = f"Past their limit ({len(stuck)} of {sum(totals.values())}, oldest first)"
        print_table(STUCK_COLUMNS, [_stuck_cells(row) for row in stuck], title=title)


def _cells(row: StreamStatus, stuck: int, now: datetime) -> list[object]:
    name = _words(row.state)
    state = Text(
        name if row.state in ("ok", "never_captured", "paused") else name.upper(),
        style="green" if row.state == "ok" else "red",
    )
    times = [
        ago(moment, now)
        for moment in (row.probed_at, row.change_seen_at, row.captured_at, row.delivered_at)
    ]
    return [
        row.connection,
        row.stream,
        state,
        span(row.lag),
        span(row.allowed),
        *times,
        row.open_rejections,
        row.in_flight,
        row.pending,
        stuck,
    ]


def _stuck_cells(row: Stuck) -> list[object]:
    return [
        row.connection,
        _words(row.stage),
        row.state,
        f"{row.stream}/{row.source_id}",
        row.since,
        row.age,
        row.allowed,
        row.owner,
        row.correlation_id,
        row.detail,
    ]


def _words(name: str) -> str:
    return name.replace("_", " ")
