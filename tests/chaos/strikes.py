"""Carries strikes out, each as a state machine that is polled, so that the driver never waits."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import psutil
import psycopg

from orchestration.local.processes import listens
from tests.chaos import database_faults, remote_faults, webhooks
from tests.chaos.archived import fill_disk, today
from tests.chaos.naming import Hit
from tests.chaos.processes import Tree
from tests.chaos.schedule import Strike
from tests.chaos.systems import Systems
from tests.chaos.traffic import Traffic
from tests.chaos.ways import WAYS

DAEMON_READY, CODE_READY, WEBHOOKS_READY = 7.0, 3.0, 2.0
"""Seconds after which a process is active: killing a younger one would prove little."""
RUNS_EVERY = 0.2
"""Seconds between two looks for active runs; each reads the state of every process."""
HOLD_PATIENCE = 45.0
"""Seconds that a held request is waited for; then the run is killed wherever it is."""
SECOND_DAEMON_SECONDS = 15.0
PROVOKED: dict[str, Callable[[str, Path], object]] = {
    "deadlock": lambda url, _: database_faults.provoke_deadlock(url),
    "serialization": lambda url, _: database_faults.provoke_serialization_failure(url),
    "backends_terminated": lambda url, _: database_faults.end_backends(url),
    "disk_full": lambda url, folder: fill_disk(url, folder / "archive", today()),
}


class Strikes:
    """What has been done to the system so far."""

    def __init__(
        self,
        tree: Tree,
        systems: Systems,
        traffic: Traffic,
        url: str,
        streams: Sequence[str] = (),
    ) -> None:
        self._pair, self._streams = systems.pair, streams
        self._tree, self._systems, self._traffic, self._url = tree, systems, traffic, url
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="fault")
        self._armed: list[tuple[Strike, Iterator[bool]]] = []
        self._database_is_ours = False
        self.kills: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.held: list[Hit] = []
        self.forged: list[str] = []
        """Forgeries that were taken in."""
        self.oms_skew = 0.0
        self._port = urlsplit(systems.url).port or 0

    def set_clocks(self, store: float, oms: float) -> None:
        """Put the clocks of store and OMS off ours by so many seconds."""
        self._traffic.skew, self.oms_skew = store, oms
        self._systems.store("settings", {"clock_offset_s": store})
        self._systems.oms(
            "clock", {"now": (datetime.now(UTC) + timedelta(seconds=oms)).isoformat()}
        )

    def arm(self, strike: Strike) -> None:
        """Take a strike up; it falls at one of the next calls of ``press``."""
        doing = self._kill(strike) if strike.kind == "kill" else self._fault(strike)
        self._armed.append((strike, doing))

    def press(self) -> None:
        """Go on with every strike that has not fallen yet."""
        self._armed = [(strike, doing) for strike, doing in self._armed if not next(doing, True)]

    @property
    def waiting(self) -> list[str]:
        """Name the strikes that have not fallen yet."""
        return [f"{strike.kind} {strike.victim}".strip() for strike, _ in self._armed]

    def cease(self) -> None:
        """End what goes on by itself: rules of the sandbox, a second daemon."""
        for system in self._pair:
            self._systems.http.delete(f"/{system}/{self._systems.name}/faults").raise_for_status()
        webhooks.behave(self._systems, webhooks.ORDERLY)
        self._tree.end("second_daemon")
        self._pool.shutdown(wait=True)

    def hits(self) -> list[Hit]:
        """Return every request that a rule hit, marked if its sender was killed meanwhile."""
        found = [
            self._hit(system, row)
            for system in self._pair
            for row in self._systems.rows(f"{system}/{self._systems.name}/faults/hits")
        ]
        killed = {(hit.correlation, hit.at) for hit in self.held}
        return [hit for hit in found if (hit.correlation, hit.at) not in killed] + self.held

    @staticmethod
    def _hit(system: str, row: dict[str, object], *, killed: bool = False) -> Hit:
        return Hit(system=system, killed=killed, **row)  # type: ignore[arg-type]

    # -- kills

    def _kill(self, strike: Strike) -> Iterator[bool]:
        match strike.victim:
            case "run":
                return self._kill_run(strike)
            case "run_sending":
                return self._kill_sending_run(strike)
            case "postgres":
                return self._kill_postgres(strike)
            case "daemon":
                return self._kill_child("daemon", strike, DAEMON_READY, lambda: True)
            case "webhooks":
                return self._kill_child(
                    "webhooks", strike, WEBHOOKS_READY, self._tree.takes_webhooks
                )
        return self._kill_child("code_server", strike, CODE_READY, lambda: listens(self._tree.port))

    def _kill_run(self, strike: Strike) -> Iterator[bool]:
        """Kill an active run some time after it was found; if it ends before, wait for the next."""
        seen: dict[int, float] = {}
        look = 0.0
        while True:
            now = time.monotonic()
            if now < look:
                yield False
                continue
            look = now + RUNS_EVERY
            for process in self._tree.runs():
                if process.pid in seen or self._tree.is_at_work(process, self._port):
                    with suppress(psutil.Error):
                        if now - seen.setdefault(process.pid, now) >= strike.delay:
                            process.kill()
                            self.kills["run"] += 1
                            yield True
            yield False

    def _kill_sending_run(self, strike: Strike) -> Iterator[bool]:
        """Let the remote system hold a request with an effect, and kill its sender meanwhile."""
        system, rule = remote_faults.hold(strike.seed, self._pair)
        path = f"{system}/{self._systems.name}/faults"
        before = len(self._systems.rows(f"{path}/hits"))
        if system == self._pair.store:
            self._traffic.day(Random(strike.seed))  # so that there is something to ship
        self._systems.http.post(f"/{path}", json=[rule]).raise_for_status()
        deadline = time.monotonic() + HOLD_PATIENCE
        while time.monotonic() < deadline:
            for row in self._systems.rows(f"{path}/hits?after={before}"):
                hit = self._hit(system, row, killed=True)
                if (
                    hit.kind == rule["kind"]
                    and hit.has_effect
                    and self._kill_all_runs("run_sending")
                ):
                    self.held.append(hit)
                    yield True
            yield False
        yield from self._kill_run(strike)

    def _kill_all_runs(self, name: str) -> int:
        dead = 0
        for process in self._tree.runs():
            with suppress(psutil.Error):
                process.kill()
                dead += 1
        self.kills[name] += dead
        return dead

    def _kill_postgres(self, strike: Strike) -> Iterator[bool]:
        """Kill the postmaster, and start it again after a moment."""
        while self._database_is_ours or self._tree.postmaster() is None or not self._answers():
            yield False
        self._database_is_ours = True
        if self._tree.kill_postgres():
            self.kills["postgres"] += 1
        until = time.monotonic() + Random(strike.seed).uniform(0.1, 2.0)
        while time.monotonic() < until:
            yield False
        starting = self._pool.submit(self._tree.start_postgres)
        while not starting.done():
            yield False
        starting.result()
        self._database_is_ours = False
        yield True

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _kill_child(
        self, name: str, strike: Strike, age: float, at_work: Callable[[], bool]
    ) -> Iterator[bool]:
        while self._tree.age(name) < age + strike.delay or not at_work():
            yield False
        if self._tree.kill(name):
            self.kills[name] += 1
        yield True

    # -- other faults

    def _fault(self, strike: Strike) -> Iterator[bool]:
        self.faults[strike.kind] += 1
        match strike.kind:
            case "forged_webhooks":
                return self._forge(strike.seed)
            case "two_daemons":
                return self._second_daemon()
            case kind if kind in PROVOKED:
                return self._provoked(kind)
        self._strike_at_once(strike)
        return iter((True,))

    def _strike_at_once(self, strike: Strike) -> None:
        dice = Random(strike.seed)
        match strike.kind:
            case "late_records":
                self._traffic.late += dice.randint(3, 8)
            case "duplicated_events":
                self._traffic.touch(dice, dice.randint(3, 8))
            case "unruly_webhooks":
                webhooks.behave(self._systems, webhooks.worse(strike.seed))
            case "webhooks_off":
                webhooks.switch_off(self._systems, strike.seed)
            case "clock_jump":
                self._jump(dice)
            case "token_expiry":
                self._expire()
            case kind:
                for system, rule in remote_faults.rules(
                    kind, strike.seed, self._pair, self._streams
                ):
                    self._systems.http.post(
                        f"/{system}/{self._systems.name}/faults", json=[rule]
                    ).raise_for_status()

    def _expire(self) -> None:
        """Let the tokens of the OMS expire, or of the store where the OMS has none."""
        systems = self._systems
        if path := WAYS[self._pair.oms].expire:
            systems.oms(path, {})
        elif path := WAYS[self._pair.store].expire:
            systems.store(path, {})

    def _jump(self, dice: Random) -> None:
        """Set one of the clocks forward by a second or two; a step back would be no skew."""
        store, oms = self._traffic.skew, self.oms_skew
        step = dice.uniform(0.5, 2.5)
        store, oms = (
            (min(store + step, 8.0), oms) if dice.random() < 0.5 else (store, min(oms + step, 8.0))
        )
        self.set_clocks(store, oms)

    def _forge(self, seed: int) -> Iterator[bool]:
        """Send forgeries once the endpoint listens."""
        while not self._tree.takes_webhooks():
            yield False
        doing = self._pool.submit(webhooks.forge, self._tree.webhooks, seed)
        while not doing.done():
            yield False
        self.forged += doing.result()
        yield True

    def _second_daemon(self) -> Iterator[bool]:
        self._tree.start_daemon("second_daemon")
        until = time.monotonic() + SECOND_DAEMON_SECONDS
        while time.monotonic() < until:
            yield False
        self._tree.end("second_daemon")
        yield True

    def _provoked(self, kind: str) -> Iterator[bool]:
        """Provoke an error of Postgres or of the disk, with at most three tries."""
        for _ in range(3):
            doing = self._pool.submit(PROVOKED[kind], self._url, self._tree.home.folder)
            while not doing.done():
                yield False
            with suppress(psycopg.Error):
                if doing.result():
                    self.faults[f"{kind}_struck"] += 1
                    break
        yield True
