"""Target state of one order at the store: the shipments it is known to hold, and its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from domain.exchange import ShipmentLine, ShipmentRequest
from domain.identity import content_digest
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment, Parcel
from resources.ledger.rows import KnownLine, TargetRow

MORE = "+"
"""Between a parcel's key and the number of a further shipment for units that it got later."""


@dataclass(frozen=True)
class KnownShipment:
    """A shipment that the store holds; ``None`` stands for what the ledger does not know of it."""

    shipment_id: str
    tracking: str | None = None
    carrier: str | None = None
    group_id: str | None = None
    units: Mapping[str, int] = field(default_factory=dict)
    """Line id -> units; empty if the ledger does not know them."""
    is_own: bool = False
    """Lockstep has made it; False also where the ledger does not know."""

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
            known.get("own", False),
        )

    @classmethod
    def from_request(
        cls, shipment_id: str, request: ShipmentRequest, *, is_own: bool
    ) -> KnownShipment:
        """Return the shipment that a request has created, or stands for."""
        units = {line.line_id: line.quantity for line in request.lines}
        number, carrier = request.tracking_number, request.carrier
        return cls(shipment_id, number, carrier, request.group_id, units, is_own)

    def to_ledger(self) -> dict[str, object]:
        """Return what the ledger stores."""
        stored: dict[str, object] = {
            "id": self.shipment_id,
            "tracking": self.tracking,
            "carrier": self.carrier,
            "group": self.group_id,
            "units": dict(self.units),
        }
        return stored | {"own": True} if self.is_own else stored

    def is_outdated(self, request: ShipmentRequest) -> bool:
        """Return whether the OMS has newer tracking; a number it dropped stays in the store."""
        if not request.tracking_number:
            return False
        return request.tracking_number != self.tracking or request.carrier not in (
            None,
            self.carrier,
        )


class Cover(NamedTuple):
    """Which of the store's shipments a parcel has, and which of its units are in none of them."""

    names: list[str]
    missing: tuple[ShipmentLine, ...]


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
    kept_status: str = ""
    """The merchant's own status, where a shipment has moved it and it must be set again."""

    @classmethod
    def from_ledger(
        cls, known: TargetRow | None, lines: Mapping[str, KnownLine] | None
    ) -> OrderTargetState:
        """Read what the ledger holds."""
        if known is None:
            return cls(lines=lines)
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
            content.get("kept_status", ""),
        )

    def to_row(self, source_id: str, fulfilment: Fulfilment) -> TargetRow:
        """Return the ledger's row of this state."""
        shipments = {key: shipment.to_ledger() for key, shipment in self.shipments.items()}
        stored = {"shipments": shipments, "status": self.status, "applied_at": self.applied_at}
        if self.kept_status:
            stored["kept_status"] = self.kept_status
        content = orjson.dumps(stored)
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

    def shipped_units(self) -> int:
        """Return the units of the known shipments; older ledgers did not store all of them."""
        return sum(sum(shipment.units.values()) for shipment in self.shipments.values())

    def holds_all(self, parcels: Sequence[Parcel]) -> bool:
        """Return whether the store has shipments of each parcel's lines, with its tracking number.

        For an order whose lines the ledger no longer keeps.
        """
        for parcel in parcels:
            own = [s for n, s in self.shipments.items() if n.startswith(f"{parcel.parcel_id}/")]
            lines = {line for shipment in own for line in shipment.units}
            if not {line.line_id for line in parcel.lines} <= lines:
                return False
            if any(parcel.tracking_number not in ("", shipment.tracking) for shipment in own):
                return False
        return True

    def cover(self, requests: Mapping[str, ShipmentRequest]) -> dict[str, Cover]:
        """Return for each parcel's key its shipments and the units that are still to be shipped.

        Units are conserved: a parcel that got more of them keeps its shipments, also under a new
        key, and what they lack becomes another one.
        """
        found = self.match_parcels(requests)
        named = {name for names in found.values() for name in names}
        unmatched = sorted(self.shipments.keys() - named)
        covers: dict[str, Cover] = {}
        for key in sorted(requests):
            left = {line.line_id: line.quantity for line in requests[key].lines}
            names = list(found[key])
            if any(not self.shipments[name].units for name in names):
                covers[key] = Cover(names, ())  # an older ledger knows the shipments, not the units
                continue
            for name in names:
                left = self._take(left, name)
            for name in list(unmatched):
                if any(units > 0 for units in left.values()) and self._fits(
                    name, requests[key].group_id, left
                ):
                    names.append(name)
                    unmatched.remove(name)
                    left = self._take(left, name)
            missing = tuple(ShipmentLine(line, n) for line, n in sorted(left.items()) if n > 0)
            covers[key] = Cover(names, missing)
        return {key: covers[key] for key in requests}

    def new_name(self, key: str) -> str:
        """Return the name of a parcel's next shipment."""
        if key not in self.shipments:
            return key
        number = 1
        while f"{key}{MORE}{number}" in self.shipments:
            number += 1
        return f"{key}{MORE}{number}"

    def _named(self, key: str) -> list[str]:
        """Return the parcel's shipment, and those of the units that it got later."""
        more = [
            name
            for name in self.shipments
            if name.startswith(key + MORE) and name[len(key + MORE) :].isdigit()
        ]
        return [*([key] if key in self.shipments else []), *sorted(more)]

    def _fits(self, name: str, group_id: str, left: Mapping[str, int]) -> bool:
        shipment = self.shipments[name]
        return (
            shipment.group_id == group_id
            and bool(shipment.units)
            and all(0 < units <= left.get(line, 0) for line, units in shipment.units.items())
        )

    def _take(self, left: Mapping[str, int], name: str) -> dict[str, int]:
        units = self.shipments[name].units
        return {line: number - units.get(line, 0) for line, number in left.items()}

    def match_parcels(self, requests: Mapping[str, ShipmentRequest]) -> dict[str, list[str]]:
        """Return for each parcel's key the keys of its shipments, if it has any.

        An OMS may give a parcel a new key once it has a tracking number. So a parcel under a new
        key is matched with the shipments of the same address whose own keys are gone and whose
        units are exactly its units.
        """
        found = {key: self._named(key) for key in requests}
        named = {name for names in found.values() for name in names}
        unmatched = sorted(self.shipments.keys() - named)
        for key in sorted(key for key, own in found.items() if not own):
            left = {line.line_id: line.quantity for line in requests[key].lines}
            taken: list[str] = []
            for other in unmatched:
                if self._fits(other, requests[key].group_id, left):
                    taken.append(other)
                    left = self._take(left, other)
            if not any(left.values()):
                found[key] = taken
                unmatched = [other for other in unmatched if other not in taken]
        return found
