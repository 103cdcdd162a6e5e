"""What a demo prints of a connection: its progress, and the totals of its streams."""

from __future__ import annotations

from datetime import date

import psycopg
from rich.console import Console
from rich.table import Table

from resources.ledger.monitoring.status import rule_counts, stream_totals, undelivered_counts

COLUMNS = (
    "stream", "captured", "accepted", "rejected", "skipped", "superseded", "delivered", "unchanged",
)  # fmt: skip


def print_progress(
    console: Console, database: str, connection: str, stream: str, first: date, last: date
) -> None:
    """Print what became of a stream's records of some days."""
    with psycopg.connect(database) as db:
        totals = stream_totals(db, connection, first, last).get(stream, {})
    span = str(first) if first == last else f"{first} to {last}"
    names = ("captured", "accepted", "rejected", "skipped", "delivered")
    numbers = ", ".join(f"{totals.get(name, 0)} {name}" for name in names)
    console.print(f"  {stream:<9} {span}: {numbers}")


def print_totals(console: Console, database: str, connection: str) -> None:
    """Print the totals of each stream, and the rules that kept records out."""
    table = Table(title=f"Connection {connection}", title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "stream" else "right")
    with psycopg.connect(database) as db:
        totals = stream_totals(db, connection)
        reasons = [
            (stream, f"{state}: {rule}", state, number)
            for stream, state, rule, number in rule_counts(db, connection)
        ]
        reasons += [
            (stream, f"not delivered: {code}", "accepted", number)
            for stream, code, number in undelivered_counts(db, connection)
        ]
    for stream, numbers in totals.items():
        table.add_row(stream, *(str(number) for number in numbers.values()))
        for of_stream, reason, column, number in reasons:
            if of_stream == stream:
                cells = [""] * len(COLUMNS)
                cells[0] = f"  {reason}"
                cells[COLUMNS.index(column)] = str(number)
                table.add_row(*cells, style="dim")
    console.print(table)
