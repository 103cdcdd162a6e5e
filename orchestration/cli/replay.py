"""``lockstep replay``: past days of a connection once more."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import orjson

from assets.chain.keys import DELIVERED, TRIGGER_TAG, chain_keys, op_name
from assets.streams.registry import STREAMS
from domain.connections import Connection
from domain.errors import PermanentError
from orchestration.cli.context import connection_of, reading
from orchestration.cli.output import examples, print_table
from orchestration.cli.runs import Chunk, check_days, chunks, run_each
from orchestration.jobs import BACKFILL_PRIORITY
from orchestration.settings import load, project_root
from resources.ledger.monitoring.status import PartitionCounts, partition_counts
from resources.lockstep import Lockstep

DAY = click.DateTime(["%Y-%m-%d"])
LARGEST_CHUNK = 31


def parse_streams(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Read a comma-separated list of streams."""
    if value is None:
        return None
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if unknown := [name for name in names if name not in STREAMS]:
        raise click.BadParameter(
            f"there is no stream {unknown[0]!r}; known are {', '.join(STREAMS)}"
        )
    if not names:
        raise click.BadParameter(f"name at least one of {', '.join(STREAMS)}")
    return names


@click.command(
    epilog=examples(
        "lockstep replay acme_us --streams orders --from 2026-08-01 --to 2026-08-31 --dry-run",
        "lockstep replay acme_us --from 2026-08-01 --to 2026-08-31 --chunk-days 3",
        "lockstep replay acme_us --from 2026-05-01 --to 2026-08-31 --via daemon",
        exit_codes="0, 1 if a run failed (it says from which day to go on), 2 wrong usage",
    )
)
@click.argument("connection")
@click.option(
    "--streams",
    callback=parse_streams,
    help="Comma-separated, e.g. orders,shipments; by default all of the connection.",
)
@click.option(
    "--from",
    "first",
    type=DAY,
    required=True,
    help="First day (UTC, of the source's modification time).",
)
@click.option("--to", "last", type=DAY, required=True, help="Last day, inclusive.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.option("--force", is_flag=True, help="Send even what the target is known to hold already.")
@click.option(
    "--chunk-days",
    type=click.IntRange(1, LARGEST_CHUNK),
    default=7,
    show_default=True,
    help="Days in one run (with --via here).",
)
@click.option(
    "--via",
    type=click.Choice(["here", "daemon"]),
    default="here",
    show_default=True,
    help="Run in this process, or as a Dagster backfill that queues behind live runs.",
)
def replay(
    connection: str,
    streams: tuple[str, ...] | None,
    first: datetime,
    last: datetime,
    dry_run: bool,
    force: bool,
    chunk_days: int,
    via: str,
) -> None:
    """Run past days of a connection again: read, validate and deliver.

    Days are partitions: UTC days of the source's modification time. Each is read whole, validated again (mappings may have been fixed), and
    what the target does not hold in that form is sent. Running it twice sends nothing twice, unless --force is given.
    """
    installation = load()
    configured = connection_of(installation, connection)
    if streams and (absent := [name for name in streams if name not in configured.streams]):
        raise click.UsageError(
            f"The connection {connection} has no stream {absent[0]}; it has {', '.join(configured.streams)}."
        )
    check_days(installation, first.date(), last.date())
    chosen: tuple[str, ...] = streams or configured.streams
    wanted = chunks(chosen, first.date(), last.date(), chunk_days)
    if dry_run:
        _preview(connection, configured, wanted, force=force)
    elif via == "daemon":
        backfill_id = submit(connection, chosen, first.date(), last.date(), force=force)
        click.echo(
            f"backfill {backfill_id} is queued; see Overview > Backfills in the UI. It runs while the daemon does ('lockstep up')."
        )
    elif not _run(Lockstep(installation), connection, wanted, force=force):
        sys.exit(1)


def _run(lockstep: Lockstep, connection: str, wanted: Sequence[Chunk], *, force: bool) -> bool:
    """Run the chunks with a line of progress each; stop at the first that fails."""
    try:
        for number, outcome in enumerate(
            run_each(lockstep, connection, wanted, "replay", force=force), 1
        ):
            click.echo(f"[{number}/{len(wanted)}] {outcome.chunk}: {outcome}")
            if outcome.error:
                click.echo(
                    f"lockstep: stopped at {outcome.chunk} (run {outcome.run_id}); what was done before it stays done. When the cause "
                    "is mended, give the same command again: nothing is sent twice.",
                    err=True,
                )
                return False
    finally:
        lockstep.close()
    return True


def _preview(
    connection: str, configured: Connection, wanted: Sequence[Chunk], *, force: bool
) -> None:
    rows: list[Sequence[object]] = []
    days = records = sends = 0
    with reading() as db:
        for chunk in wanted:
            stream = chunk.streams[0]
            source = configured.platform.kind if STREAMS[stream].to_oms else configured.oms.kind
            held = partition_counts(db, connection, stream, chunk.first, chunk.last)
            for day in _days(chunk):
                counts = held.get(day)
                due = _due(counts, force=force)
                days, records, sends = (
                    days + 1,
                    records + (counts.captured if counts else 0),
                    sends + due,
                )
                shown = (
                    (counts.captured, counts.accepted, counts.rejected, counts.skipped)
                    if counts
                    else (0, 0, 0, 0)
                )
                rows.append((stream, day, *shown, _reads(stream, source, day), due))
    columns = (
        "stream",
        "partition",
        "captures held",
        "accepted",
        "rejected",
        "skipped",
        "would be read",
        "would be sent at least",
    )
    print_table(
        columns,
        rows,
        numbers=("captures held", "accepted", "rejected", "skipped", "would be sent at least"),
    )
    click.echo(
        f"{len(wanted)} runs over {days} partitions with {records} captures. Nothing was read, sent or changed. Records that the source "
        "changed since, and rejected ones that pass now, would be sent too."
    )


def _days(chunk: Chunk) -> list[date]:
    return [date.fromordinal(n) for n in range(chunk.first.toordinal(), chunk.last.toordinal() + 1)]


def _due(counts: PartitionCounts | None, *, force: bool) -> int:
    if counts is None:
        return 0
    return counts.accepted if force else counts.pending + counts.rejected_by_target


def _reads(stream: str, source: str, day: date) -> str:
    if not STREAMS[stream].is_snapshot:
        return f"the whole day from {source}"
    return (
        f"{source}'s present state"
        if day == datetime.now(UTC).date()
        else "nothing: the source tells its present state only"
    )


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


def submit(connection: str, streams: Sequence[str], first: date, last: date, *, force: bool) -> str:
    """Make a backfill of the chains over the partitions and return its id. Raises ``PermanentError`` with Dagster's reason."""
    days = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    params: dict[str, Any] = {
        "assetSelection": [{"path": list(key.path)} for key in chain_keys(connection, streams)],
        "partitionNames": days,
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
            f"Dagster refused the backfill: {'; '.join(filter(None, reasons)) or result}"
        )
    return str(result["backfillId"])


def _execute(variables: Mapping[str, Any]) -> dict[str, Any]:
    root = project_root()
    with tempfile.TemporaryDirectory(prefix="lockstep-") as folder:
        file = Path(folder) / "answer.json"
        command = [
            str(Path(sys.executable).with_name("dagster-graphql")), "-w",
            str(root / "workspace.yaml"), "-t", MUTATION, "-v", orjson.dumps(variables).decode(),
            "-o", str(file),
        ]  # fmt: skip
        environment = {"DAGSTER_HOME": str(root)} | dict(os.environ)
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        if not file.exists():
            lines = done.stderr.strip().splitlines() or ["it said nothing"]
            raise PermanentError(f"dagster-graphql failed, no backfill was made: {lines[-1]}")
        answer: dict[str, Any] = orjson.loads(file.read_bytes())
        return answer
