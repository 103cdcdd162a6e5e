"""The results: a table in the terminal, and the same with a plot in ``docs/performance.md``."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

BEGIN, END = "<!-- rivals: begin -->", "<!-- rivals: end -->"
PER = 10_000
"""CPU seconds are given per 10,000 orders."""


@dataclass(frozen=True)
class Round:
    """One contestant's measured work: seconds of wall time and of CPU."""

    orders: int
    wall: float
    client: float
    postgres: float

    @property
    def speed(self) -> float:
        """Return orders per second."""
        return self.orders / self.wall

    @property
    def client_cpu(self) -> float:
        """Return the contestant's CPU seconds per 10,000 orders."""
        return self.client * PER / self.orders

    @property
    def postgres_cpu(self) -> float:
        """Return PostgreSQL's CPU seconds per 10,000 orders."""
        return self.postgres * PER / self.orders


@dataclass(frozen=True)
class Contestant:
    """A contestant with all its rounds."""

    name: str
    rounds: Sequence[Round]

    def speed(self) -> float:
        """Return the median of orders per second."""
        return median(one.speed for one in self.rounds)

    def client_cpu(self) -> float:
        """Return the median of client CPU seconds per 10,000 orders."""
        return median(one.client_cpu for one in self.rounds)

    def cells(self) -> tuple[str, str, str, str]:
        """Return the row: name, then each median with its spread."""
        speeds = [one.speed for one in self.rounds]
        client = [one.client_cpu for one in self.rounds]
        postgres = [one.postgres_cpu for one in self.rounds]
        return (
            self.name,
            f"{median(speeds):,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f})",
            f"{median(client):.2f} ({min(client):.2f} to {max(client):.2f})",
            f"{median(postgres):.2f} ({min(postgres):.2f} to {max(postgres):.2f})",
        )


HEADINGS = ("contestant", "orders/s", "client CPU s", "PostgreSQL CPU s")


def table(contestants: Sequence[Contestant]) -> str:
    """Return the terminal's table; medians with the range over the rounds in brackets."""
    rows = [HEADINGS, *(one.cells() for one in contestants)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def ratios(own: Contestant, rival: Contestant) -> str:
    """Return the last line: how the medians compare."""
    speed, cpu = own.speed() / rival.speed(), own.client_cpu() / rival.client_cpu()
    return f"rivals: orders/s x{speed:.2f}, client CPU x{cpu:.2f} (against {rival.name})"


def markdown(contestants: Sequence[Contestant], orders: int, size: float) -> str:
    """Return the section of the documentation: the table, the ratios and the plot."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(one.cells() for one in contestants)]
    rounds = len(contestants[0].rounds)
    names = ", ".join(f'"{one.name}"' for one in contestants)
    speeds = ", ".join(f"{one.speed():.0f}" for one in contestants)
    setting = (
        f"{orders:,} orders of {size / 1000:.1f} kB as served; {rounds} alternating rounds, median "
        f"(range); CPU seconds per {PER:,} orders. {datetime.now(UTC).date().isoformat()}, "
        f"Python {platform.python_version()}."
    )
    lines = [
        setting,
        "",
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
        f"`{ratios(contestants[0], contestants[1])}`",
        "",
        "```mermaid",
        "xychart-beta",
        '    title "Orders per second, median"',
        f"    x-axis [{names}]",
        '    y-axis "orders/s"',
        f"    bar [{speeds}]",
        "```",
    ]
    return "\n".join(lines)


def write(page: Path, section: str) -> None:
    """Replace the section between the two markers of ``page``. Raises ValueError without them."""
    text = page.read_text("utf-8")
    whole = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not whole.search(text):
        raise ValueError(f"{page} lacks the markers {BEGIN} and {END}")
    page.write_text(whole.sub(lambda _: f"{BEGIN}\n{section}\n{END}", text), "utf-8")
