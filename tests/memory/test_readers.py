"""Twenty thousand records take about as much memory to read as five hundred."""

from __future__ import annotations

import subprocess
import sys

import orjson
import pytest

from tests.memory.readers import READERS

pytestmark = pytest.mark.slow(seconds=30)

MOST = 70
"""Megabytes that the many may take beyond the few, over all readers."""


def test_memory_of_the_readers_stays_flat() -> None:
    """In a process of its own, whose peak is that of the readers."""
    command = [sys.executable, "-m", "tests.memory.readers"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-2_000:]
    raised = orjson.loads(done.stdout)
    assert raised.keys() == READERS.keys()
    assert sum(raised.values()) <= MOST, raised


def test_the_measure_shows_a_reader_that_keeps_its_records() -> None:
    """A list of twenty thousand documents of four kilobytes is more than the limit."""
    code = (
        "from tests.memory import readers\n"
        "kept = []\n"
        "def keeping(count):\n"
        "    kept.extend(bytes([n % 250]) * 4_096 for n in range(count))\n"
        "    return count\n"
        "readers.READERS.clear()\n"
        "readers.READERS['keeping'] = keeping\n"
        "print(readers.growth()['keeping'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    assert float(done.stdout) > MOST
