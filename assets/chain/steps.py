"""The bodies of a chain's three assets, with audit rows, metadata and checks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from assets.chain import metadata
from assets.chain.keys import LIVE, TRIGGER_TAG, asset_key
from assets.chain.partitions import day_of, window_of
from assets.chain.run_config import CaptureConfig, DeliverConfig, ValidateConfig
from assets.chain.stream import Stream
from assets.delivery.partition import DeliveryIncomplete, deliver_partition
from assets.delivery.request import DeliveryCounts, DeliveryRequest
from assets.error_redaction import classified
from assets.pipeline.capture import capture
from assets.pipeline.outcomes import ValidationCounts
from assets.pipeline.validate import validate
from domain.values import Window
from resources.http.rate_limit import waits
from resources.lockstep import Lockstep, Sync

HAS_OUTCOME, NO_REJECTIONS, ALL_DELIVERED = (
    "every_capture_has_an_outcome",
    "no_open_rejections",
    "nothing_left_to_deliver",
)
BALANCE = "captured = accepted + rejected + skipped + superseded"
OF_DAY = "day"
"""Prefix of the partition's totals; other counts are one run's, and a live day has many runs."""
WAITED = "waited for quota"
"""Prefix of the seconds for which the step waited, by the system's bucket."""
NO_CAPTURES = dict.fromkeys(
    ("captured", "accepted", "rejected", "skipped", "superseded", "delivered", "pending"), 0
)


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
        self.days: list[tuple[str, date]] = [(key, day_of(key)) for key in context.partition_keys]

    def audit(
        self, day: date, window: Window | None, counts: Mapping[str, Any], started: datetime
    ) -> None:
        """Write the step's row of ``sync.batch``."""
        with self.sync.ledger.session(
            self.sync.name, self._stream.name, self.sync.run_id
        ) as session:
            session.batch(self._step, day, self.sync.trigger, window, dict(counts), started)

    def describe(
        self, key: str, numbers: Mapping[str, int], text: str, more: Mapping[str, Any] | None = None
    ) -> None:
        """Attach a partition's metadata to its own materialization."""
        values = metadata.counts(numbers) | metadata.summary(text) | dict(more or {})
        for bucket, seconds in self._new_waits().items():
            values[f"{WAITED}: {bucket}"] = dg.MetadataValue.float(seconds)
            text += f"; waited {seconds:.1f} s for the quota of {bucket}"
        self._context.log.info(f"{self._name} {key}: {text}")
        self._context.add_asset_metadata(values, partition_key=key)

    def _new_waits(self) -> dict[str, float]:
        """Return for how many seconds a quota was waited for since the last partition."""
        before, self._waits = self._waits, waits()
        waited = {bucket: self._waits[bucket] - before.get(bucket, 0.0) for bucket in self._waits}
        return {bucket: round(seconds, 3) for bucket, seconds in waited.items() if seconds > 0}

    def totals(self, day: date) -> dict[str, int]:
        """Return the partition's line of ``history.daily_summary``."""
        with self.sync.ledger.session(self.sync.name, self._stream.name) as session:
            return session.records.summary(day)

    def open_rejections(self, day: date) -> tuple[int, list[dict[str, str]]]:
        """Return how many rejections of the partition are open, and the first of them."""
        with self.sync.ledger.session(self.sync.name, self._stream.name) as session:
            return session.rejections.count_open(day), session.rejections.examples(day)

    def open_by_day(self) -> Mapping[date, int]:
        """Return the open rejections of all of the stream's partitions, by partition."""
        with self.sync.ledger.session(self.sync.name, self._stream.name) as session:
            return session.rejections.open_by_day()

    def pending_by_day(self) -> Mapping[date, int]:
        """Return the records due in all of the stream's partitions, by partition."""
        with self.sync.ledger.session(self.sync.name, self._stream.name) as session:
            return session.records.pending_by_day()

    def classified(self) -> AbstractContextManager[None]:
        """Turn an error into what Dagster should do.

        A live run does not wait for a retry: the sensor requests the window again at its next tick.
        """
        return classified(self._name, may_retry=self.sync.trigger != LIVE)


def captured(step: Step, config: CaptureConfig, stream: Stream[Any]) -> dg.MaterializeResult:
    """Capture each partition of the run."""
    for key, day in step.days:
        started = datetime.now(UTC)
        window = _window(config, key)
        with step.classified():
            counts = capture(step.sync, stream, day, window, is_live=step.sync.trigger == LIVE)
        numbers = asdict(counts)
        step.audit(day, window, numbers, started)
        text = f"{counts.read} read, {counts.captured} new, {counts.known} stored before"
        step.describe(key, numbers | {"dagster/row_count": counts.captured}, text)
    return dg.MaterializeResult()


def validated(step: Step, config: ValidateConfig, stream: Stream[Any]) -> dg.MaterializeResult:
    """Validate each partition of the run, and check that every capture has an outcome."""
    unbalanced: dict[str, str] = {}
    for key, day in step.days:
        started = datetime.now(UTC)
        with step.classified():
            counts = validate(
                step.sync, stream, day, everything=not config.only_new, only=config.only_records
            )
        step.audit(day, None, vars(counts), started)
        totals = step.totals(day)
        if totals and (difference := _difference(totals)):
            unbalanced[key] = difference
        open_rejections, examples = step.open_rejections(day)
        details = (
            metadata.counts_by("rejected", counts.rejected)
            | metadata.counts_by("skipped", counts.skipped)
            | metadata.counts_by("warning", counts.warnings)
            | _of_day(totals, open_rejections)
            | metadata.table("rejections", examples)
        )
        step.describe(key, _validation_numbers(counts), _validation_text(counts), details)
    return dg.MaterializeResult(
        check_results=[_outcome_check(unbalanced), rejections_check(step.open_by_day())]
    )


def delivered(step: Step, config: DeliverConfig, stream: Stream[Any]) -> dg.MaterializeResult:
    """Deliver each partition of the run.

    What could not be sent stays due, and fails the step after everything else was sent.
    """
    paused = ""
    incomplete: DeliveryIncomplete | None = None
    for key, day in step.days:
        started = datetime.now(UTC)
        request = DeliveryRequest(
            day, again=not config.only_new, force=config.force, only=config.only_records
        )
        with step.classified():
            try:
                counts = deliver_partition(step.sync, stream, request)
            except DeliveryIncomplete as error:
                counts, incomplete = error.counts, error
        numbers = _delivery_numbers(counts)
        step.audit(day, None, numbers, started)
        totals = step.totals(day)
        open_rejections, examples = step.open_rejections(day)
        text = (
            f"{counts.delivered} delivered, {counts.unchanged} unchanged, "
            f"{counts.rejected} refused, {counts.failed} failed"
        )
        if counts.paused:
            paused = counts.paused
            text = f"{text}; nothing more is sent: {paused}"
        details = (
            ({"paused": dg.MetadataValue.md(counts.paused)} if counts.paused else {})
            | metadata.counts_by("sent", counts.sent)
            | metadata.counts_by("warning", counts.warnings)
            | metadata.names_by("left alone", counts.left_alone)
            | _of_day(totals, open_rejections)
            | metadata.table("rejections", examples)
        )
        step.describe(key, numbers, text, details)
    if incomplete is not None:
        with step.classified():
            raise incomplete
    return dg.MaterializeResult(check_results=[_pending_check(step.pending_by_day(), paused)])


def _of_day(totals: Mapping[str, int], open_rejections: int) -> dict[str, Any]:
    """Return the partition's totals as metadata, zeros included: a plot shows gaps otherwise."""
    numbers = NO_CAPTURES | dict(totals) | {"open rejections": open_rejections}
    return metadata.counts_by(OF_DAY, numbers)


def _outcome_check(unbalanced: Mapping[str, str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=HAS_OUTCOME,
        passed=not unbalanced,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(f"{key}: {text}" for key, text in unbalanced.items()) or BALANCE,
    )


def rejections_check(by_day: Mapping[date, int]) -> dg.AssetCheckResult:
    """Return whether any record is kept out, whichever partitions the run was about."""
    number = sum(by_day.values())
    text = f"{number} records are kept out{_since(by_day)}; see: lockstep rejections list"
    return dg.AssetCheckResult(
        check_name=NO_REJECTIONS,
        passed=number == 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"open": number, "partitions": len(by_day)},
        description=text if number else "none",
    )


def _pending_check(by_day: Mapping[date, int], paused: str) -> dg.AssetCheckResult:
    number = sum(by_day.values())
    text = f"{number} accepted records are still due{_since(by_day)}" if number else "none"
    return dg.AssetCheckResult(
        check_name=ALL_DELIVERED,
        passed=number == 0 and not paused,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"pending": number, "partitions": len(by_day)},
        description=f"{text}; nothing is sent: {paused}" if paused else text,
    )


def _since(by_day: Mapping[date, int]) -> str:
    """Return in which partitions records are, the oldest named."""
    if not by_day:
        return ""
    return f" in {len(by_day)} partitions, the oldest {min(by_day)}"


def _validation_numbers(counts: ValidationCounts) -> dict[str, int]:
    return {
        "examined": counts.examined,
        "accepted": counts.accepted,
        "rejected": counts.rejected.total(),
        "skipped": counts.skipped.total(),
        "superseded": counts.superseded,
    }


def _validation_text(counts: ValidationCounts) -> str:
    return (
        f"{counts.accepted} accepted, {counts.rejected.total()} rejected, "
        f"{counts.skipped.total()} skipped by rule, {counts.superseded} superseded"
    )


def _delivery_numbers(counts: DeliveryCounts) -> dict[str, int]:
    return {
        "delivered": counts.delivered,
        "unchanged": counts.unchanged,
        "superseded": counts.superseded,
        "rejected": counts.rejected,
        "failed": counts.failed,
    }


def _difference(totals: Mapping[str, int]) -> str:
    outcomes = sum(totals[name] for name in ("accepted", "rejected", "skipped", "superseded"))
    if outcomes == totals["captured"]:
        return ""
    return f"{totals['captured']} captured but {outcomes} outcomes"


def _window(config: CaptureConfig, key: str) -> Window:
    whole, day = window_of(key), Window.of_day(day_of(key))
    since = datetime.fromisoformat(config.since) if config.since else whole.since
    until = datetime.fromisoformat(config.until) if config.until else whole.until
    return Window(max(since, day.since), min(until, day.until))
