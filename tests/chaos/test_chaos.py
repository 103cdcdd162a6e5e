"""The short form of the chaos suite: the whole system under eight kills and every fault."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from orchestration.settings import project_root

pytestmark = pytest.mark.chaos

KILLS, ORDERS, SEED, MINUTES = 8, 20, 4, 0.4
STREAMS = "orders,inventory,shipments"
"""Those that each pair has."""
LONGEST_SECONDS = 1200
"""About a minute on two cores of its own; many others may share this machine."""


def test_nothing_is_lost_doubled_or_wrong_after_a_short_storm() -> None:
    """Runs, daemon, code server and Postgres are killed, and store, OMS and ledger agree."""
    command = [
        sys.executable,
        "-m",
        "tests.chaos",
        "--kills",
        str(KILLS),
        "--orders",
        str(ORDERS),
        "--seed",
        str(SEED),
        "--minutes",
        str(MINUTES),
        "--streams",
        STREAMS,
    ]

    done = subprocess.run(
        command,
        cwd=project_root(),
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"chaos: seed={SEED} ")
    replay = f"--kills {KILLS} --orders {ORDERS} --seed {SEED} --minutes {MINUTES}"
    assert lines[0].endswith(f"{replay} --streams {STREAMS}")
    figures = {name: int(number) for name, number in re.findall(r"(\w+)[=\s](\d+)", lines[-1])}
    assert {
        name: figures[name] for name in ("lost", "duplicated", "wrong", "open", "unnamed", "leaks")
    } == dict.fromkeys(("lost", "duplicated", "wrong", "open", "unnamed", "leaks"), 0)
    assert figures["kills"] >= KILLS
    assert (
        min(figures[victim] for victim in ("run", "daemon", "server", "endpoint", "postgres")) >= 1
    )
    assert figures["orders"] == ORDERS
    assert figures["webhooks"] > 0
