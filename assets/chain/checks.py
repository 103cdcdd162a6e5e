"""The checks of a chain's steps: what their results mean for the whole stream."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from domain.parsing.text import plural
from domain.values import Partition

HAS_OUTCOME, NO_REJECTIONS, ALL_DELIVERED = (
    "every_capture_has_an_outcome",
    "no_open_rejections",
    "nothing_left_to_deliver",
)
OUTCOMES = ("accepted", "rejected", "skipped", "superseded")
"""Of a capture; together they are as many as were captured."""


def outcome_check(
    totals: Mapping[str, int], unbalanced: Mapping[str, str], waiting: str
) -> dg.AssetCheckResult:
    """Return whether every capture has an outcome; while the step waits, the rest is still due.

    ``totals`` are those of the run's partitions, by outcome.
    """
    texts = [f"{key}: {text}" for key, text in unbalanced.items()]
    return dg.AssetCheckResult(
        check_name=HAS_OUTCOME,
        passed=not unbalanced and not waiting,
        severity=dg.AssetCheckSeverity.ERROR if unbalanced else dg.AssetCheckSeverity.WARN,
        metadata={name: totals.get(name, 0) for name in ("captured", *OUTCOMES)},
        description="; ".join([*texts, waiting] if waiting else texts) or _balance(totals),
    )


def _balance(totals: Mapping[str, int]) -> str:
    parts = [name for name in (*OUTCOMES, "unvalidated") if name in OUTCOMES or totals.get(name)]
    sum_of_parts = " + ".join(f"{totals.get(name, 0)} {name}" for name in parts)
    return f"{totals.get('captured', 0)} captured = {sum_of_parts}"


def rejections_check(by_partition: Mapping[Partition, int]) -> dg.AssetCheckResult:
    """Return whether any record is kept out, whichever partitions the run was about."""
    number = sum(by_partition.values())
    text = (
        f"{plural(number, 'record')} kept out{_since(by_partition)}; see: lockstep rejections list"
    )
    return dg.AssetCheckResult(
        check_name=NO_REJECTIONS,
        passed=number == 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"open": number, "partitions": len(by_partition)},
        description=text if number else "No record is kept out.",
    )


def pending_check(by_partition: Mapping[Partition, int], held_up: str) -> dg.AssetCheckResult:
    """Return whether any record is due; ``held_up`` is why nothing is sent, if so."""
    number = sum(by_partition.values())
    text = "Nothing is due."
    if number:
        text = f"{plural(number, 'accepted record')} still due{_since(by_partition)}"
    return dg.AssetCheckResult(
        check_name=ALL_DELIVERED,
        passed=number == 0 and not held_up,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"pending": number, "partitions": len(by_partition)},
        description=f"{text.rstrip('.')}; nothing is sent: {held_up}" if held_up else text,
    )


def _since(by_partition: Mapping[Partition, int]) -> str:
    """Return in which partitions records are, the oldest named."""
    if not by_partition:
        return ""
    return f" in {plural(len(by_partition), 'partition')}, the oldest {min(by_partition)}"
