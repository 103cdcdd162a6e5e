"""``lockstep retention``: removes what is past its retention, as the daily job does."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from orchestration.cli.ledger import reading
from orchestration.cli.output import examples, json_option, print_json, print_table
from orchestration.settings import load
from resources.ledger.retention import retire


@click.command(epilog=examples("lockstep retention --dry-run"))
@click.option("--dry-run", is_flag=True, help="Only tell what would be removed, and what is kept although it is old.")
@json_option
def retention(dry_run: bool, as_json: bool) -> None:
    """Remove what is past its retention in connections.yaml; the daily job does the same.

    Months of payloads, outcomes and messages are dropped whole, and only where nothing in them is open; old batches, closed rejections,
    events that were taken and the like are deleted. Without 'retention:' in connections.yaml everything is kept.
    """
    with reading() as db:
        removals = retire(db, load().retention, datetime.now(UTC).date(), dry_run=dry_run)
    if as_json:
        print_json([asdict(one) for one in removals])
        return
    if not removals:
        click.echo("Nothing is past its retention.")
        return
    verb = "would be removed" if dry_run else "removed"
    rows = [(f"sync.{one.table}", one.before, one.rows, f"kept: {one.kept}" if one.kept else verb) for one in removals]
    print_table(("table", "before", "rows", "what"), rows, numbers=("rows",))
