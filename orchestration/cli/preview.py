"""What ``lockstep connect --dry-run`` prints: what would happen to sample records."""

from __future__ import annotations

from collections import Counter

import click
import orjson

from assets.preview import EXAMINED, preview
from assets.streams.sample import Sample
from domain.parsing.text import plural, printable
from domain.values import Window
from resources.lockstep import Lockstep

SHOWN = 3
"""Records of each outcome; of those that would be sent, with their payload."""
LONGEST_TEXT = 500


def show_preview(lockstep: Lockstep, connection: str, window: Window) -> None:
    """Print per stream how many of the first records would be sent, and examples of each outcome.

    Neither system is changed, and no record is stored.
    """
    sync = lockstep.sync(connection, run_id="")
    for stream in sync.connection.streams:
        by_outcome: dict[str, list[Sample]] = {}
        for sample in preview(sync, stream, window):
            by_outcome.setdefault(sample.outcome, []).append(sample)
        _print(f"{connection}/{stream}", by_outcome)
    click.echo("Nothing was sent, and no record was stored. Personal data is masked.")


def _print(chain: str, by_outcome: dict[str, list[Sample]]) -> None:
    total = sum(map(len, by_outcome.values()))
    if not total:
        click.echo(f"{chain}: no records")
        return
    numbers = ", ".join(f"{len(found)} {outcome}" for outcome, found in sorted(by_outcome.items()))
    first = (
        f"of the first {total} records" if total >= EXAMINED else f"of {plural(total, 'record')}"
    )
    click.echo(f"{chain}: {first} {numbers}")
    for outcome, found in sorted(by_outcome.items()):
        reasons = Counter(sample.text.partition(":")[0] for sample in found)
        if outcome in ("skipped", "rejected"):
            for reason, number in reasons.most_common():
                click.echo(f"  {outcome}: {number} x {printable(reason, LONGEST_TEXT)}")
        for sample in found[:SHOWN]:
            click.echo(f"  {outcome} {sample.record}: {printable(sample.text, LONGEST_TEXT)}")
            if sample.payload is not None:
                text = orjson.dumps(sample.payload, option=orjson.OPT_INDENT_2).decode()
                click.echo("\n".join(f"    {line}" for line in text.splitlines()))
