"""What is known of one order at the store: its shipments, what they say of their parcels, its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from domain.exchange import ShipmentRequest
from domain.identity import content_digest
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from resources.ledger.rows import TargetRow, UnsettledDelivery


@dataclass(frozen=True)
class Held:
    """A shipment that the store holds, with what it says of the parcel; ``None`` where the ledger does not know that."""

    shipment_id: str
    tracking: str | None = None
    carrier: str | None = None
    group_id: str | None = None
    units: Mapping[str, int] = field(default_factory=dict)
    """Line id -> units; empty where the ledger does not know them."""

    @classmethod
    def of(cls, kept: str | Mapping[str, object]) -> Held:
        """Read what the ledger keeps; an id alone was kept before tracking numbers were."""
        if isinstance(kept, str):
            return cls(kept)
        known: dict[str, Any] = dict(kept)
        return cls(
            known["id"],
            known.get("tracking"),
            known.get("carrier"),
            known.get("group"),
            known.get("units", {}),
        )

    @classmethod
    def as_asked(cls, shipment_id: str, request: ShipmentRequest) -> Held:
        """Return the shipment as a request has made it."""
        units = {line.line_id: line.quantity for line in request.lines}
        return cls(shipment_id, request.tracking_number, request.carrier, request.group_id, units)

    def kept(self) -> dict[str, object]:
        """Return what the ledger keeps."""
        return {
            "id": self.shipment_id,
            "tracking": self.tracking,
            "carrier": self.carrier,
            "group": self.group_id,
            "units": dict(self.units),
        }

    def is_behind(self, request: ShipmentRequest) -> bool:
        """Tell whether the OMS says more of the parcel; a number that it does not name any more is left in the store."""
        if not request.tracking_number:
            return False
        return request.tracking_number != self.tracking or request.carrier not in (
            None,
            self.carrier,
        )


@dataclass
class OrderAtStore:
    """What is known of one order at the store; grows with each effect that succeeds."""

    shipments: dict[str, Held] = field(default_factory=dict)
    """Parcel and group -> the store's shipment."""
    status: str = ""
    milestone: Milestone | None = None
    applied_at: str = ""
    sequence: int = 0
    lines: Mapping[str, tuple[str, str]] | None = None
    """Line id -> (group id, kind) of the newest accepted version; ``None`` where Lockstep does not know the order."""
    begun: frozenset[UUID] = frozenset()
    """Shipments that a dead run may have created."""

    @classmethod
    def of(
        cls,
        known: TargetRow | None,
        lines: Mapping[str, tuple[str, str]] | None,
        unsettled: Sequence[UnsettledDelivery],
    ) -> OrderAtStore:
        """Read what the ledger has."""
        begun = frozenset(
            u.delivery_key for u in unsettled if u.state == "in_flight" and u.action == "shipment"
        )
        if known is None:
            return cls(lines=lines, begun=begun)
        content = orjson.loads(known.content)
        milestone = Milestone(known.milestone) if known.milestone else None
        shipments = {key: Held.of(kept) for key, kept in content["shipments"].items()}
        return cls(
            shipments,
            content["status"],
            milestone,
            content["applied_at"],
            known.sequence,
            lines,
            begun,
        )

    def row(self, source_id: str, fulfilment: Fulfilment) -> TargetRow:
        """Return the ledger's row of this state."""
        shipments = {key: held.kept() for key, held in self.shipments.items()}
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

    def assigned(self, requests: Mapping[str, ShipmentRequest]) -> dict[str, list[str]]:
        """Return for each parcel's key the keys of the shipments that are it already; none where it still is no shipment.

        An OMS may name a parcel anew once it has a tracking number. So a parcel under a new key is those shipments of the same address
        whose own keys are named no more and whose units are exactly its units.
        """
        found = {key: [key] if key in self.shipments else [] for key in requests}
        nameless = sorted(self.shipments.keys() - requests.keys())
        for key in sorted(key for key, own in found.items() if not own):
            left = {line.line_id: line.quantity for line in requests[key].lines}
            taken = []
            for other in nameless:
                held = self.shipments[other]
                fits = held.units and all(
                    0 < units <= left.get(line, 0) for line, units in held.units.items()
                )
                if held.group_id == requests[key].group_id and fits:
                    taken.append(other)
                    left = {line: units - held.units.get(line, 0) for line, units in left.items()}
            if not any(left.values()):
                found[key] = taken
                nameless = [other for other in nameless if other not in taken]
        return found
