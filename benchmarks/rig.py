"""The systems of a benchmark: its own PostgreSQL and sandbox, with separate CPU counts."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
import psycopg
import yaml

from assets.streams.registry import STREAMS
from orchestration import settings
from orchestration.local import sandbox_process
from resources.ledger.database import embedded
from resources.ledger.database.migrate import migrate
from resources.ledger.monitoring.activation import resume
from resources.lockstep import Lockstep
from sandbox.seed import bulk, catalogue, load
from sandbox.seed.seedset import oms_item

NAME = STORE = "bench"
START = date(2026, 1, 1)
PRODUCTS = 200
UNLIMITED = 1_000_000
"""Requests a second to the OMS: the steps are measured, and no waiting for a quota."""
TENTH = 10_000
"""CPU is reported per 10,000 orders."""


@dataclass(frozen=True)
class Cpu:
    """CPU seconds so far of this process, of all PostgreSQL processes, and of the sandbox."""

    client: float
    postgres: float
    sandbox: float

    def since(self, before: Cpu) -> Cpu:
        """Return the CPU used since ``before``."""
        return Cpu(
            self.client - before.client,
            self.postgres - before.postgres,
            self.sandbox - before.sandbox,
        )


@dataclass(frozen=True)
class Result:
    """One stage of one round."""

    stage: str
    records: int
    wall: float
    cpu: Cpu
    target: tuple[int, float] | None = None
    """Records a second, and client CPU seconds per 10,000."""

    def line(self) -> str:
        """Return the row of the table."""
        per = TENTH / self.records
        target = f"  target {self.target[0]:,}/s, {self.target[1]:.1f} s" if self.target else ""
        return (
            f"{self.stage:42}{self.records:>8,}{self.wall:>8.2f}{self.records / self.wall:>10,.0f}"
            f"{self.cpu.client * per:>9.2f}{self.cpu.postgres * per:>9.2f}"
            f"{self.cpu.sandbox * per:>9.2f}{target}"
        )


def heads(records: str) -> str:
    """Return the heads of the table of results."""
    return (
        f"{'stage':42}{records:>8}{'wall s':>8}{records + '/s':>10}"
        f"{'client':>9}{'Postgres':>9}{'sandbox':>9}"
    )


def best(rounds: list[list[Result]]) -> list[Result]:
    """Return, for each stage, the round with the least client CPU."""
    return [
        min(results, key=lambda result: result.cpu.client) for results in zip(*rounds, strict=True)
    ]


@dataclass(frozen=True)
class Rig:
    """The running systems; ``folder`` is removed at the end."""

    folder: Path
    database: str
    url: str
    _postmaster: psutil.Process
    _sandbox: psutil.Process

    def cpu(self) -> Cpu:
        """Return the CPU seconds used so far, including PostgreSQL backends that have ended."""
        postmaster = self._postmaster.cpu_times()
        postgres = (
            postmaster.user
            + postmaster.system
            + postmaster.children_user
            + postmaster.children_system
        )
        for child in self._postmaster.children():
            try:
                postgres += _own(child)
            except psutil.NoSuchProcess:
                continue  # it has just ended: its time is now in the postmaster's children
        return Cpu(time.process_time(), postgres, _own(self._sandbox))

    def write_installation(self, oms: Mapping[str, Any] | None = None, **platform: Any) -> Path:
        """Write ``connections.yaml`` with one connection; ``oms``, ``platform``: its settings."""
        file = sandbox_process.configure(NAME, STORE, START, self.url)
        content = yaml.safe_load(file.read_text("utf-8"))
        section = content["connections"][NAME]
        section["platform"] |= platform
        section["oms"] |= {"requests_per_second": UNLIMITED, **(oms or {})}
        section["orders"]["default_shipping_method"] = "Standard"
        file.write_text(yaml.safe_dump(content), "utf-8")
        return file

    def lockstep(self, oms: Mapping[str, Any] | None = None, **platform: Any) -> Lockstep:
        """Return the run's view of that installation; the caller closes it."""
        file = self.write_installation(oms, **platform)
        return Lockstep(settings.load(file), lambda: self.database)

    def control(self, path: str, body: Any) -> None:
        """Make a control call of the sandbox."""
        httpx.post(
            f"{self.url}/_sandbox/{path}", content=orjson.dumps(body), timeout=120
        ).raise_for_status()

    def seed_catalogue(self, products: int = PRODUCTS) -> catalogue.Catalogue:
        """Load the store's products and the tenant's items and locations."""
        made = catalogue.catalogue(products, seed=1, stock=10_000_000)
        store, oms = f"bigcommerce/{STORE}", f"manhattan/{STORE}"
        parts = (
            (f"{store}/locations", made.store_locations),
            (f"{store}/catalog", made.products),
            (f"{oms}/locations", made.locations),
            (f"{oms}/items", [*made.items, oms_item("GIFT-CERTIFICATE", "Gift certificate")]),
            (f"{oms}/supply", made.supply),
        )
        for path, documents in parts:
            for batch in load.batches(documents, 500):
                self.control(path, batch)
        return made

    def seed_orders(
        self, articles: catalogue.Catalogue, count: int, day: date, first_id: int
    ) -> float:
        """Place ``count`` orders of one or two lines on ``day``; return their average size."""
        size = 0
        for batch in load.batches(
            bulk.orders(count, first_id, day, 1, articles, first_id=first_id), 500
        ):
            body = orjson.dumps(batch)
            size += len(body)
            httpx.post(
                f"{self.url}/_sandbox/bigcommerce/{STORE}/orders", content=body, timeout=120
            ).raise_for_status()
        return size / count


def let_run(database: str) -> None:
    """Make the connection one that runs already; a new one looks for what it replaces first."""
    with psycopg.connect(database, autocommit=True) as db:
        resume(db, NAME, list(STREAMS), "benchmark")
        db.execute("UPDATE sync.activation SET started_at = NULL")


@contextmanager
def rig() -> Iterator[Rig]:
    """Run both servers in a temporary folder for the duration of the block."""
    with tempfile.TemporaryDirectory(prefix="lockstep-bench-") as name:
        folder = Path(name)
        os.environ["LOCKSTEP_HOME"] = name
        database = embedded.start(folder / "postgres")
        migrate(database)
        let_run(database)
        postmaster = psutil.Process(
            int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--unlimited"], stdout=subprocess.PIPE, text=True
        )
        try:
            url = process.stdout.readline().split()[-1] if process.stdout else ""
            yield Rig(folder, database, url, postmaster, psutil.Process(process.pid))
        finally:
            process.kill()
            process.wait()
            embedded.stop(folder / "postgres")


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
