"""The bodies of a chain's three assets, with audit rows, metadata and checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dagster as dg

from assets.chain import metadata
from assets.chain.checks import OUTCOMES, outcome_check, pending_check, rejections_check
from assets.chain.keys import LIVE
from assets.chain.run_config import CaptureConfig, DeliverConfig, ValidateConfig
from assets.chain.step import Step
from assets.chain.stream import Stream
from assets.delivery.partition import DeliveryIncomplete, deliver_partition
from assets.delivery.request import DeliveryCounts, DeliveryRequest
from assets.pipeline.capture import capture
from assets.pipeline.outcomes import ValidationCounts
from assets.pipeline.validate import validate
from domain.values import Partition, Window
from resources.http.rate_limit import impatient

TOTAL = "total"
"""Prefix of the partition's totals; other counts are one run's, and a live day has many runs."""
VALIDATED_TOTALS = ("captured", *OUTCOMES, "unvalidated")
DELIVERED_TOTALS = (
    "captured",
    "accepted",
    "delivered",
    "unchanged",
    "superseded_before_delivery",
    "rejected_by_target",
    "pending",
)
"""Totals that a step shows: those that it decides, since others would be of an earlier time."""


def captured(step: Step, config: CaptureConfig, stream: Stream[Any]) -> dg.MaterializeResult:
    """Capture each partition of the run."""
    for partition in step.partitions:
        started = datetime.now(UTC)
        window = _window(config, partition)
        is_live = step.sync.trigger == LIVE
        read = partial(capture, step.sync, stream, partition, window, is_live=is_live)
        if (counts := step.attempt(partition, read)) is None:
            continue
        numbers = asdict(counts)
        step.audit(partition, window, numbers, started)
        text = f"{counts.read} read, {counts.captured} new, {counts.known} stored before"
        step.describe(partition, numbers | {"dagster/row_count": counts.captured}, text)
    return dg.MaterializeResult()


def validated(step: Step, config: ValidateConfig, stream: Stream[Any]) -> dg.MaterializeResult:
    """Validate each partition of the run, and check that every capture has an outcome."""
    unbalanced: dict[str, str] = {}
    of_run: Counter[str] = Counter()
    for partition in step.partitions:
        started = datetime.now(UTC)
        everything, only = not config.only_new, config.only_records
        work = partial(validate, step.sync, stream, partition, everything=everything, only=only)
        if (counts := step.attempt(partition, work)) is None:
            continue
        step.audit(partition, None, vars(counts), started)
        totals = step.totals(partition)
        of_run.update(totals)
        if only is not None:
            difference = step.waiting_of(partition, only)
        else:
            difference = _difference(totals) if totals else ""
        if difference:
            unbalanced[partition.key] = difference
        open_rejections, examples = step.open_rejections(partition)
        details = (
            metadata.counts_by("rejected", counts.rejected)
            | metadata.counts_by("skipped", counts.skipped)
            | metadata.counts_by("warning", counts.warnings)
            | metadata.table("rejections", examples)
            | _totals(VALIDATED_TOTALS, totals, open_rejections)
        )
        step.describe(partition, _validation_numbers(counts), _validation_text(counts), details)
    return dg.MaterializeResult(
        check_results=[
            outcome_check(of_run, unbalanced, step.waiting),
            rejections_check(step.open_by_partition()),
        ]
    )


def delivered(step: Step, config: DeliverConfig, stream: Stream[Any]) -> dg.MaterializeResult:
    """Deliver each partition of the run.

    What could not be sent stays due, and fails the step after everything else was sent.
    """
    paused = ""
    incomplete: DeliveryIncomplete | None = None
    for partition in step.partitions:
        started = datetime.now(UTC)
        request = DeliveryRequest(
            partition, again=not config.only_new, force=config.force, only=config.only_records
        )
        with step.classified(), impatient():
            try:
                counts = deliver_partition(step.sync, stream, request)
            except DeliveryIncomplete as error:
                counts, incomplete = error.counts, error
        step.note_quota(counts.quota)
        numbers = _delivery_numbers(counts)
        step.audit(partition, None, numbers, started)
        totals = step.totals(partition)
        open_rejections, examples = step.open_rejections(partition)
        paused = counts.paused or paused
        details = (
            _delivery_details(counts)
            | metadata.table("rejections", examples)
            | _totals(DELIVERED_TOTALS, totals, open_rejections)
        )
        step.describe(partition, numbers, _delivery_text(counts), details)
    if incomplete is not None:
        with step.classified():
            raise incomplete
    step.retry_later()
    held_up = paused or step.waiting
    return dg.MaterializeResult(check_results=[pending_check(step.pending_by_partition(), held_up)])


def _totals(
    names: Sequence[str], totals: Mapping[str, int], open_rejections: int
) -> dict[str, Any]:
    """Return the partition's totals as metadata, zeros included: a plot shows gaps otherwise."""
    numbers = {name.replace("_", " "): totals.get(name, 0) for name in names}
    return metadata.counts_by(TOTAL, numbers | {"open rejections": open_rejections})


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


def _delivery_text(counts: DeliveryCounts) -> str:
    text = (
        f"{counts.delivered} delivered, {counts.unchanged} unchanged, "
        f"{counts.rejected} rejected, {counts.failed} failed"
    )
    return f"{text}; nothing more is sent: {counts.paused}" if counts.paused else text


def _delivery_details(counts: DeliveryCounts) -> dict[str, dg.MetadataValue[Any]]:
    return (
        ({"paused": dg.MetadataValue.md(counts.paused)} if counts.paused else {})
        | metadata.counts_by("sent", counts.sent)
        | metadata.counts_by("warning", counts.warnings)
        | metadata.names_by("left alone", counts.left_alone)
        | metadata.counts(counts.concluded)
    )


def _difference(totals: Mapping[str, int]) -> str:
    outcomes = sum(totals[name] for name in OUTCOMES)
    if outcomes == totals["captured"]:
        return ""
    return f"{totals['captured']} captured but {outcomes} outcomes"


def _window(config: CaptureConfig, partition: Partition) -> Window:
    whole = partition.before(datetime.now(UTC))
    since = datetime.fromisoformat(config.since) if config.since else whole.since
    until = datetime.fromisoformat(config.until) if config.until else whole.until
    return Window(max(since, partition.start), min(until, partition.end))
