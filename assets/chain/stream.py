"""What a stream provides so that the factory can build its three assets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol, TypeVar

from domain.errors import Problem
from domain.exchange import Mapped, RawRecord, Skipped
from domain.records.record import Record
from domain.sources import Page
from domain.values import Window
from resources.ledger.rows import AcceptedRecord, StoredCapture, TableRows
from resources.ledger.session import Session
from resources.lockstep import Sync

R = TypeVar("R", bound=Record)


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
    paused: str = ""
    """Why nothing more was sent: the stream is paused. Empty where it is active."""
    left_alone: dict[str, list[str]] = field(default_factory=dict)
    """Valid records that a rule keeps from the target, by rule: an operator wants their names."""
    warnings: dict[str, int] = field(default_factory=dict)
    """Warnings about what was sent, by code."""

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

    day: date
    again: bool
    """A rerun by an operator or a backfill: records that the target refused are tried once more."""
    force: bool
    """Send even what the target is known to hold."""
    only: Sequence[str] | None = None
    """The only records to deliver, by their ids at the source."""


class Stream(Protocol[R]):
    """A stream's particulars. ``R`` is its canonical record."""

    name: str
    to_oms: bool
    """Direction: True from the store to the OMS."""
    is_snapshot: bool
    """The source reports its present state only.

    A past partition can't be read again, and unchanged records are not stored again.
    """
    summary: str
    """One line for the UI: what flows where."""

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``, by one cheap call."""
        ...

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[Page]:
        """Read the source's records of the window, in pages."""
        ...

    def correlate(self, sync: Sync, source_id: str) -> str:
        """Return the correlation id of a source record."""
        ...

    def digest(self, record: RawRecord) -> bytes:
        """Return the digest of the content that makes two versions different."""
        ...

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[R] | Skipped]:
        """Return the mapping of a chunk's payloads; its look-ups are done here, once per chunk."""
        ...

    def check(
        self, sync: Sync, session: Session, records: Sequence[R]
    ) -> Mapping[int, Sequence[Problem]]:
        """Validate a batch; return the problems of the failing records by position."""
        ...

    def typed(self, accepted: Sequence[tuple[StoredCapture, R]]) -> list[TableRows]:
        """Return the rows of the typed tables; empty tables too, so that a rerun can clear them."""
        ...

    def deliver(
        self,
        sync: Sync,
        session: Session,
        request: DeliveryRequest,
        chunk: Sequence[AcceptedRecord],
    ) -> DeliveryCounts:
        """Deliver a chunk of accepted records; called under the writer's lock."""
        ...
