"""Lockstep's runs, as its daemon would start them, in this process and without Dagster's storage.

The steps' own bodies run, with a context that holds what they read of Dagster's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from types import SimpleNamespace
from typing import Any

import dagster as dg
import psycopg

from assets.chain import steps
from assets.chain.run_config import CaptureConfig, DeliverConfig, ValidateConfig
from assets.chain.step import Step
from assets.reconciliation.run import Request, reconcile
from assets.streams.registry import STREAMS
from domain.connections import ACTIONS
from domain.errors import LockstepError
from domain.values import DAY, Partition
from orchestration.schedules import last_hours
from resources.ledger.rejections import reruns
from resources.ledger.rejections.recovery import retry_unreached
from sensors.cursor import Chain, Due
from sensors.requeue import end_outages
from sensors.targets import read_targets
from sensors.windows import probe
from tests.model.world import ALL, NAME, World
from tests.model.world import STREAMS as STANDARD

FAILURES = (LockstepError, dg.Failure, psycopg.OperationalError)
"""What fails a run; anything else is a fault of Lockstep, and fails the program."""

UNFINISHED = """SELECT EXISTS (SELECT FROM sync.record
    WHERE stream = %s AND state = 'accepted' AND outcome IS NULL)
    OR EXISTS (SELECT FROM sync.capture c WHERE stream = %s AND NOT EXISTS (
        SELECT FROM sync.record r WHERE r.source_day = c.source_day
        AND r.capture_id = c.capture_id AND r.stream = c.stream AND r.connection = c.connection))
    OR EXISTS (SELECT FROM sync.rejection WHERE stream = %s AND state = 'open')"""
FAILING = "SELECT 1 FROM sync.watermark WHERE failing_since IS NOT NULL LIMIT 1"


class CheckError(AssertionError):
    """A step's own check failed."""


@dataclass
class Runs:
    """The runs of one program."""

    world: World
    name: str = NAME
    """The connection of the current run."""
    failed: dict[tuple[str, str, date], int] = field(default_factory=dict)
    """Connection, stream and partition -> failures in a row."""
    log: list[str] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: count(1))

    def live(self, *streams: str) -> bool:
        """Make a tick of the lane's sensor and run what is due; return whether all succeeded."""
        good = True
        for stream in self._chains(streams):
            try:
                due = self._probe(stream)
            except FAILURES as error:
                self.log.append(f"probe {stream}: {error}")
                good = False
                continue
            for item in due:
                good &= self._run(stream, item.partition.day, item, trigger="live")
        return good

    def _chains(self, streams: Sequence[str]) -> Iterator[str]:
        """Yield the streams of each connection that has them, and make it the current one."""
        for name in self.world.names:
            for stream in streams or ALL:
                if stream in self.world.installation.connections[name].streams:
                    self.name = name
                    yield stream
        self.name = NAME

    def _probe(self, stream: str) -> list[Due]:
        lockstep = self.world.lockstep
        assert lockstep is not None
        has_failed = any(key[:2] == (self.name, stream) for key in self.failed)
        return probe(
            lockstep, Chain(self.name, stream), self.world.clock.now(), has_failed=has_failed
        )

    def unfinished(self, *streams: str) -> bool:
        """Make a tick of the sensor of unfinished work, and run what it would request."""
        good, pending = True, set[tuple[str, str]]()
        for stream in self._chains(streams):
            if not self._may_be_unfinished(stream):
                continue
            with self.world.ledger.session(self.name, stream) as session:
                found = session.partitions.pending(DAY)
                retry_unreached(session)
            for partition in found:
                pending.add((self.name, stream))
                good &= self._run(stream, partition.day, None, trigger="requeue")
        if self.world.database.rows(FAILING):
            lockstep = self.world.lockstep
            assert lockstep is not None
            for name in self.world.names:
                targets = read_targets(lockstep, name, streams or ALL)
                busy = {stream for owner, stream in pending if owner == name}
                end_outages(lockstep, name, targets, busy)
        return good

    def _may_be_unfinished(self, stream: str) -> bool:
        """Look before a session is opened: most of the time all is finished."""
        ((found,),) = self.world.database.rows(UNFINISHED, *[stream] * 3)
        return bool(found)

    def requested(self) -> bool:
        """Run the reruns that were requested."""
        good = True
        if not self.world.database.rows("SELECT 1 FROM sync.rerun WHERE outcome = '' LIMIT 1"):
            return good
        with self.world.ledger.session(NAME, "") as session:
            waiting = reruns.unfinished(session.db)
        for rerun in waiting:
            ok = self._rerun(
                rerun.connection,
                rerun.stream,
                rerun.partition.day,
                only=rerun.source_ids,
                force=rerun.force,
                re_read=rerun.mode == "re_read",
            )
            with self.world.ledger.session(NAME, "") as session:
                reruns.end(session.db, [rerun.rerun_id], "done" if ok else "failed")
            good &= ok
        return good

    def sweep(self) -> bool:
        """Run the half-hourly schedule that reads the last hours again."""
        window = last_hours(self.world.clock.now())
        day, good = window.since.date(), True
        for stream in self._chains(STANDARD[:2]):
            due = Due(Chain(self.name, stream), Partition.of_day(day), window)
            good &= self._run(stream, day, due, trigger="schedule")
        return good

    def carry_out(self, stream: str = ACTIONS) -> bool:
        """Carry out requests, as the command that has captured one does."""
        good, day = True, self.world.clock.now().date()
        for one in self._chains([stream]):
            good &= self._run(one, day, None, trigger="requeue")
        return good

    def reconcile(self, day: date, *, repair: bool) -> bool:
        """Run the daily reconciliation of a day."""
        lockstep = self.world.lockstep
        assert lockstep is not None
        good = True
        for name in self.world.names:
            streams = self.world.installation.connections[name].streams
            try:
                sync = lockstep.sync(name, f"run-{next(self.numbers)}")
                reconcile(sync, Request(day, streams, repair=repair))
            except FAILURES as error:
                self.log.append(f"reconcile {name} {day}: {_text(error)}")
                good = False
        return good

    def rerun(self, stream: str, day: date, *, force: bool = False) -> bool:
        """Run a partition of all connections again, as an operator does from the UI."""
        good = True
        for one in self._chains([stream]):
            good &= self._rerun(self.name, one, day, force=force)
        return good

    def _rerun(
        self,
        name: str,
        stream: str,
        day: date,
        *,
        only: list[str] | None = None,
        force: bool = False,
        re_read: bool = True,
    ) -> bool:
        self.name = name
        return self._run(
            stream, day, None, trigger="rerun", only=only, force=force, re_read=re_read
        )

    def _run(
        self,
        stream: str,
        day: date,
        due: Due | None,
        *,
        trigger: str,
        only: list[str] | None = None,
        force: bool = False,
        re_read: bool = False,
    ) -> bool:
        new = trigger in ("live", "requeue", "schedule")
        capture = CaptureConfig()
        if due is not None:
            capture = CaptureConfig(
                since=due.window.since.isoformat(), until=due.window.until.isoformat()
            )
        bodies: list[tuple[str, Any, Any]] = [
            ("captured", steps.captured, capture),
            ("validated", steps.validated, ValidateConfig(only_new=new, only_records=only)),
            (
                "delivered",
                steps.delivered,
                DeliverConfig(only_new=new, force=force, only_records=only),
            ),
        ]
        if due is None and not re_read:
            del bodies[0]
        context = _Context(f"run-{next(self.numbers)}", day, {"sync/trigger": trigger})
        try:
            for name, body, config in bodies:
                self._step(context, name, body, config, stream)
        except FAILURES as error:
            self.log.append(f"{trigger} {stream} {day}: {_text(error)}")
            key = (self.name, stream, day)
            self.failed[key] = self.failed.get(key, 0) + 1
            return False
        self.failed.pop((self.name, stream, day), None)
        return True

    def _step(self, context: _Context, name: str, body: Any, config: Any, stream: str) -> None:
        lockstep = self.world.lockstep
        assert lockstep is not None
        step = Step(context, lockstep, self.name, STREAMS[stream], name)  # type: ignore[arg-type]
        result: dg.MaterializeResult[Any] = body(step, config, STREAMS[stream])
        for check in result.check_results or ():
            if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR:
                raise CheckError(f"{stream}_{name}: {check.check_name}: {check.description}")


def _text(error: BaseException) -> str:
    return str(getattr(error, "description", None) or error)


class _Context:
    """As much of Dagster's context as a step reads."""

    def __init__(self, run_id: str, day: date, tags: Mapping[str, str]) -> None:
        self.run = SimpleNamespace(run_id=run_id, tags=dict(tags))
        self.partition_keys = [day.isoformat()]
        self.log = SimpleNamespace(info=self.ignore)

    def ignore(self, *_: Any, **__: Any) -> None:
        """Take what is only shown."""

    add_asset_metadata = ignore
