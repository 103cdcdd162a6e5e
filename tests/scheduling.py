"""When and where tests run: long files first, whole systems one at a time, none over midnight."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

SYSTEMS = ("chaos", "demo", "daemon")
"""Markers (pyproject.toml) of tests that run a whole system, each of its processes a busy one.

One worker runs all of them, so that no two systems share the machine's cores.
"""
GROUPS = re.compile(rf'mark\.(?:({"|".join(SYSTEMS)})\b|xdist_group\("([^"]+)"\))')
"""Markers in the text of a file of tests that say which files one worker runs."""
ROOM = {
    "chaos": timedelta(minutes=8),
    "demo": timedelta(minutes=5),
    "daemon": timedelta(minutes=5),
    "slow": timedelta(minutes=2),
}
"""Marker -> how long before midnight a test with it starts no more; others: ``SHORT``.

Tests call today and yesterday by their dates; what happens at midnight has tests of its own.
"""
SHORT = timedelta(seconds=20)
LONGEST = max(ROOM.values())


class ByFile(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist has no types
    """Gives a worker a whole file at a time, or all files of a group."""

    def _split_scope(self, nodeid: str) -> str:
        """Return the group of the test's file, else the file.

        pytest-xdist's own groups end the id of a test, which pytest no longer lets it change.
        """
        return _group(self.config.rootpath / nodeid.partition("::")[0])


@cache
def _group(file: Path) -> str:
    """Return what the file's markers name, by its text, as only workers import it."""
    marker = GROUPS.search(file.read_text())
    if marker is None:
        return str(file)
    return "systems" if marker[1] else marker[2]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile | None:
    """Use ``ByFile`` where scopes are asked for, as pyproject.toml does."""
    return ByFile(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put whole systems first, then the longest files.

    pytest-xdist keeps this order because of ``--no-loadscope-reorder``.
    """
    ranks: dict[Path, float] = {}
    for item in items:
        ranks[item.path] = max(_seconds(item), ranks.get(item.path, 0.0))
    items.sort(key=lambda item: -ranks[item.path])


def _seconds(item: pytest.Item) -> float:
    """Return about how long the test's file takes, by its marker."""
    if _has(item, SYSTEMS):
        return float("inf")
    marker = item.get_closest_marker("slow")
    return float(marker.kwargs.get("seconds", 10)) if marker else 1.0


def _has(item: pytest.Item, names: tuple[str, ...]) -> bool:
    return any(item.get_closest_marker(name) for name in names)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Wait for the next day (UTC) where a test might not end on this one."""
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if midnight - now > LONGEST:
        return  # most of a day, without a look at the markers of each of thousands of tests
    longest = max([SHORT, *(took for name, took in ROOM.items() if _has(item, (name,)))])
    if midnight - now < longest:
        time.sleep((midnight - now).total_seconds() + 1)
