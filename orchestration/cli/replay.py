"""``lockstep replay``: reruns past days, in this process or as a Dagster backfill."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from assets.chain.keys import DELIVERED, TRIGGER_TAG, chain_keys, op_name
from assets.streams.registry import STREAMS
from domain.connections import Connection, Installation
from domain.errors import PermanentError
from domain.parsing.text import plural
from domain.values import HOUR, Partition
from orchestration.cli.context import DAY, PartitionKey, connection_of, open_database, streams_of
from orchestration.cli.output import examples, print_table
from orchestration.cli.runs import Chunk, check_days, chunks, run_each, span_of, streams_option
from orchestration.jobs import BACKFILL_PRIORITY
from orchestration.settings import load, project_root
from resources.ledger.monitoring.status import PartitionCounts, partition_counts
from resources.ledger.rejections.discards import counts_left_out
from resources.lockstep import Lockstep

LARGEST_CHUNK = 31
PREVIEW = (
    "stream", "partition", "captures", "accepted", "rejected", "skipped", "would read",
    "would send at least",
)  # fmt: skip
NUMBERS = ("captures", "accepted", "rejected", "skipped", "would send at least")
NO_COUNTS = PartitionCounts(0, 0, 0, 0, 0, 0, 0, 0)
MUTATION = """
mutation Replay($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
    ... on InvalidSubsetError { message }
    ... on PartitionSetNotFoundError { message }
    ... on PartitionKeysNotFoundError { message }
    ... on UnauthorizedError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""
"""Dagster has no public Python call for a backfill; its UI uses this mutation, too."""


@click.command(
    epilog=examples(
        "lockstep replay acme_us --streams orders --from 2026-08-01 --to 2026-08-31 --dry-run",
        "lockstep replay acme_us --from 2026-08-01 --to 2026-08-31 --chunk-days 3",
        "lockstep replay acme_us --partition 2026-08-01-13:00",
        "lockstep replay acme_us --from 2026-05-01 --to 2026-08-31 --via daemon",
        exit_codes="0 success, 1 a run failed (the message names the days), 2 wrong usage",
    )
)
@click.argument("connection")
@streams_option
@click.option(
    "--from",
    "first",
    type=DAY,
    metavar="YYYY-MM-DD",
    help="First day (UTC date of the source's modification time).",
)
@click.option("--to", "last", type=DAY, metavar="YYYY-MM-DD", help="Last day, inclusive.")
@click.option(
    "--partition",
    type=PartitionKey(),
    metavar="KEY",
    help="Instead of days: one partition, such as 2026-08-01-13:00 with grain: hour.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done; change nothing.")
@click.option("--force", is_flag=True, help="Send even what the target already holds.")
@click.option(
    "--chunk-days",
    type=click.IntRange(1, LARGEST_CHUNK),
    default=7,
    show_default=True,
    help="Days per run (with --via here).",
)
@click.option(
    "--via",
    type=click.Choice(["here", "daemon"]),
    default="here",
    show_default=True,
    help="Run in this process, or queue a Dagster backfill behind live runs.",
)
def replay(
    connection: str,
    streams: tuple[str, ...] | None,
    first: datetime | None,
    last: datetime | None,
    partition: Partition | None,
    dry_run: bool,
    force: bool,
    chunk_days: int,
    via: str,
) -> None:
    """Rerun past days of a connection: read, validate and deliver.

    Give --from and --to, or --partition. A day contains the records last modified on that UTC
    date; it is one partition, or 24 if the connection has grain: hour. All of it is read and
    validated again, with the current mappings, and what the target does not hold in that form is
    sent. Without --force, running it again sends nothing twice.
    """
    installation = load()
    configured = connection_of(installation, connection)
    chosen = streams_of(configured, connection, streams)
    span = _span(installation, connection, first, last, partition)
    wanted = chunks(chosen, *span, chunk_days)
    if dry_run:
        _preview(connection, configured, wanted, force=force)
    elif via == "daemon":
        backfill_id = submit(connection, chosen, *span, force=force)
        click.echo(
            f"backfill {backfill_id} is queued; see Overview > Backfills in the UI. "
            "It needs the daemon ('lockstep up')."
        )
    elif not _run(Lockstep(installation), connection, wanted, force=force):
        sys.exit(1)


def _span(
    installation: Installation,
    connection: str,
    first: datetime | None,
    last: datetime | None,
    partition: Partition | None,
) -> tuple[Partition, Partition]:
    """Return the first and the last partition. Raises ``UsageError`` for options that don't fit."""
    grain = installation.connections[connection].grain
    if partition is not None and first is None and last is None:
        if partition.hour is not None and grain != HOUR:
            raise click.UsageError(
                f"The partitions of {connection} are days (grain in connections.yaml): "
                f"use --partition {partition.day}."
            )
        check_days(installation, partition.day, partition.day)
        if partition.start > datetime.now(UTC):
            raise PermanentError(f"{partition} is in the future.")
        within = partition.by(grain)
        return within[0], min(within[-1], Partition.of(datetime.now(UTC), grain))
    if partition is not None or first is None or last is None:
        raise click.UsageError("Give --from and --to, or --partition.")
    check_days(installation, first.date(), last.date())
    return span_of(first.date(), last.date(), grain)


def _run(lockstep: Lockstep, connection: str, wanted: Sequence[Chunk], *, force: bool) -> bool:
    """Run the chunks, print a line for each, and stop at the first that fails."""
    try:
        for number, outcome in enumerate(
            run_each(lockstep, connection, wanted, "replay", force=force), 1
        ):
            click.echo(f"[{number}/{len(wanted)}] {outcome.chunk}: {outcome}")
            if outcome.error:
                click.echo(
                    f"lockstep: stopped at {outcome.chunk} (run {outcome.run_id}); the days before "
                    "it are done. Fix the cause and run this again: nothing is sent twice.",
                    err=True,
                )
                return False
    finally:
        lockstep.close()
    return True


def _preview(
    connection: str, configured: Connection, wanted: Sequence[Chunk], *, force: bool
) -> None:
    """Print what the ledger holds of each partition, and what a replay would read and send."""
    rows: list[Sequence[object]] = []
    captures = 0
    with open_database() as db:
        for chunk in wanted:
            [stream] = chunk.streams
            source = configured.platform.kind if STREAMS[stream].to_oms else configured.oms.kind
            counts = partition_counts(db, connection, stream, chunk.first, chunk.last)
            discarded = counts_left_out(db, connection, stream, chunk.first, chunk.last)
            for partition in chunk.first.to(chunk.last):
                known = counts.get(partition, NO_COUNTS)
                captures += known.captured
                numbers = (known.captured, known.accepted, known.rejected, known.skipped)
                reads = _reads(stream, source, partition)
                due = _due(known, force=force) - discarded.get(partition, 0)
                rows.append((stream, partition, *numbers, reads, due))
    print_table(PREVIEW, rows, numbers=NUMBERS)
    click.echo(
        f"{plural(len(wanted), 'run')} over {plural(len(rows), 'partition')} with "
        f"{plural(captures, 'capture')}. Nothing was read, sent or changed. A replay also sends "
        "records that have changed at the source since, and rejected ones that pass now."
    )


def _due(counts: PartitionCounts, *, force: bool) -> int:
    return counts.accepted if force else counts.pending + counts.rejected_by_target


def _reads(stream: str, source: str, partition: Partition) -> str:
    if not STREAMS[stream].is_snapshot:
        return f"the whole {partition.grain} from {source}"
    if datetime.now(UTC) in partition:
        return f"the current state of {source}"
    return "nothing: the source has no past"


def submit(
    connection: str,
    streams: Sequence[str],
    first: Partition,
    last: Partition,
    *,
    force: bool,
) -> str:
    """Launch a backfill of the chains over the partitions and return its id.

    Raises ``PermanentError`` with Dagster's reason.
    """
    params: dict[str, Any] = {
        "assetSelection": [{"path": list(key.path)} for key in chain_keys(connection, streams)],
        "partitionNames": [partition.key for partition in first.to(last)],
        "fromFailure": False,
        "title": f"replay {connection} {'+'.join(streams)}",
        "tags": [
            {"key": "dagster/priority", "value": str(BACKFILL_PRIORITY)},
            {"key": TRIGGER_TAG, "value": "replay"},
        ],
    }
    if force:
        params["runConfigData"] = {
            "ops": {
                op_name(connection, stream, DELIVERED): {"config": {"force": True}}
                for stream in streams
            }
        }
    answer = _execute({"params": params})
    result: dict[str, Any] = answer.get("data", {}).get("launchPartitionBackfill") or {}
    if "backfillId" not in result:
        reasons = [
            result.get("message", ""),
            *(e["message"] for e in (*result.get("errors", ()), *answer.get("errors", ()))),
        ]
        raise PermanentError(
            f"Dagster rejected the backfill: {'; '.join(filter(None, reasons)) or result}"
        )
    return str(result["backfillId"])


def _execute(variables: Mapping[str, Any]) -> dict[str, Any]:
    root = project_root()
    with tempfile.TemporaryDirectory(prefix="lockstep-") as folder:
        file = Path(folder) / "answer.json"
        command = [
            str(Path(sys.executable).with_name("dagster-graphql")),
            "-w",
            str(root / "workspace.yaml"),
            "-t",
            MUTATION,
            "-v",
            orjson.dumps(variables).decode(),
            "-o",
            str(file),
        ]
        environment = {"DAGSTER_HOME": str(root)} | dict(os.environ)
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        if not file.exists():
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise PermanentError(f"dagster-graphql failed, no backfill was launched: {lines[-1]}")
        answer: dict[str, Any] = orjson.loads(file.read_bytes())
        return answer
