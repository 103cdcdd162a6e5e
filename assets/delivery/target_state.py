"""Target state of one order at the store: the shipments it is known to hold, and its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from domain.exchange import ShipmentRequest
from domain.identity import content_digest
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from resources.ledger.rows import KnownLine, TargetRow, UnsettledDelivery


@dataclass(frozen=True)
class KnownShipment:
    """A shipment that the store holds; ``None`` stands for what the ledger does not know of it."""

    shipment_id: str
    tracking: str | None = None
    carrier: str | None = None
    group_id: str | None = None
    units: Mapping[str, int] = field(default_factory=dict)
    """Line id -> units; empty where the ledger does not know them."""

    @classmethod
    def from_ledger(cls, stored: str | Mapping[str, object]) -> KnownShipment:
        """Read what the ledger stores; older versions stored the id alone."""
        if isinstance(stored, str):
            return cls(stored)
        known: dict[str, Any] = dict(stored)
        return cls(
            known["id"],
            known.get("tracking"),
            known.get("carrier"),
            known.get("group"),
            known.get("units", {}),
        )

    @classmethod
    def from_request(cls, shipment_id: str, request: ShipmentRequest) -> KnownShipment:
        """Return the shipment that a request has created."""
        units = {line.line_id: line.quantity for line in request.lines}
        return cls(shipment_id, request.tracking_number, request.carrier, request.group_id, units)

    def to_ledger(self) -> dict[str, object]:
        """Return what the ledger stores."""
        return {
            "id": self.shipment_id,
            "tracking": self.tracking,
            "carrier": self.carrier,
            "group": self.group_id,
            "units": dict(self.units),
        }

    def is_outdated(self, request: ShipmentRequest) -> bool:
        """Return whether the OMS has newer tracking; a number it dropped stays in the store."""
        if not request.tracking_number:
            return False
        return request.tracking_number != self.tracking or request.carrier not in (
            None,
            self.carrier,
        )


@dataclass
class OrderTargetState:
    """What the store is known to hold of one order; grows with each intent that succeeds."""

    shipments: dict[str, KnownShipment] = field(default_factory=dict)
    """Parcel and group -> the store's shipment."""
    status: str = ""
    milestone: Milestone | None = None
    applied_at: str = ""
    sequence: int = 0
    lines: Mapping[str, KnownLine] | None = None
    """The newest accepted version's, by line id; ``None``: no version is known."""
    uncertain: frozenset[UUID] = frozenset()
    """Keys of shipments that may have been created."""
    waits_until: datetime | None = None
    """Until when one of them may still be created."""
    is_status_uncertain: bool = False
    """The store may show another status than the ledger knows."""

    @classmethod
    def from_ledger(
        cls,
        known: TargetRow | None,
        lines: Mapping[str, KnownLine] | None,
        unsettled: Sequence[UnsettledDelivery],
        now: datetime,
    ) -> OrderTargetState:
        """Read what the ledger holds; ``now`` by the database."""
        shipments = [u for u in unsettled if u.action == "shipment" and u.is_uncertain]
        uncertain = frozenset(u.delivery_key for u in shipments)
        acting = [u.may_act_until for u in shipments if u.may_act(now) and u.may_act_until]
        waits_until = max(acting) if acting else None
        is_status_uncertain = any(u.action == "status" and u.is_uncertain for u in unsettled)
        if known is None:
            return cls(
                lines=lines,
                uncertain=uncertain,
                waits_until=waits_until,
                is_status_uncertain=is_status_uncertain,
            )
        content = orjson.loads(known.content)
        return cls(
            {
                key: KnownShipment.from_ledger(stored)
                for key, stored in content["shipments"].items()
            },
            content["status"],
            Milestone(known.milestone) if known.milestone else None,
            content["applied_at"],
            known.sequence,
            lines,
            uncertain,
            waits_until,
            is_status_uncertain,
        )

    def to_row(self, source_id: str, fulfilment: Fulfilment) -> TargetRow:
        """Return the ledger's row of this state."""
        shipments = {key: shipment.to_ledger() for key, shipment in self.shipments.items()}
        content = orjson.dumps(
            {"shipments": shipments, "status": self.status, "applied_at": self.applied_at}
        )
        milestone = str(self.milestone) if self.milestone else ""
        return TargetRow(
            source_id,
            source_id,
            content,
            content_digest(content),
            milestone,
            self.sequence,
            fulfilment.updated_at,
        )

    def match_parcels(self, requests: Mapping[str, ShipmentRequest]) -> dict[str, list[str]]:
        """Return for each parcel's key the keys of its shipments, if it has any.

        An OMS may give a parcel a new key once it has a tracking number. So a parcel under a new
        key is matched with the shipments of the same address whose own keys are gone and whose
        units are exactly its units.
        """
        found = {key: [key] if key in self.shipments else [] for key in requests}
        unmatched = sorted(self.shipments.keys() - requests.keys())
        for key in sorted(key for key, own in found.items() if not own):
            left = {line.line_id: line.quantity for line in requests[key].lines}
            taken: list[str] = []
            for other in unmatched:
                shipment = self.shipments[other]
                fits = shipment.units and all(
                    0 < units <= left.get(line, 0) for line, units in shipment.units.items()
                )
                if shipment.group_id == requests[key].group_id and fits:
                    taken.append(other)
                    left = {
                        line: units - shipment.units.get(line, 0) for line, units in left.items()
                    }
            if not any(left.values()):
                found[key] = taken
                unmatched = [other for other in unmatched if other not in taken]
        return found
