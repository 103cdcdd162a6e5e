"""The data of a reconciliation: an order's snapshot, a comparison's result, and its repair."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from domain.exchange import RawRecord, StoreShipment
from domain.reconciliation import (
    STUCK,
    Drift,
    DriftClass,
    DriftKey,
    Entity,
    Mode,
    OrderOrigin,
)
from domain.records.actions import Amendment
from domain.values import Partition
from resources.ledger.captures.edits import Change
from resources.ledger.records.record_state import UNKNOWN, RecordState
from resources.ledger.rejections.discards import NO_PARTS, DiscardedParts
from resources.ledger.rows import KnownLine, TargetRow

IsCaptured = Callable[[datetime], bool]
"""Returns whether a source's changes of a moment must have been captured by now."""


@dataclass(frozen=True)
class OrderSnapshot:
    """One order of the store as both systems and the ledger hold it, read within a few seconds."""

    source_id: str
    order_id: str
    """Its id at the OMS; empty if it has no link, and none can be made of what is known."""
    correlation_id: str
    store: RawRecord | None = None
    oms: RawRecord | None = None
    others: tuple[OrderOrigin, ...] = ()
    """Other orders of the OMS that refer to this one."""
    orders: RecordState = UNKNOWN
    shipments: RecordState = UNKNOWN
    store_shipments: Mapping[str, StoreShipment] = field(default_factory=dict)
    """The store's shipments by id, read if there may be any."""
    lines: Mapping[str, KnownLine] | None = None
    """Of the newest accepted version, if there may be shipments; ``None``: none is known."""
    edits: Sequence[Change] = ()
    """What an operator has corrected in its newest captured version."""
    amendments: Sequence[Amendment] = ()
    """What agents' actions have changed of it at the OMS."""
    is_linked: bool = True
    """Whether ``order_id`` is that of its link."""
    is_withdrawn: bool = False
    """The store had canceled it, and the OMS after it."""
    is_left_out: bool = False
    """Another connection of the store has sent it, or its person was forgotten: the OMS need not
    hold it as the store or the ledger has it."""
    discarded: DiscardedParts = NO_PARTS
    """Parcels that operators have discarded."""
    has_moved: bool = False
    """The ledger changed while the systems were read: the order is not compared now."""


@dataclass(frozen=True)
class Repair:
    """What lets the normal delivery close a gap: corrected target state, a record that is due."""

    stream: str
    source_id: str
    partition: Partition
    mode: Mode
    record_state: RecordState
    """What the repair is based on: it is dropped if the ledger has changed by then."""
    capture_id: UUID | None = None
    """The record that becomes due; ``None``: the source is read again, or another try is enough."""
    target_key: str = ""
    target_state: TargetRow | None = None
    """What the target really holds."""
    is_gone: bool = False
    """The target does not hold the record at all."""
    lost: frozenset[str] = frozenset()
    """Ids at the target that no longer exist, so that they are created again."""
    is_refusal: bool = False
    """The target can't take the record any more: it becomes a rejection, also where no repair was
    asked for."""


@dataclass
class Result:
    """The comparison of one record of one stream."""

    stream: str
    source_id: str
    correlation_id: str
    partition: Partition | None = None
    """The partition of the newest version."""
    drifts: list[Drift] = field(default_factory=list)
    repair: Repair | None = None
    is_pending: bool = False
    """A change is still under way, so that nothing can be concluded yet."""

    def drift_keys(self) -> set[DriftKey]:
        """Return the keys of the drifts."""
        return {drift.key for drift in self.drifts}

    def pending(self) -> Result:
        """Mark the result as pending, and return it."""
        self.is_pending = True
        return self

    def add(
        self,
        kind: DriftClass,
        entity: Entity,
        record: str,
        field: str = "",
        *,
        expected: str = "",
        found: str = "",
        can_repair: bool = False,
        since: datetime | None = None,
    ) -> None:
        """Add a drift of the record."""
        self.drifts.append(
            Drift(
                kind,
                entity,
                record,
                field,
                self.stream,
                self.source_id,
                self.correlation_id,
                expected,
                found,
                can_repair,
                since,
                self.partition.day if self.partition is not None else None,
            )
        )

    def add_if_unsettled(
        self, entity: Entity, record: str, known: RecordState, now: datetime, limit: timedelta
    ) -> bool:
        """Mark the result as pending, or as stuck beyond the limit; return whether it is either.

        It is where the newest version is not settled in the ledger.
        """
        newest = known.newest
        if newest is None or self.partition is None or known.is_settled:
            return False
        since = newest.captured_at
        if newest.state is not None and newest.validated_at is not None:
            since = newest.validated_at
        if now - since <= limit:
            self.is_pending = True
            return True
        found = "not validated" if newest.state is None else "not delivered"
        self.add(
            STUCK,
            entity,
            record,
            "delivery",
            expected="delivered",
            found=found,
            can_repair=True,
            since=since,
        )
        self.repair = Repair(self.stream, self.source_id, self.partition, "as_captured", known)
        return True


def count_by_class(drifts: Sequence[Drift]) -> dict[str, int]:
    """Return how many drifts there are of each class."""
    found: dict[str, int] = {}
    for drift in drifts:
        found[drift.drift_class] = found.get(drift.drift_class, 0) + 1
    return found
