"""The outcomes of a chunk's captures, as rows of the ledger and as counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from domain.errors import Problem
from domain.identity import content_digest
from domain.records.record import encode_record
from resources.ledger.rows import RecordRow, RejectionRow, StoredCapture


@dataclass
class ValidationCounts:
    """The outcomes of the captures that a step examined."""

    examined: int = 0
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    newly_rejected: int = 0
    """Of ``rejected``, those that were not open with the same code before."""
    skipped: Counter[str] = field(default_factory=Counter)
    superseded: int = 0
    is_reopened: bool = False
    """Older versions of the partition have lost their outcome: they are owed after all."""
    warnings: Counter[str] = field(default_factory=Counter)


class Candidate(NamedTuple):
    """A mapped record that still has to pass the checks of its batch."""

    capture: StoredCapture
    record: Any
    warnings: tuple[Problem, ...]


class Outcomes:
    """The outcomes of one chunk, as rows of the ledger."""

    def __init__(self, counts: ValidationCounts) -> None:
        self._counts = counts
        self.rows: list[RecordRow] = []
        self.rejections: list[RejectionRow] = []
        self.owed: list[str] = []
        """Records of which an older version turned out to be owed."""

    def supersede(self, capture: StoredCapture) -> None:
        """Add a version that a newer one replaces."""
        self.rows.append(_row(capture, "superseded", "newer_version"))
        self._counts.superseded += 1

    def skip(self, capture: StoredCapture, rule: str) -> None:
        """Add a capture that a rule skips."""
        self.rows.append(_row(capture, "skipped", rule))
        self._counts.skipped[rule] += 1

    def reject(self, capture: StoredCapture, problems: Sequence[Problem]) -> None:
        """Add a rejected capture and its rejection."""
        code = problems[0].code
        self.rows.append(_row(capture, "rejected", code))
        self.rejections.append(
            RejectionRow(
                capture.capture_id, capture.source_id, "validated", problems, capture.correlation_id
            )
        )
        self._counts.rejected[code] += 1

    def end(self, rules: Mapping[str, str]) -> None:
        """Let rules (by record) skip what was rejected: it is owed no more."""
        for position, row in enumerate(self.rows):
            if row.state == "rejected" and row.source_id in rules:
                self.rows[position] = row._replace(state="skipped", rule=rules[row.source_id])
                self._counts.rejected[row.rule] -= 1
                self._counts.skipped[rules[row.source_id]] += 1
        self._counts.rejected = +self._counts.rejected
        self.rejections = [one for one in self.rejections if one.source_id not in rules]

    def accept(self, candidate: Candidate) -> None:
        """Add an accepted record."""
        self.rows.append(_accepted(candidate))
        self._counts.accepted += 1
        if candidate.warnings:
            self._counts.warnings.update([warning.code for warning in candidate.warnings])


def _row(capture: StoredCapture, state: str, rule: str) -> RecordRow:
    return RecordRow(
        capture.capture_id,
        capture.source_id,
        capture.source_updated_at,
        state,
        rule,
        None,
        None,
        None,
        capture.correlation_id,
        capture.source_hour,
    )


def _accepted(candidate: Candidate) -> RecordRow:
    capture = candidate.capture
    canonical = encode_record(candidate.record)
    warnings = [_to_dict(warning) for warning in candidate.warnings] or None
    return RecordRow(
        capture.capture_id,
        capture.source_id,
        capture.source_updated_at,
        "accepted",
        "",
        canonical,
        content_digest(canonical),
        warnings,
        capture.correlation_id,
        capture.source_hour,
    )


def _to_dict(problem: Problem) -> dict[str, str]:
    # Not ``asdict``, whose deep copy was a quarter of the cost of accepting records.
    return {
        "code": problem.code,
        "field": problem.field,
        "message": problem.message,
        "advice": problem.advice,
        "value": problem.value,
    }
