"""The bodies of the three assets: one partition at a time, with the audit row, the metadata and the checks of each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import psycopg

from assets.chain import metadata
from assets.chain.keys import LIVE, TRIGGER_TAG, asset_key
from assets.chain.partitions import day_of, window_of
from assets.chain.run_config import CaptureConfig, DeliverConfig, ValidateConfig
from assets.chain.stream import DeliveryCounts, DeliveryRequest, Stream
from assets.delivery.partition import DeliveryIncomplete, deliver
from assets.error_redaction import safe_text, unexpected
from assets.pipeline.capture import capture
from assets.pipeline.validate import validate
from domain.errors import PermanentError, TransientError
from domain.values import Window
from resources.lockstep import Lockstep, Sync

ACCOUNTED_FOR, REJECTIONS, DELIVERED_IN_FULL = (
    "every_capture_has_an_outcome",
    "no_open_rejections",
    "nothing_left_to_deliver",
)
BALANCE = "captured = accepted + rejected + skipped + superseded"


class Step:
    """One execution of one asset: its sync, its partitions, its records in the ledger."""

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
        trigger = context.run.tags.get(TRIGGER_TAG) or (
            "backfill" if "dagster/backfill" in context.run.tags else "manual"
        )
        self.sync: Sync = lockstep.sync(connection, context.run.run_id, trigger, context.log.info)
        self._name = asset_key(connection, stream.name, step).to_user_string()
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
        values = metadata.counts(numbers) | metadata.line(text) | dict(more or {})
        self._context.log.info(f"{self._name} {key}: {text}")
        self._context.add_asset_metadata(values, partition_key=key)

    def summary(self, day: date) -> dict[str, int]:
        """Return the partition's line of ``history.daily_summary``."""
        with self.sync.ledger.session(self.sync.name, self._stream.name) as session:
            return session.records.summary(day)

    def open_rejections(self, day: date) -> tuple[int, list[dict[str, str]]]:
        """Return how many rejections of the partition are open, and the first of them."""
        with self.sync.ledger.session(self.sync.name, self._stream.name) as session:
            return session.rejections.count_open(day), session.rejections.examples(day)

    @contextmanager
    def classified(self) -> Iterator[None]:
        """Turn the two kinds of system error into what Dagster should do: retry in minutes, or not at all.

        A live run does not wait for a retry: the sensor asks for the window again at its next tick.
        """
        try:
            yield
        except PermanentError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        except (TransientError, psycopg.OperationalError) as error:
            if self.sync.trigger == LIVE:
                raise dg.Failure(safe_text(error), allow_retries=False) from None
            raise TransientError(safe_text(error)) from None
        except Exception as error:  # noqa: BLE001 - the failure says what it was, and is red
            raise unexpected(error, self._name) from None


def captured(step: Step, config: CaptureConfig, stream: Stream[Any]) -> dg.MaterializeResult:
    """Capture each partition of the run."""
    for key, day in step.days:
        started = datetime.now(UTC)
        window = _window(config, key)
        with step.classified():
            counts = capture(step.sync, stream, day, window, is_live=step.sync.trigger == LIVE)
        step.audit(day, window, vars(counts), started)
        text = f"{counts.read} read, {counts.captured} new, {counts.known} stored before"
        step.describe(key, vars(counts) | {"dagster/row_count": counts.captured}, text)
    return dg.MaterializeResult()


def validated(step: Step, config: ValidateConfig, stream: Stream[Any]) -> dg.MaterializeResult:
    """Validate each partition of the run; the first check is the books' balance, the second the signal to look at the rejections."""
    open_now: dict[str, int] = {}
    unbalanced: dict[str, str] = {}
    for key, day in step.days:
        started = datetime.now(UTC)
        with step.classified():
            counts = validate(
                step.sync, stream, day, everything=not config.only_new, only=config.only_records
            )
        step.audit(day, None, vars(counts), started)
        total = step.summary(day)
        open_now[key], examples = step.open_rejections(day)
        if total and (difference := _difference(total)):
            unbalanced[key] = difference
        text = (
            f"{counts.accepted} accepted, {counts.rejected.total()} rejected, {counts.skipped.total()} skipped by rule, "
            f"{counts.superseded} superseded"
        )
        numbers = {
            "examined": counts.examined,
            "accepted": counts.accepted,
            "rejected": counts.rejected.total(),
            "skipped": counts.skipped.total(),
            "superseded": counts.superseded,
        }
        details = metadata.by_code("rejected", counts.rejected) | metadata.by_code(
            "skipped", counts.skipped
        )
        step.describe(
            key,
            numbers,
            text,
            details | metadata.by_code("warning", counts.warnings) | metadata.rejections(examples),
        )
    rejected = sum(open_now.values())
    return dg.MaterializeResult(
        check_results=[
            dg.AssetCheckResult(
                check_name=ACCOUNTED_FOR,
                passed=not unbalanced,
                severity=dg.AssetCheckSeverity.ERROR,
                description="; ".join(f"{key}: {text}" for key, text in unbalanced.items())
                or BALANCE,
            ),
            dg.AssetCheckResult(
                check_name=REJECTIONS,
                passed=rejected == 0,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"open": rejected},
                description=f"{rejected} records are kept out; see the table, or run: lockstep rejections list"
                if rejected
                else "none",
            ),
        ]
    )


def delivered(step: Step, config: DeliverConfig, stream: Stream[Any]) -> dg.MaterializeResult:
    """Deliver each partition of the run; what could not be sent stays due and fails the step, after all else was sent."""
    pending = 0
    incomplete: DeliveryIncomplete | None = None
    for key, day in step.days:
        started = datetime.now(UTC)
        request = DeliveryRequest(
            day, again=not config.only_new, force=config.force, only=config.only_records
        )
        with step.classified():
            try:
                counts = deliver(step.sync, stream, request)
            except DeliveryIncomplete as error:
                counts, incomplete = error.counts, error
        step.audit(day, None, _delivery_numbers(counts), started)
        pending += step.summary(day).get("pending", 0)
        text = f"{counts.delivered} delivered, {counts.unchanged} unchanged, {counts.rejected} refused, {counts.failed} failed"
        details = metadata.by_code("sent", counts.effects) | metadata.named(
            "left alone", counts.left_alone
        )
        step.describe(
            key,
            _delivery_numbers(counts),
            text,
            details | metadata.rejections(step.open_rejections(day)[1]),
        )
    if incomplete is not None:
        with step.classified():
            raise incomplete
    return dg.MaterializeResult(
        check_results=[
            dg.AssetCheckResult(
                check_name=DELIVERED_IN_FULL,
                passed=pending == 0,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"pending": pending},
                description=f"{pending} accepted records are still due" if pending else "none",
            )
        ]
    )


def _delivery_numbers(counts: DeliveryCounts) -> dict[str, int]:
    return {
        "delivered": counts.delivered,
        "unchanged": counts.unchanged,
        "superseded": counts.superseded,
        "rejected": counts.rejected,
        "failed": counts.failed,
    }


def _difference(total: Mapping[str, int]) -> str:
    outcomes = total["accepted"] + total["rejected"] + total["skipped"] + total["superseded"]
    return (
        ""
        if outcomes == total["captured"]
        else f"{total['captured']} captured but {outcomes} outcomes"
    )


def _window(config: CaptureConfig, key: str) -> Window:
    whole = window_of(key)
    since = datetime.fromisoformat(config.since) if config.since else whole.since
    until = datetime.fromisoformat(config.until) if config.until else whole.until
    return Window(
        max(since, Window.of_day(day_of(key)).since), min(until, Window.of_day(day_of(key)).until)
    )
