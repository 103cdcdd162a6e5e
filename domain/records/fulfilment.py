"""Canonical fulfilment: the state of one order at the OMS, with its parcels and cancellations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from decimal import Decimal
from typing import Literal

from msgspec import structs

from domain.identity import content_digest
from domain.milestones import BEYOND_SHIPPED, STAGES, Milestone, rollup
from domain.records.record import Record, check_keys, check_moment, check_quantity, check_sku
from domain.values import Key, PositiveQuantity, Quantity, Sku, UtcDatetime


class ParcelLine(Record, frozen=True, kw_only=True):
    """Units of one order line in a parcel."""

    line_id: Key
    sku: Sku
    quantity: PositiveQuantity

    def __post_init__(self) -> None:
        check_sku(self, self.sku)
        check_keys(self, self.line_id)
        check_quantity(self, self.quantity, positive=True)


class Parcel(Record, frozen=True, kw_only=True):
    """One package of a node; ``parcel_id`` is the OMS's own, the same at each reading."""

    parcel_id: Key
    tracking_number: Key = ""
    carrier: Key | None = None
    """Our courier code (``domain.carriers.carriers``).

    The one that the OMS names; if it names none, the one that the number's check digit proves.
    """
    carrier_source: str = ""
    """The carrier as the OMS names it, for a store that ``carrier`` means nothing to."""
    service: str = ""
    shipped_at: UtcDatetime | None = None
    delivered_at: UtcDatetime | None = None
    has_left: bool = True
    """Whether it has left the node. One that is ready to ship has a tracking number for the store,
    and waits for the carrier."""
    lines: tuple[ParcelLine, ...]

    def __post_init__(self) -> None:
        check_keys(self, self.parcel_id, self.tracking_number, self.carrier or "")
        check_moment(self, "shipped_at")
        check_moment(self, "delivered_at")


class Units(Record, frozen=True, kw_only=True):
    """How many units of a line have reached one stage."""

    milestone: Milestone
    quantity: PositiveQuantity

    def __post_init__(self) -> None:
        check_quantity(self, self.quantity, positive=True)


class LineProgress(Record, frozen=True, kw_only=True):
    """The stages of one order line's units.

    Canceled units come from the cancel history, since the OMS sets the line's quantity to 0.
    """

    line_id: Key
    sku: Sku
    ordered: Quantity
    units: tuple[Units, ...]
    cancel_reason: str = ""

    def __post_init__(self) -> None:
        check_sku(self, self.sku)
        check_keys(self, self.line_id)
        check_quantity(self, self.ordered)

    def in_milestone(self, milestone: Milestone) -> Decimal:
        """Return how many units are at a stage."""
        return sum(
            (part.quantity for part in self.units if part.milestone is milestone), Decimal(0)
        )


class Fulfilment(Record, frozen=True, kw_only=True):
    """The OMS's state of one order at ``updated_at``."""

    order_id: Key
    """The order's id at the OMS."""
    source_id: Key = ""
    """The order's id at the store, by its link; empty until it is looked up."""
    lines: tuple[LineProgress, ...]
    parcels: tuple[Parcel, ...] = ()
    canceled_parcels: tuple[Key, ...] = ()
    """The parcels that the OMS shows as canceled. One that it only lacks may be in a newer state
    than the one that it answered with."""
    cancel_answer: Literal["requested", "accepted", "rejected"] | None = None
    """The OMS's answer to a cancel request, if one was made."""
    updated_at: UtcDatetime

    def __post_init__(self) -> None:
        check_keys(self, self.order_id, self.source_id, *self.canceled_parcels)
        check_moment(self, "updated_at")

    def as_of(self, moment: UtcDatetime) -> Fulfilment:
        """Return the version with the time by which versions are ordered.

        Where clocks go back, a document's own stamp may name an earlier moment than an older one's.
        """
        return self if self.updated_at == moment else structs.replace(self, updated_at=moment)

    def milestone(
        self, not_shipped: Collection[str] = (), *, at_most: Milestone = Milestone.RETURNED
    ) -> Milestone:
        """Return the milestone of the whole order; units beyond ``at_most`` count as being there.

        ``not_shipped`` are lines that never leave in a parcel (downloads, gift certificates): they
        count only where no other line is left, so that an e-mail neither ships the order nor keeps
        it from being shipped, and a sent download keeps it from being canceled.
        """
        shipped = [line for line in self.lines if line.line_id not in not_shipped]
        milestone = _rollup(shipped, at_most)
        if milestone is Milestone.CANCELED or not shipped:
            return _rollup(self.lines, at_most)
        return milestone

    def shown_milestone(
        self, status_for: Callable[[Milestone], str | None], not_shipped: Collection[str] = ()
    ) -> Milestone:
        """Return the milestone that a store shows: the order's, or that its units have left.

        Stores have no status for units that came back, or of which some have arrived. Where these
        had left since the store was last shown anything, it would show them as still to be shipped.
        """
        milestone = self.milestone(not_shipped)
        if milestone in BEYOND_SHIPPED and status_for(milestone) is None:
            left = self.milestone(not_shipped, at_most=Milestone.SHIPPED)
            return left if status_for(left) is not None else milestone
        return milestone

    def events(self) -> Iterator[FulfilmentEvent]:
        """Derive the fulfilment events of this state; the same fact always has the same key."""
        for line in self.lines:
            for part in line.units:
                yield self._event(
                    line.line_id, line.sku, part.milestone, part.quantity, self.updated_at, None
                )
        for parcel in self.parcels:
            for content in parcel.lines:
                moment = parcel.shipped_at or self.updated_at
                yield self._event(
                    content.line_id,
                    content.sku,
                    Milestone.SHIPPED if parcel.has_left else Milestone.PACKED,
                    content.quantity,
                    moment,
                    parcel,
                )

    def _event(
        self,
        line_id: str,
        sku: str,
        milestone: Milestone,
        quantity: Decimal,
        occurred_at: UtcDatetime,
        parcel: Parcel | None,
    ) -> FulfilmentEvent:
        parcel_id = parcel.parcel_id if parcel else ""
        identity = "\x1f".join(
            (self.order_id, line_id, milestone, f"{quantity.normalize():f}", parcel_id)
        )
        return FulfilmentEvent(
            event_key=content_digest(identity.encode()).hex(),
            order_id=self.order_id,
            source_id=self.source_id,
            line_id=line_id,
            sku=sku,
            milestone=milestone,
            quantity=quantity,
            parcel_id=parcel_id,
            tracking_number=parcel.tracking_number if parcel else "",
            carrier=(parcel.carrier or "") if parcel else "",
            occurred_at=occurred_at,
        )


def _rollup(lines: Collection[LineProgress], at_most: Milestone) -> Milestone:
    beyond = STAGES[STAGES.index(at_most) :]
    units: dict[Milestone, Decimal] = {}
    for line in lines:
        for part in line.units:
            stage = at_most if part.milestone in beyond else part.milestone
            units[stage] = units.get(stage, Decimal(0)) + part.quantity
    return rollup(units)


class FulfilmentEvent(Record, frozen=True, kw_only=True):
    """One fact of fulfilment, as a row: units of a line reached a milestone, in a parcel or not."""

    event_key: str
    order_id: str
    source_id: str
    line_id: str
    sku: Sku
    milestone: Milestone
    quantity: PositiveQuantity
    parcel_id: str = ""
    tracking_number: str = ""
    carrier: str = ""
    occurred_at: UtcDatetime

    def __post_init__(self) -> None:
        check_sku(self, self.sku)
        check_quantity(self, self.quantity, positive=True)
        check_moment(self, "occurred_at")
