"""Canonical fulfilment: how far the OMS has come with one order, with its parcels and cancellations."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from domain.identity import content_digest
from domain.milestones import Milestone, rollup
from domain.values import Frozen, Key, PositiveQuantity, Quantity, Sku, UtcDatetime


class ParcelLine(Frozen):
    """Units of one order line in a parcel."""

    line_id: Key
    sku: Sku
    quantity: PositiveQuantity


class Parcel(Frozen):
    """One package that left a node; ``parcel_id`` is the OMS's own, so the same parcel seen twice is one."""

    parcel_id: Key
    tracking_number: Key = ""
    carrier: Key | None = None
    """Our courier code (``domain.carriers.carriers``): the OMS's, else the one that the tracking number's format and check digit name."""
    carrier_source: str = ""
    service: str = ""
    shipped_at: UtcDatetime | None = None
    delivered_at: UtcDatetime | None = None
    lines: tuple[ParcelLine, ...]


class Units(Frozen):
    """How many units of a line stand at one stage."""

    milestone: Milestone
    quantity: PositiveQuantity


class LineProgress(Frozen):
    """Where the units of one order line stand; canceled units come from the cancel history, since the quantity drops to 0."""

    line_id: Key
    sku: Sku
    ordered: Quantity
    units: tuple[Units, ...]
    cancel_reason: str = ""


class Fulfilment(Frozen):
    """The OMS's state of one order at ``updated_at``."""

    order_id: Key
    """The order's id at the OMS."""
    source_id: Key
    """The order's id at the store."""
    lines: tuple[LineProgress, ...]
    parcels: tuple[Parcel, ...] = ()
    cancel_answer: Literal["requested", "accepted", "rejected"] | None = None
    """What became of a cancel request, where one was made."""
    updated_at: UtcDatetime

    def milestone(self) -> Milestone:
        """Return the milestone of the whole order."""
        units: dict[Milestone, Decimal] = {}
        for line in self.lines:
            for part in line.units:
                units[part.milestone] = units.get(part.milestone, Decimal(0)) + part.quantity
        return rollup(units)

    def events(self) -> Iterator[FulfilmentEvent]:
        """Derive the fulfilment events of this state; the same fact always has the same key, however often it is seen."""
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
                    Milestone.SHIPPED,
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


class FulfilmentEvent(Frozen):
    """One fact of fulfilment, as a row: units of a line reached a milestone, alone or in a parcel."""

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
