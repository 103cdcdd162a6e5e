"""Output of commands: tables for terminals and pipes, and JSON for scripts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import click
import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 10_000
"""Wide enough that a table in a pipe is never cut: scripts need whole ids."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
connection_option = click.option("--connection", metavar="CONNECTION", help="Only this connection.")


def examples(*lines: str, exit_codes: str = "") -> str:
    """Return the end of a command's help: unwrapped examples, and what its exit codes mean."""
    text = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
    return f"{text}\n\nExit codes: {exit_codes}." if exit_codes else text


def console() -> Console:
    """Return a console on stdout that never cuts lines in a pipe."""
    return Console(
        highlight=False,
        width=None if sys.stdout.isatty() else PIPE_WIDTH,
        soft_wrap=not sys.stdout.isatty(),
    )


def print_json(value: Any) -> None:
    """Print a value as JSON: times in UTC, durations in seconds."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    click.echo(orjson.dumps(value, default=_plain, option=options).decode())


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    numbers: Sequence[str] = (),
    title: str = "",
) -> None:
    """Print a table; a cell too wide for the terminal wraps and is never cut."""
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(_text(cell)) for cell in row))
    screen = console()
    with screen.capture() as captured:
        screen.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().strip("\n").splitlines()))


def at(moment: datetime | None) -> str:
    """Return a time in UTC to the second, or a dash."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z" if moment else "-"


def span(length: timedelta | None) -> str:
    """Return a duration in its two largest units, or a dash."""
    if length is None:
        return "-"
    seconds = max(0, int(length.total_seconds()))
    units = (
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    )
    first = next((place for place, (number, _) in enumerate(units) if number), len(units) - 1)
    largest = [f"{number} {unit}" for number, unit in units[first : first + 2] if number]
    return " ".join(largest) or "0 s"


def ago(moment: datetime | None, now: datetime) -> str:
    """Return how long ago a time was, or ``never``."""
    return f"{span(now - moment)} ago" if moment else "never"


def _text(cell: object) -> str:
    if isinstance(cell, datetime):
        return at(cell)
    if isinstance(cell, timedelta):
        return span(cell)
    return "-" if cell is None else str(cell)


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Text):
        return value.plain
    raise TypeError(f"{type(value).__name__} has no JSON form")
