"""What a delivery step is asked to do, and the counts that it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.errors import RateLimited
from domain.values import Partition


@dataclass
class DeliveryCounts:
    """The outcomes of a partition's accepted records."""

    delivered: int = 0
    unchanged: int = 0
    superseded: int = 0
    rejected: int = 0
    newly_rejected: int = 0
    """Of ``rejected``, those whose refusal was not known before."""
    failed: int = 0
    waiting: int = 0
    """Records that stay due, since an earlier request may still take effect."""
    waits_until: datetime | None = None
    """The first time at which one of them can be sent."""
    sent: dict[str, int] = field(default_factory=dict)
    """Settled intents by action: create, update, cancel, shipment, status, stock."""
    errors: list[str] = field(default_factory=list)
    """One line for each failure that another try may resolve."""
    quota: RateLimited | None = None
    """The used-up quota that the step gave way to; what was not sent stays due."""
    paused: str = ""
    """Why nothing more was sent: the stream is paused. Empty if it is active."""
    left_alone: dict[str, list[str]] = field(default_factory=dict)
    """Valid records that a rule keeps from the target, by rule: an operator wants their names."""
    warnings: dict[str, int] = field(default_factory=dict)
    """Warnings about what was sent, by code."""
    concluded: dict[str, int] = field(default_factory=dict)
    """What the stream has counted at the end, by name."""

    @property
    def got_through(self) -> bool:
        """Return whether the target has taken or refused anything: as a whole it works."""
        return bool(self.delivered or self.sent)

    def leave_alone(self, rule: str, name: str) -> None:
        """Name a record that is left alone."""
        self.left_alone.setdefault(rule, []).append(name)

    def wait(self, until: datetime, count: int = 1) -> None:
        """Count records that wait; ``until`` is the first time at which one can be sent."""
        self.waiting += count
        self.waits_until = until if self.waits_until is None else min(self.waits_until, until)

    def count_warning(self, code: str, count: int = 1) -> None:
        """Count warnings about what was sent."""
        self.warnings[code] = self.warnings.get(code, 0) + count

    def count_sent(self, action: str, count: int = 1) -> None:
        """Count settled intents."""
        self.sent[action] = self.sent.get(action, 0) + count


@dataclass(frozen=True)
class DeliveryRequest:
    """What a delivery step was asked to do with one partition."""

    partition: Partition
    again: bool
    """A rerun by an operator or a backfill: records that the target refused are tried again."""
    force: bool
    """Send even what the target is known to hold."""
    only: Sequence[str] | None = None
    """The only records to deliver, by their ids at the source."""
