"""What a reconciliation has before it of one order, and what it makes of that. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from domain.exchange import RawRecord, StoreShipment
from domain.reconciliation import STUCK, Drift, DriftKey, Entity, Mode, OrderOrigin
from resources.ledger.records.record_state import UNKNOWN, RecordState
from resources.ledger.rows import TargetRow

Captured = Callable[[datetime], bool]
"""Tells whether a source's changes of a moment must have been captured by now."""


@dataclass(frozen=True)
class Case:
    """One order of the store as both systems and the ledger showed it within a few seconds."""

    source_id: str
    order_id: str
    """The id that the connection gives to it at the OMS."""
    correlation_id: str
    store: RawRecord | None = None
    oms: RawRecord | None = None
    others: tuple[OrderOrigin, ...] = ()
    """Other orders of the OMS that say they are this one."""
    orders: RecordState = UNKNOWN
    shipments: RecordState = UNKNOWN
    at_store: Mapping[str, StoreShipment] = field(default_factory=dict)
    """The store's shipments by id, looked up where there may be any."""
    has_moved: bool = False
    """The ledger changed while the systems were read: it is not judged now."""


@dataclass(frozen=True)
class Repair:
    """What makes the normal delivery close a gap: the ledger's belief corrected, and the record due again."""

    stream: str
    source_id: str
    day: date
    mode: Mode
    record_state: RecordState
    """What the repair rests on: it is left undone where the ledger says something else by then."""
    capture_id: UUID | None = None
    """The record that becomes due; ``None`` where the source is read again, or nothing but another try is needed."""
    target_key: str = ""
    belief: TargetRow | None = None
    """What the target really holds."""
    is_gone: bool = False
    """The target does not hold the record at all."""
    lost: frozenset[str] = frozenset()
    """Ids at the target whose creation no longer stands, so that it is created once more."""


@dataclass
class Verdict:
    """Judgement of one record of one stream; ``is_waiting`` where a change is still under way."""

    stream: str
    source_id: str
    drifts: list[Drift] = field(default_factory=list)
    repair: Repair | None = None
    is_waiting: bool = False

    def drift_keys(self) -> set[DriftKey]:
        """Return the keys of the drifts."""
        return {drift.key for drift in self.drifts}

    def waiting(self) -> Verdict:
        """Return the verdict that nothing can be said yet."""
        self.is_waiting = True
        return self


def held_up(known: RecordState) -> datetime | None:
    """Return since when the newest version waits for its end in the ledger, or ``None`` where it has come to it."""
    newest = known.newest
    if newest is None or known.is_settled:
        return None
    return newest.captured_at if newest.state is None else newest.validated_at or newest.captured_at


def stuck(
    verdict: Verdict,
    entity: Entity,
    record: str,
    correlation_id: str,
    known: RecordState,
    now: datetime,
    limit: timedelta,
) -> bool:
    """Note where the newest version waits, or is stuck beyond the limit; return whether it does either."""
    since = held_up(known)
    newest = known.newest
    if since is None or newest is None:
        return False
    if now - since <= limit:
        verdict.is_waiting = True
        return True
    verdict.drifts.append(
        Drift(
            STUCK,
            entity,
            record,
            "delivery",
            verdict.stream,
            verdict.source_id,
            correlation_id,
            "delivered",
            "not validated" if newest.state is None else "not delivered",
            can_repair=True,
            since=since,
            source_day=newest.source_day,
        )
    )
    verdict.repair = Repair(
        verdict.stream, verdict.source_id, newest.source_day, "as_captured", known
    )
    return True


def count_by_class(drifts: Sequence[Drift]) -> dict[str, int]:
    """Return how many drifts there are of each class."""
    found: dict[str, int] = {}
    for drift in drifts:
        found[drift.drift_class] = found.get(drift.drift_class, 0) + 1
    return found
