"""The rows that steps write to the ledger and read from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from domain.errors import Problem
from domain.identity import content_digest
from resources.ledger.tables import Table


class KnownLine(NamedTuple):
    """A line of an order's newest accepted version."""

    group_id: str
    kind: str
    factor: Decimal | None = None
    """OMS units in a unit of the store when the order was translated; ``None``: not known."""

    @property
    def is_shipped(self) -> bool:
        """Return whether its units leave in a parcel: downloads and gift certificates don't."""
        return self.kind == "physical"


class CaptureRow(NamedTuple):
    """One version of a source record, to be stored."""

    source_day: date
    capture_id: UUID
    source_id: str
    source_updated_at: datetime
    digest: bytes
    payload: bytes
    correlation_id: str
    source_hour: int = 0
    """Of ``source_day``."""


class StoredCapture(NamedTuple):
    """A stored version to validate; ``superseded`` where a newer one of its record is stored."""

    capture_id: UUID
    source_id: str
    source_updated_at: datetime
    payload: bytes
    correlation_id: str
    superseded: bool
    source_hour: int = 0


class RecordRow(NamedTuple):
    """The outcome of validating one capture."""

    capture_id: UUID
    source_id: str
    source_updated_at: datetime
    state: str
    rule: str
    canonical: bytes | None
    canonical_digest: bytes | None
    warnings: Sequence[Mapping[str, str]] | None
    """Problems that do not keep the record out."""
    correlation_id: str
    source_hour: int = 0


class AcceptedRecord(NamedTuple):
    """An accepted record to deliver."""

    capture_id: UUID
    source_id: str
    source_updated_at: datetime
    canonical: bytes
    canonical_digest: bytes
    correlation_id: str
    superseded: bool


class RejectionRow(NamedTuple):
    """A record kept out of delivery, with every reason."""

    capture_id: UUID
    source_id: str
    stage: str
    problems: Sequence[Problem]
    correlation_id: str


class ClaimRow(NamedTuple):
    """An intended effect, claimed before it is sent."""

    delivery_key: UUID
    source_id: str
    action: str
    target_key: str
    capture_id: UUID
    source_day: date
    correlation_id: str


class UnsettledDelivery(NamedTuple):
    """A delivery that failed, or whose effect is uncertain."""

    delivery_key: UUID
    source_id: str
    action: str
    target_key: str
    state: str
    attempts: int
    claimed_at: datetime
    capture_id: UUID
    source_day: date
    is_uncertain: bool
    """The target may hold the effect: only the answer may have been lost."""
    may_act_until: datetime | None
    """Until when a request may still take effect."""

    def may_act(self, now: datetime) -> bool:
        """Return whether a request of the delivery may still take effect."""
        return self.may_act_until is not None and now < self.may_act_until


def acting_until(deliveries: Iterable[UnsettledDelivery], now: datetime) -> datetime | None:
    """Return until when one of the deliveries may still take effect; ``None`` if none may."""
    return max(
        (u.may_act_until for u in deliveries if u.may_act_until and u.may_act(now)), default=None
    )


class SettleRow(NamedTuple):
    """The outcome of a claimed delivery."""

    delivery_key: UUID
    state: str
    target_id: str = ""
    trace_id: str = ""
    error: str = ""
    is_lost: bool = False
    """No answer came to a request: it may have taken effect, or still do so."""


class TargetRow(NamedTuple):
    """What the target is known to hold for one record."""

    target_key: str
    target_id: str
    content: bytes
    digest: bytes
    """Of ``content``."""
    milestone: str
    sequence: int
    """How often the record was written, so that a content that comes back is a new intent."""
    source_updated_at: datetime

    @classmethod
    def following(
        cls,
        before: TargetRow | None,
        target_key: str,
        target_id: str,
        content: bytes,
        source_updated_at: datetime,
        milestone: str = "",
    ) -> TargetRow:
        """Return what is held after ``before``; ``None``: it was not known to be there."""
        sequence = (before.sequence if before is not None else 0) + 1
        digest = content_digest(content)
        return cls(target_key, target_id, content, digest, milestone, sequence, source_updated_at)

    @classmethod
    def as_read(
        cls,
        before: TargetRow | None,
        target_key: str,
        target_id: str,
        content: bytes,
        source_updated_at: datetime,
        milestone: str,
    ) -> TargetRow:
        """Return what a look at the target has shown of a record that was known as ``before``.

        A look that shows what was known changes nothing, so that an effect which is tried again
        after it is the same effect, and its attempts count.
        """
        shown = (content_digest(content), milestone)
        if before is not None and (before.digest, before.milestone) == shown:
            return before
        return cls.following(before, target_key, target_id, content, source_updated_at, milestone)

    def holding(self, content: bytes) -> TargetRow:
        """Return the row with another content, which follows this one."""
        return self._replace(
            content=content, digest=content_digest(content), sequence=self.sequence + 1
        )


class TableRows(NamedTuple):
    """Rows of one typed table, such as ``order_line``, in the order of its columns."""

    table: Table
    rows: list[tuple[Any, ...]]
