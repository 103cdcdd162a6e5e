"""One chaos run: start everything, run traffic and strikes together, let it settle, compare."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from assets.streams.registry import STREAMS
from orchestration.local.simulated import PAIR, Pair, simulated
from resources.ledger.database.migrate import migrate
from resources.ledger.monitoring.activation import resume
from tests.chaos.archived import archive_differences, today
from tests.chaos.asked import gather_requests
from tests.chaos.beside import beside_orders
from tests.chaos.compare import DUPLICATED, LOST, OPEN, WRONG, Difference, differences
from tests.chaos.facts import Truths, gather, gather_truths, tracked_skus
from tests.chaos.home import NAME, STANDARD, furnish, secrets_of
from tests.chaos.listed import gather_listed
from tests.chaos.naming import unnamed
from tests.chaos.neutral import differences as neutral_differences
from tests.chaos.neutral import exported_share
from tests.chaos.processes import NotStarted, Tree, adopt_orphans
from tests.chaos.schedule import Schedule
from tests.chaos.strikes import Strikes
from tests.chaos.systems import Systems
from tests.chaos.traffic import PERSON, Traffic
from tests.chaos.webhooks import UNRULY, acknowledged, behave, webhook_differences
from tests.security.leaks import Needles, leaks

TICK, LOOK_EVERY, REST = 0.05, 2.0, 10
"""Seconds between two comparisons, and the pause after one as a multiple of its duration.

A comparison reads everything from both systems.
"""
ARMED_AT_ONCE = 4
"""Most strikes that wait for their moment; beyond, the traffic waits, so each is near its place."""
STANDSTILL_SECONDS = 300.0
"""No strike has found an active process for so long: the system is stuck, and the run ends."""


LEAST_EXPORTED = 0.5
"""Of the orders to be fulfilled, so many must be at the OMS before a long storm ends."""
LONG_STORM = 300.0
"""Seconds from which on a storm is long: a shorter one ends while the system still starts."""


class StandsStill(Exception):
    """Nothing is at work any more; the message names the strikes that wait for something."""


@dataclass
class Report:
    """What one chaos run came to."""

    seed: int
    pair: Pair = PAIR
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    hits: int = 0
    orders: int = 0
    webhooks: int = 0
    restarts: int = 0
    found: list[Difference] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    not_struck: list[str] = field(default_factory=list)
    seconds: float = 0.0
    settled_after: float = 0.0
    storm: float = 0.0
    """Planned length of the storm in seconds."""
    exported: float = 1.0
    """The share of the orders that had reached the OMS when the storm ended."""

    @property
    def is_good(self) -> bool:
        """Return whether nothing differs, leaked or is unrecorded, and every strike took place.

        And whether the system did its work meanwhile.
        """
        is_clean = not self.found and not self.unnamed and not self.leaks and not self.not_struck
        has_worked = self.storm < LONG_STORM or self.exported >= LEAST_EXPORTED
        return is_clean and has_worked

    def figures(self) -> str:
        """Return the one line of figures."""
        kills = self.kills
        runs = kills["run"] + kills["run_sending"]
        count = Counter(difference.kind for difference in self.found)
        return (
            f"chaos: seed={self.seed} pair={'/'.join(self.pair)} "
            f"kills={kills.total()} (run {runs} of which "
            f"sending {kills['run_sending']}, daemon {kills['daemon']}, "
            f"code server {kills['code_server']}, endpoint {kills['webhooks']}, "
            f"postgres {kills['postgres']}) faults={self.faults.total()} hits={self.hits} "
            f"orders={self.orders} webhooks={self.webhooks} lost={count[LOST]} "
            f"duplicated={count[DUPLICATED]} wrong={count[WRONG]} open={count[OPEN]} "
            f"unnamed={len(self.unnamed)} leaks={len(self.leaks)} restarts={self.restarts} "
            f"exported={self.exported:.0%} settled_in={self.settled_after:.0f} "
            f"seconds={self.seconds:.0f}"
        )


class Driver:
    """Runs one schedule in a folder."""

    def __init__(
        self,
        folder: Path,
        schedule: Schedule,
        seconds: float,
        patience: float,
        limit: float,
        say: Callable[[str], None],
        pair: Pair = PAIR,
        streams: Sequence[str] = STANDARD,
    ) -> None:
        """``seconds`` is the length of the storm; past ``limit`` it is given up."""
        self._folder, self._schedule, self._say = folder, schedule, say
        self._pace = seconds / schedule.operations
        self._patience = patience
        self._pair, self._streams = pair, streams
        self._tracked: set[str] = set()
        self._limit = limit
        self.report = Report(schedule.seed, pair, storm=seconds)

    def run(self) -> Report:
        """Do everything; whatever happens, no process is left."""
        started = time.monotonic()
        adopt_orphans()
        self._folder.mkdir(parents=True, exist_ok=True)
        tree = Tree(furnish(self._folder, "", "", self._pair, self._streams))
        try:
            self._play(tree)
        finally:
            tree.stop()
            self.report.seconds = time.monotonic() - started
        return self.report

    def _play(self, tree: Tree) -> None:
        address = tree.start_sandbox()
        furnish(self._folder, address, tree.webhooks, self._pair, self._streams)
        url = tree.start_postgres()
        migrate(url)
        with psycopg.connect(url, autocommit=True) as db:
            resume(db, NAME, list(STREAMS), "chaos")
        systems = Systems(address, NAME, self._pair)
        traffic = Traffic(systems, self._schedule.seed, self._streams, self._folder)
        traffic.fill()
        if setting := simulated(self._pair.oms).push_setting:
            systems.oms("settings", {setting: f"{tree.webhooks}/hooks/{NAME}/oms"})
        behave(systems, UNRULY)
        self._tracked = tracked_skus(traffic.catalogue)
        tree.start_code_server()
        tree.wait_for_code()
        if "Error occurred during the loading" in (text := tree.log("code_server").read_text()):
            raise NotStarted(f"the definitions could not be loaded: {text[-1500:]}")
        tree.start_webhooks()
        tree.start_daemon()
        strikes = Strikes(tree, systems, traffic, url, self._streams)
        strikes.set_clocks(self._schedule.store_skew, self._schedule.oms_skew)
        self._storm(tree, traffic, strikes)
        self.report.exported = exported_share(*systems.truths())
        strikes.cease()
        traffic.close_books()
        self._settle(tree, systems, url, traffic)
        report = self.report
        report.kills, report.faults, report.restarts = strikes.kills, strikes.faults, tree.restarts
        report.orders = traffic.counts["orders"]
        report.found += archive_differences(
            url, self._folder / "archive", today()
        ) + webhook_differences(systems, url, NAME)
        report.found += [
            Difference(WRONG, what, "a forgery was acknowledged") for what in strikes.forged
        ]
        report.webhooks = acknowledged(systems)
        facts = gather_truths(systems, url, NAME, traffic, with_messages=True)
        hits = strikes.hits()
        report.hits = len(hits)
        report.unnamed = unnamed(hits, facts)
        traces = [self._folder / "dagster", self._folder / "archive", *self._folder.glob("*.log")]
        report.leaks = leaks(None, url, traces, Needles(secrets_of(self._pair), PERSON.split()))
        systems.close()

    def _storm(self, tree: Tree, traffic: Traffic, strikes: Strikes) -> None:
        """Do the operations at their pace, each strike once its progress is reached."""
        due = list(self._schedule.strikes)
        started = next_at = time.monotonic()
        printed_at = time.monotonic()
        for index in range(self._schedule.operations):
            since = time.monotonic()
            while time.monotonic() < next_at or len(strikes.waiting) >= ARMED_AT_ONCE:
                self._tick(tree, strikes)
                if time.monotonic() - started > self._limit:
                    raise StandsStill(
                        f"the storm did not end in {self._limit / 60:.0f} minutes: {index} of "
                        f"{self._schedule.operations} operations were done"
                    )
                if time.monotonic() - since > STANDSTILL_SECONDS:
                    raise StandsStill(
                        f"for {STANDSTILL_SECONDS:.0f} s no process was active for: "
                        f"{', '.join(strikes.waiting)}"
                    )
            traffic.operate(index)
            next_at = max(next_at + self._pace, time.monotonic() - 1.0)
            while due and due[0].at <= index + 1:
                strikes.arm(due.pop(0))
            if time.monotonic() - printed_at > 30:
                printed_at = time.monotonic()
                self._say(
                    f"  {index + 1} of {self._schedule.operations} operations, "
                    f"{strikes.kills.total()} kills; waiting: {strikes.waiting}"
                )
        deadline = time.monotonic() + self._patience
        while strikes.waiting and time.monotonic() < deadline:
            self._tick(tree, strikes)
        self.report.not_struck = strikes.waiting

    def _tick(self, tree: Tree, strikes: Strikes) -> None:
        strikes.press()
        tree.supervise()
        time.sleep(TICK)

    def _differences(self, systems: Systems, url: str, traffic: Traffic) -> list[Difference]:
        """Compare both systems; those of the first pair by their documents, too."""
        truths = self._truths(systems, url, traffic)
        if self._pair != PAIR:
            return neutral_differences(truths)
        facts = gather(systems, url, NAME, self._tracked)
        facts.returned = {str(number) for number in traffic.returned}
        facts.changed = truths.changed
        facts.cut = truths.requests.cut() if truths.requests is not None else set()
        return [*differences(facts), *beside_orders(truths)]

    def _truths(self, systems: Systems, url: str, traffic: Traffic) -> Truths:
        truths = gather_truths(systems, url, NAME, traffic)
        if "actions" in self._streams:
            truths.requests = gather_requests(systems, url, NAME, traffic.agents)
        if "listings" in self._streams:
            truths.listed = gather_listed(url, NAME, traffic.sheets.wanted)
        return truths

    def _settle(self, tree: Tree, systems: Systems, url: str, traffic: Traffic) -> None:
        """Wait until nothing differs, twice in a row; what differs at the end is the result."""
        started = time.monotonic()
        quiet, look, printed_at = 0, started, started
        while quiet < 2:
            tree.supervise()
            time.sleep(TICK)
            if time.monotonic() < look:
                continue
            looked = time.monotonic()
            if tree.postmaster() is None:
                tree.start_postgres()
            try:
                self.report.found = self._differences(systems, url, traffic)
            except (psycopg.OperationalError, httpx.TransportError) as error:
                self.report.found = [Difference(OPEN, "system", f"could not be asked: {error}")]
            look = time.monotonic() + max(LOOK_EVERY, REST * (time.monotonic() - looked))
            quiet = quiet + 1 if not self.report.found else 0
            if self.report.found and time.monotonic() - printed_at > 20:
                printed_at = time.monotonic()
                self._say(
                    f"  settling for {printed_at - started:.0f} s; "
                    f"{len(self.report.found)} differences, the first: {self.report.found[0]}"
                )
            if time.monotonic() - started > self._patience:
                break
        self.report.settled_after = time.monotonic() - started
