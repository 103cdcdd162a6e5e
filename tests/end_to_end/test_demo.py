"""``lockstep demo`` as a user runs it: a process and a home of its own, verified at both ends."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from domain.streams import KINDS
from orchestration.local import sandbox_process
from orchestration.local.processes import free_port
from orchestration.local.simulated import PAIR, Pair, pairs
from resources.ledger.database import embedded
from resources.systems import streams_carried
from tests.conftest import opened_folder
from tests.shared import shared_path

pytestmark = pytest.mark.demo

LONGEST_SECONDS = 900
FEW = ("--count", "60")
"""Fewer orders than by default, of every shape."""
LOCKSTEP = Path(sys.executable).parent / "lockstep"


class Home:
    """A folder of a demo's own, with its embedded Postgres and its sandbox's state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    def demo(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        environment = {
            k: v
            for k, v in os.environ.items()
            if k not in ("DATABASE_URL", "LOCKSTEP_CONNECTIONS", "DAGSTER_HOME")
        }
        return subprocess.run(
            [str(LOCKSTEP), "demo", "--port", str(self.port), *arguments],
            env=environment | {"LOCKSTEP_HOME": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )

    def close(self) -> None:
        """Stop the Postgres that the demo left running."""
        embedded.stop(self.folder / "postgres")


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """A home for all: its server and Dagster's tables are made once, and each demo has a store."""
    with opened_folder() as folder:
        made = Home(folder / "home")
        yield made
        made.close()


@pytest.fixture(scope="module")
def every_system(home: Home) -> str:
    """What the demo prints that runs every system: the first one in its home, and verified."""
    pairs_of_all = ",".join("/".join(pair) for pair in covering())
    result = home.demo(*FEW, "--pairs", pairs_of_all)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def row_of(output: str, stream: str) -> list[int]:
    """Return the numbers of a stream's line of the table."""
    [line] = [line for line in output.splitlines() if re.match(rf"^[│|] {stream} ", line)]
    return [int(cell) for cell in re.findall(r"\d+", line)]


def output_of(output: str, connection: str) -> str:
    """Return what a demo of several pairs prints of one, up to the next one's line of systems."""
    after = output[output.index(f"Connection {connection} ") :]
    return after.partition("  systems ")[0].partition("Pairs")[0]


def test_a_second_run_delivers_nothing_twice_and_an_effect_that_is_undone_is_reported(
    home: Home, every_system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 0 again with the same orders; then a shipment is deleted, and the demo reports it."""
    first = output_of(every_system, Pair(*PAIR).connection)
    assert row_of(first, "orders")[5] > 0, "delivered"
    second = home.demo(*FEW)
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count("verified") == 4
    assert row_of(first, "orders")[4:] == row_of(second.stdout, "orders")[4:]

    monkeypatch.setenv("LOCKSTEP_HOME", str(home.folder))
    sandbox = sandbox_process.start(home.port)
    try:
        control = f"{sandbox.url}/_sandbox/bigcommerce/demo"
        shipment = json.loads(httpx.get(f"{control}/effects/shipments").text.splitlines()[0])
        order, identity = shipment["order_id"], shipment["shipment_id"]
        api = f"{sandbox.url}/bigcommerce/demo/stores/demo/v2/orders/{order}/shipments/{identity}"
        httpx.delete(api, headers={"X-Auth-Token": "sandbox-token-demo"}).raise_for_status()
    finally:
        sandbox.stop()
    third = home.demo(*FEW)
    assert third.returncode != 0
    assert f"order {order}" in third.stdout


def covering() -> list[Pair]:
    """Return pairs in which every system occurs, as few as there can be.

    All pairs run in this process in tests/pairs, and in ``make demo PAIRS=all``.
    """
    chosen: list[Pair] = []
    for wanted in (2, 1):
        for pair in pairs():
            if len(set(pair) - {kind for one in chosen for kind in one}) >= wanted:
                chosen.append(pair)
    return chosen


def test_every_system_is_verified_and_what_a_pair_lacks_is_absent(every_system: str) -> None:
    """Every stream of each, as far as its two systems carry it."""
    rows = every_system[every_system.rindex("Pairs") :].splitlines()
    cells = [re.findall(r"[\w ]+", line.replace("│", "|")) for line in rows if "│" in line]
    shown = {tuple(each.strip() for each in row) for row in cells}
    for pair in covering():
        [streams] = [row[2:] for row in shown if row[:2] == pair]
        assert streams[:3] == ("verified", "verified", "verified")
        carried = streams_carried(*pair)
        for stream, state in zip(list(KINDS)[3:], streams[3:], strict=True):
            assert state == ("verified" if stream in carried else "absent")


def test_real_olist_orders_are_all_accounted_for(home: Home, tmp_path: Path) -> None:
    """One month of the public Olist orders, with their dirt, through the whole system."""
    source = shared_path("data/olist")
    folder = tmp_path / "olist"
    folder.mkdir()
    with gzip.open(source / "orders.csv.gz", "rt") as rows:
        kept = [
            row
            for row in csv.DictReader(rows)
            if row["order_purchase_timestamp"].startswith("2017-02-1")
        ]
    ids = {row["order_id"] for row in kept}
    customers = {row["customer_id"] for row in kept}
    for table in source.glob("*.csv.gz"):
        with (
            gzip.open(table, "rt") as rows,
            (folder / table.name.removesuffix(".gz")).open("w", newline="") as out,
        ):
            reader = csv.DictReader(rows)
            writer = csv.DictWriter(out, reader.fieldnames or [])
            writer.writeheader()
            for row in reader:
                if (
                    row.get("order_id", next(iter(ids))) in ids
                    and row.get("customer_id", next(iter(customers))) in customers
                ):
                    writer.writerow(row)
    result = home.demo("--orders-from", str(folder))
    assert result.returncode == 0, result.stdout + result.stderr
    captured, accepted, rejected, skipped, _, delivered, _ = row_of(result.stdout, "orders")
    assert captured == len(ids) == accepted + rejected + skipped
    assert delivered == accepted > 0.9 * captured
