"""What a reconciliation finds: drifts between a store, an OMS and the ledger, with class, advice, and whether they can be healed.

No value of a drift is personal: of names, addresses and the like it only says which of them differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from domain.milestones import Milestone, may_move

DriftClass = Literal["missing_at_target", "missing_at_source", "differs", "stuck", "duplicate"]
Entity = Literal["order", "line", "shipment", "status", "stock"]
DriftKey: TypeAlias = tuple[str, str, str, str]
"""(class, entity, record, field)."""
Mode = Literal["as_captured", "re_read"]

MISSING_AT_TARGET: DriftClass = "missing_at_target"
MISSING_AT_SOURCE: DriftClass = "missing_at_source"
DIFFERS: DriftClass = "differs"
STUCK: DriftClass = "stuck"
DUPLICATE: DriftClass = "duplicate"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between an order as it should stand at the OMS and as it does; values are shown unless they are personal."""

    field: str
    expected: str = ""
    found: str = ""
    line_id: str = ""
    """The order line that it is about; empty for the order itself."""
    kind: DriftClass = DIFFERS
    can_repair: bool = True


@dataclass(frozen=True, slots=True)
class OrderOrigin:
    """Which order of the store an order of the OMS says it is."""

    order_id: str
    source_id: str
    """The store's order id."""
    is_own_id: bool
    """True where the OMS's id is the one that the connection gives to that order; else it is another order for the same one."""
    is_cancelled: bool


@dataclass(frozen=True, slots=True)
class StoreSnapshot:
    """What the store's own document says of an order's fulfilment."""

    status: str
    """The store's status id as text."""
    is_final: bool
    is_archived: bool
    shipped_units: int
    shows: Milestone | None
    """The milestone that the status shows, ``None`` where it tells nothing of fulfilment."""

    def is_behind(self, wanted: Milestone, status: str | None) -> bool:
        """Tell whether the store still has to be moved to ``status``, which ``wanted`` shows as.

        A status that a person moved beyond ours, or to one that says nothing of fulfilment, is theirs and no drift.
        """
        if status is None or self.status == status or self.is_final or self.is_archived:
            return False
        return self.shows is not None and may_move(self.shows, wanted)


@dataclass(frozen=True, slots=True)
class Drift:
    """One drift. ``stream`` and ``source_id`` name the record of the ledger that stands for it."""

    drift_class: DriftClass
    entity: Entity
    record: str
    field: str
    stream: str
    source_id: str
    correlation_id: str
    expected: str = ""
    found: str = ""
    can_repair: bool = False
    since: datetime | None = None
    """Since when it is known to be so; ``None``: since it was first seen."""
    source_day: date | None = None
    """The partition of the record that stands for it."""

    @property
    def key(self) -> DriftKey:
        """Return what makes two sightings the same drift."""
        return self.drift_class, self.entity, self.record, self.field

    @property
    def advice(self) -> str:
        """Return what an operator should do, in one sentence."""
        if self.can_repair:
            return REPAIRABLE.get(
                (self.drift_class, self.entity), "Run with --heal: the normal delivery corrects it."
            )
        return MANUAL.get(
            (self.drift_class, self.entity), "Compare both systems and correct it by hand."
        )


REPAIRABLE: dict[tuple[str, str], str] = {
    (
        "missing_at_target",
        "order",
    ): "Run with --heal to send the order to the OMS again; ask there who deleted it.",
    ("missing_at_target", "line"): "Run with --heal to send the line to the OMS again.",
    (
        "missing_at_target",
        "shipment",
    ): "Run with --heal to create the shipment in the store again; the shopper is mailed once more.",
    (
        "differs",
        "order",
    ): "Run with --heal to bring the OMS back to what the store says; or correct the store if the OMS is right.",
    (
        "differs",
        "line",
    ): "Run with --heal to bring the OMS back to what the store says; or correct the store if the OMS is right.",
    (
        "differs",
        "shipment",
    ): "Run with --heal to write the OMS's tracking number to the store's shipment again.",
    ("differs", "status"): "Run with --heal to bring the other side up to where the order stands.",
    (
        "differs",
        "stock",
    ): "Run with --heal to write the OMS's availability to the store again; look who else writes stock there.",
    (
        "stuck",
        "order",
    ): "Run with --heal to try its delivery again; see 'lockstep trace' for what holds it up.",
    (
        "stuck",
        "shipment",
    ): "Run with --heal to try its delivery again; see 'lockstep trace' for what holds it up.",
    ("stuck", "stock"): "Run with --heal to try its delivery again; see the run that failed.",
}
MANUAL: dict[tuple[str, str], str] = {
    (
        "missing_at_target",
        "order",
    ): "It was fulfilled or goes out no more, so it is not sent again: find out who deleted it at the OMS.",
    (
        "missing_at_source",
        "order",
    ): "Find out where the OMS has this order from; cancel it there if nobody has sold it.",
    (
        "missing_at_source",
        "line",
    ): "The OMS has a line that nobody bought in the store: cancel it there, or add it to the store's order.",
    (
        "missing_at_source",
        "shipment",
    ): "The store shows a shipment that the OMS has not sent: delete it there, or ship it at the OMS.",
    (
        "duplicate",
        "order",
    ): "Two orders of the OMS stand for one of the store: cancel the one that is not to be fulfilled.",
    (
        "duplicate",
        "shipment",
    ): "The store shows one parcel twice: delete one of the two shipments there.",
    (
        "differs",
        "shipment",
    ): "The store's shipment has other units than the parcel: delete it there, then reconcile and heal.",
    (
        "differs",
        "status",
    ): "The order is cancelled in the store and lives at the OMS, which never had it from Lockstep: cancel it there.",
    (
        "differs",
        "line",
    ): "The order does not go out in its present status: correct it at the OMS by hand.",
    (
        "differs",
        "order",
    ): "The order does not go out in its present status: correct it at the OMS by hand.",
}
