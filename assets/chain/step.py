"""One execution of one asset: its audit rows, its metadata, and how it waits for a quota."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import dagster as dg

from assets.chain import metadata
from assets.chain.keys import LIVE, REQUEUE, TRIGGER_TAG, asset_key
from assets.chain.stream import Stream
from assets.error_redaction import classified
from domain.errors import RateLimited
from domain.parsing.text import plural
from domain.values import Partition, Window
from resources.http.rate_limit import PATIENCE_SECONDS, impatient, waits
from resources.ledger.monitoring import quota_waits
from resources.ledger.monitoring.quota_waits import QuotaWait
from resources.lockstep import Lockstep
from resources.sync import Sync

WAITED = "waited for quota"
"""Prefix of the seconds for which the step waited, by the system's bucket."""
WAITS = "waits for quota"
"""Prefix of the time until which the step has given way, by the system's bucket."""
MOST_TURNS = 100
"""How often a step of a run that is not requested again gives way, until it fails."""

MANY = 300
"""Records of a step from which on new tables are analyzed: a month may begin with many at once."""

T = TypeVar("T")


class Step:
    """One execution of one asset: its sync, its partitions, its rows in the ledger."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        lockstep: Lockstep,
        connection: str,
        stream: Stream[Any],
        step: str,
    ) -> None:
        self._context = context
        self._stream = stream
        self._step = step
        self._name = asset_key(connection, stream.name, step).to_user_string()
        trigger = context.run.tags.get(TRIGGER_TAG) or (
            "backfill" if "dagster/backfill" in context.run.tags else "manual"
        )
        with classified(self._name, may_retry=trigger != LIVE):
            self.sync: Sync = lockstep.sync(
                connection, context.run.run_id, trigger, context.log.info
            )
        self._waits = waits()
        self._gave_way: QuotaWait | None = None
        self._ended_wait: QuotaWait | None = None
        self.partitions = [Partition.parse(key) for key in context.partition_keys]

    def audit(
        self,
        partition: Partition,
        window: Window | None,
        counts: Mapping[str, Any],
        started: datetime,
    ) -> None:
        """Write the step's row of ``sync.batch``."""
        with self.sync.ledger.session(
            self.sync.name, self._stream.name, self.sync.run_id
        ) as session:
            session.batch(self._step, partition, self.sync.trigger, window, dict(counts), started)
            if any(isinstance(number, int) and number >= MANY for number in counts.values()):
                session.analyze_new()

    def describe(
        self,
        partition: Partition,
        numbers: Mapping[str, int],
        text: str,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Attach a partition's metadata to its own materialization."""
        values = metadata.summary(text) | metadata.counts(numbers) | dict(more or {})
        for bucket, seconds in self._new_waits().items():
            values[f"{WAITED}: {bucket}"] = dg.MetadataValue.float(seconds)
            text += f"; waited {seconds:.1f} s for the quota of {bucket}"
        if (waiting := self._gave_way) is not None:
            until = dg.MetadataValue.timestamp(waiting.until)
            values[f"{WAITS}: {waiting.bucket}"] = until
            text += f"; waits for the quota of {waiting.bucket} until {waiting.until:%H:%M:%S}Z"
        self._context.log.info(f"{self._name} {partition}: {text}")
        self._context.add_asset_metadata(values, partition_key=partition.key)

    def _new_waits(self) -> dict[str, float]:
        """Return for how many seconds a quota was waited for since the last partition."""
        before, self._waits = self._waits, waits()
        waited = {bucket: self._waits[bucket] - before.get(bucket, 0.0) for bucket in self._waits}
        if (ended := self._ended_wait) is not None:
            self._ended_wait = None
            seconds = (datetime.now(UTC) - ended.since).total_seconds()
            waited[ended.bucket] = waited.get(ended.bucket, 0.0) + seconds
        return {bucket: round(seconds, 3) for bucket, seconds in waited.items() if seconds > 0}

    def totals(self, partition: Partition) -> dict[str, int]:
        """Return the partition's line of ``history.daily_summary``."""
        with self.sync.ledger.session(self.sync.name, self._stream.name) as session:
            return session.partitions.summary(partition)

    def waiting_of(self, partition: Partition, only: Sequence[str]) -> str:
        """Return what of the only records of a run has no outcome; empty if all have one.

        Others may have none, such as those of a run that was cut off: they are the next run's, and
        no fault of this one.
        """
        with self.sync.ledger.session(self.sync.name, self._stream.name) as session:
            number = session.captures.count_waiting(partition, only)
        return f"{plural(number, 'capture')} of this run without an outcome" if number else ""

    def open_rejections(self, partition: Partition) -> tuple[int, list[dict[str, str]]]:
        """Return how many rejections of the partition are open, and the first of them."""
        with self.sync.ledger.session(self.sync.name, self._stream.name) as session:
            found = session.rejections
            number = found.count_open(partition)
            return number, found.examples(partition) if number else []

    def open_by_partition(self) -> Mapping[Partition, int]:
        """Return the open rejections of all of the stream's partitions, by partition."""
        with self.sync.ledger.session(self.sync.name, self._stream.name) as session:
            return session.rejections.open_by_partition(self.sync.connection.grain)

    def pending_by_partition(self) -> Mapping[Partition, int]:
        """Return the records due in all of the stream's partitions, by partition."""
        with self.sync.ledger.session(self.sync.name, self._stream.name) as session:
            return session.partitions.due(self.sync.connection.grain)

    def attempt(self, partition: Partition, work: Callable[[], T]) -> T | None:
        """Return the result of ``work``; ``None`` if it gave way to a used-up quota.

        Waiting here would hold up the run's other chains, which may need other systems.
        """
        with self.classified():
            try:
                with impatient():
                    found = work()
            except RateLimited as error:
                self.give_way(error)
            else:
                self._go_on()
                return found
        self.describe(partition, {}, "reading stopped")
        self.retry_later()
        return None

    def give_way(self, error: RateLimited) -> None:
        """Record that the step waits for a quota, for operators and for the sensors."""
        seconds = max(error.retry_after or 0.0, PATIENCE_SECONDS)
        name, stream = self.sync.name, self._stream.name
        now = datetime.now(UTC)
        bucket = error.bucket or "a system"
        until = now + timedelta(seconds=seconds)
        self._gave_way = QuotaWait(name, stream, self._step, bucket, until, now)
        with self.sync.ledger.session(name, stream) as session:
            quota_waits.note(session.db, name, stream, self._step, bucket, until)

    def note_quota(self, error: RateLimited | None) -> None:
        """Record whether the step waits for a quota or goes on."""
        if error is not None:
            self.give_way(error)
        elif self._gave_way is None:
            self._go_on()

    def retry_later(self) -> None:
        """Let Dagster repeat the step after its wait, where no sensor requests its work again.

        The run's other steps go on meanwhile.
        """
        if self._gave_way is not None and self.sync.trigger not in (LIVE, REQUEUE):
            left = (self._gave_way.until - datetime.now(UTC)).total_seconds()
            raise dg.RetryRequested(max_retries=MOST_TURNS, seconds_to_wait=max(left, 0.1))

    @property
    def waiting(self) -> str:
        """Return which quota the step waits for; an empty text if it does not wait."""
        return "" if self._gave_way is None else str(self._gave_way)

    def _go_on(self) -> None:
        name, stream = self.sync.name, self._stream.name
        with self.sync.ledger.session(name, stream) as session:
            self._ended_wait = quota_waits.end(session.db, name, stream, self._step)

    def classified(self) -> AbstractContextManager[None]:
        """Turn an error into what Dagster should do.

        A live run does not wait for a retry: the sensor requests the window again at its next tick.
        """
        return classified(self._name, may_retry=self.sync.trigger != LIVE)
