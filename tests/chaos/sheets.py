"""What operators ask of products during a storm: sheets that they import by the command line.

A command runs beside the storm as an operator's own, and may be cut off by it. What its result says
of a row counts; of a command that came to no result each row may be carried out, or not.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import environ
from pathlib import Path
from random import Random

from openpyxl import load_workbook

from orchestration.settings import project_root
from resources.sheets.reader import COLUMNS, NEW_COLUMNS, RESULT
from resources.sheets.writer import write
from tests.chaos.home import NAME, Home

SHEET_EVERY = 6
"""Operations between two sheets."""
HEADER = (*COLUMNS, *NEW_COLUMNS)
ORIGINAL = ""
"""In place of a title: the one that the product had before all sheets."""
TITLE, WRONG = "Listed", "Wrong"
"""The first words of titles: of good rows, and of faulty ones, which no product may have."""
NEW_RATE, AGAIN_RATE, FAULTY_RATE = 0.35, 0.2, 0.3
LAST_SHEETS, LAST_SECONDS = 4, 180.0
"""Sheets after the storm until one was used, and the longest that a command may take then."""

Row = Mapping[str, str]


@dataclass
class Wanted:
    """What was asked for by all sheets so far."""

    titles: dict[str, set[str]] = field(default_factory=dict)
    """SKU -> titles that are right."""
    made: set[str] = field(default_factory=set)
    """SKUs of new products that were taken: the store must have them."""
    times: Counter[str] = field(default_factory=Counter)
    """SKU -> how often something was asked for, at most."""
    misused: list[str] = field(default_factory=list)
    """Faulty rows that were used."""

    def take(self, rows: Sequence[Row], results: Mapping[str, str] | None) -> int:
        """Take a sheet into account, and return how many of its rows were used.

        ``results`` are those of a command that came to its end, by SKU.
        """
        used = 0
        for row in rows:
            sku, title = row["sku"], row["title"]
            result = None if results is None else results.get(sku, "")
            if title.startswith(WRONG):
                self.misused += [sku] if result and not _is_unused(result) else []
            elif result is None:
                self.times[sku] += 1
                self.titles.setdefault(sku, {ORIGINAL}).add(title)
            elif not _is_unused(result):
                used += 1
                self.times[sku] += 1
                self.titles[sku] = {title}
                self.made |= {sku} if "price" in row else set()
        return used


class Sheets:
    """Operators of one connection, who import one sheet at a time."""

    def __init__(
        self, home: Path, counts: Counter[str], skus: Sequence[str], new: Mapping[str, str]
    ) -> None:
        """``skus`` has one for each product, ``new`` what the store needs of a new one."""
        self._home, self._counts, self._skus, self._new = home, counts, skus, new
        self.wanted = Wanted()
        self._running: tuple[subprocess.Popen[bytes], list[Row], Path] | None = None
        self._last: list[Row] = []
        self._number = 0
        self._used = 0

    def operate(self, dice: Random) -> None:
        """Import a sheet, unless the one before is still under way."""
        if self._running is not None and self._running[0].poll() is None:
            return
        self._conclude()
        rows = self._last if self._last and dice.random() < AGAIN_RATE else self._rows(dice)
        self._last = rows
        self._number += 1
        file = self._home / "sheets" / f"products-{self._number}.xlsx"
        file.parent.mkdir(exist_ok=True)
        write(file, "products", HEADER, ([row.get(name, "") for name in HEADER] for row in rows))
        command = [sys.executable, "-m", "orchestration.cli", "catalog", "import", NAME, str(file)]
        environment = environ | Home(self._home).environment
        environment.pop("DATABASE_URL", None)
        with (self._home / "sheets.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=project_root(), env=environment, stdout=log, stderr=log
            )
        self._running = (process, rows, file.with_name(f"{file.stem}.result.xlsx"))
        self._counts["sheets"] += 1

    def close(self) -> None:
        """Wait for the last sheet; where none was used, import more until one is."""
        for number in range(LAST_SHEETS):
            if self._running is not None:
                process = self._running[0]
                try:
                    process.wait(LAST_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                self._conclude()
            if self._used:
                return
            self.operate(Random(f"sheets:last:{number}"))

    def _conclude(self) -> None:
        if self._running is None:
            return
        process, rows, file = self._running
        self._running = None
        used = self.wanted.take(rows, _results(file) if process.returncode in (0, 1) else None)
        self._used += used
        self._counts["listed"] += used

    def _rows(self, dice: Random) -> list[Row]:
        """Return a row or two: of a product that the store has, or a new one, and a faulty one."""
        self._counts["rows"] += 1
        title = f"{TITLE} {self._counts['rows']}"
        first, other = dice.sample(list(self._skus), 2)
        rows: list[Row] = [{"sku": first, "title": title}]
        if dice.random() < NEW_RATE:
            rows = [{"sku": f"NEW-{self._counts['rows']}", "title": title, **self._new}]
        if dice.random() < FAULTY_RATE:
            rows.append({"sku": other, "title": WRONG, "images": "http://img.example.com/1.jpg"})
        return rows


def _is_unused(result: str) -> bool:
    return result.startswith("not used")


def _results(file: Path) -> dict[str, str] | None:
    """Return SKU -> result of each row; ``None`` if the command wrote none."""
    if not file.exists():
        return None
    lines = list(load_workbook(file, read_only=True).active.iter_rows(values_only=True))
    sku, result = lines[0].index("sku"), lines[0].index(RESULT)
    return {str(line[sku]): str(line[result] or "") for line in lines[1:]}
