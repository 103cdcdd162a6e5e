"""Drifts between a store, an OMS and the ledger, as a reconciliation finds them.

A drift has no personal values: of names and addresses it only states which of them differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from domain.milestones import Milestone, may_move

DriftClass = Literal["missing_at_target", "missing_at_source", "differs", "stuck", "duplicate"]
Entity = Literal["order", "line", "shipment", "status", "stock", "customer", "price", "return"]
DriftKey: TypeAlias = tuple[str, str, str, str]
"""(class, entity, record, field)."""
Mode = Literal["as_captured", "re_read"]

MISSING_AT_TARGET: DriftClass = "missing_at_target"
MISSING_AT_SOURCE: DriftClass = "missing_at_source"
DIFFERS: DriftClass = "differs"
STUCK: DriftClass = "stuck"
DUPLICATE: DriftClass = "duplicate"


REPAIRABLE: dict[tuple[str, str], str] = {
    (
        "missing_at_target",
        "order",
    ): "Run with --repair to send the order to the OMS again, and find out there who deleted it.",
    ("missing_at_target", "line"): "Run with --repair to send the line to the OMS again.",
    (
        "missing_at_target",
        "shipment",
    ): "Run with --repair to create the shipment in the store again; "
    "the shopper gets another e-mail.",
    (
        "differs",
        "order",
    ): "Run with --repair to update the OMS from the store, or correct the store "
    "if the OMS is right.",
    ("differs", "line"): "Run with --repair to update the OMS from the store, or correct the store "
    "if the OMS is right.",
    ("differs", "shipment"): "Run with --repair to write the OMS's tracking number to the store's "
    "shipment again.",
    ("differs", "status"): "Run with --repair to update the status in the other system.",
    (
        "differs",
        "stock",
    ): "Run with --repair to write the OMS's availability to the store again, and "
    "find out who else changes stock there.",
    (
        "differs",
        "price",
    ): "Run with --repair to send the OMS's price again, within the limit, and find out who "
    "else changes prices there.",
    ("differs", "return"): "Run with --repair to show the return in the store again, and find out "
    "who changed it there.",
    ("stuck", "return"): "Run with --repair to try the delivery again; see the run that failed.",
    ("stuck", "price"): "Run with --repair to try the delivery again; see the run that failed.",
    (
        "missing_at_target",
        "customer",
    ): "Run with --repair to send the customer to the OMS again, and find out who removed it.",
    (
        "differs",
        "customer",
    ): "Run with --repair to update the OMS from the store, or correct the store "
    "if the OMS is right.",
    (
        "stuck",
        "customer",
    ): "Run with --repair to try the delivery again; 'lockstep trace' shows what blocks it.",
    ("stuck", "order"): "Run with --repair to try the delivery again; 'lockstep trace' shows what "
    "blocks it.",
    (
        "stuck",
        "shipment",
    ): "Run with --repair to try the delivery again; 'lockstep trace' shows what blocks it.",
    ("stuck", "stock"): "Run with --repair to try the delivery again; see the run that failed.",
}
"""Advice for drifts that a repair corrects, by class and entity."""

MANUAL: dict[tuple[str, str], str] = {
    ("missing_at_target", "order"): "Find out who deleted it at the OMS. It is not sent again, "
    "since it was fulfilled or is no longer exported.",
    ("missing_at_source", "order"): "Find out where the order at the OMS comes from; cancel it "
    "there if it was never sold.",
    ("missing_at_source", "line"): "The OMS has a line that is not in the store's order: cancel it "
    "there, or add it in the store.",
    ("missing_at_source", "shipment"): "The store shows a shipment that the OMS has not sent: "
    "delete it in the store, or ship it at the OMS.",
    (
        "missing_at_source",
        "stock",
    ): "No node of the OMS feeds this location any more: set its units "
    "to 0 in the store, or name it in the section inventory.",
    ("duplicate", "order"): "Two orders at the OMS belong to one order of the store: cancel the "
    "one that should not be fulfilled.",
    ("duplicate", "shipment"): "The store shows one parcel twice: delete one of the shipments.",
    ("differs", "shipment"): (
        "The store's shipment and the parcel differ in their units: delete the shipment in the "
        "store, then reconcile with --repair."
    ),
    ("differs", "status"): (
        "The order is canceled in the store but active at the OMS, and was not sent there by "
        "Lockstep: cancel it there."
    ),
    ("differs", "price"): (
        "The store no longer accepts the price: the next delivery turns it into a rejection; "
        "follow its advice."
    ),
    ("differs", "line"): "The order is not exported in its current status: correct it at the OMS.",
    ("differs", "order"): "The order is not exported in its current status: correct it at the OMS.",
}
"""Advice for drifts that an operator must correct, by class and entity."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between the expected order at the OMS and the one found there."""

    field: str
    expected: str = ""
    found: str = ""
    line_id: str = ""
    """The order line; empty for the order itself."""
    kind: DriftClass = DIFFERS
    can_repair: bool = True


@dataclass(frozen=True, slots=True)
class OrderOrigin:
    """The order of the store that an order at the OMS claims to be."""

    order_id: str
    source_id: str
    """The store's order id."""
    is_own_id: bool
    """Whether the id at the OMS is the connection's id for that order; otherwise a duplicate."""
    is_canceled: bool


@dataclass(frozen=True, slots=True)
class StoreSnapshot:
    """The state of an order's fulfilment in the store's own document."""

    status: str
    """The store's status id as text."""
    is_final: bool
    is_archived: bool
    shipped_units: int
    milestone: Milestone | None
    """The milestone that the status stands for; ``None`` if it is not about fulfilment."""
    number: str = ""
    """The order's number, which its id at the OMS is made of; empty if it is unreadable."""
    placed_at: datetime | None = None
    """``None`` if it is unreadable."""

    def is_behind(self, wanted: Milestone, status: str | None) -> bool:
        """Return whether the store must still move to ``status``, its status for ``wanted``.

        If an operator has moved the order further, or to a status that is not about fulfilment, it
        is not a drift.
        """
        if status is None or self.status == status or self.is_final or self.is_archived:
            return False
        return self.milestone is not None and may_move(self.milestone, wanted)


@dataclass(frozen=True, slots=True)
class Drift:
    """One drift; ``stream`` and ``source_id`` identify its record in the ledger."""

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
    """Known start of the drift; ``None``: when it was first found."""
    source_day: date | None = None
    """The partition of its record."""

    @property
    def key(self) -> DriftKey:
        """Return what identifies the drift in the next reconciliation."""
        return self.drift_class, self.entity, self.record, self.field

    @property
    def advice(self) -> str:
        """Return what an operator should do, in one sentence."""
        if self.can_repair:
            return REPAIRABLE.get(
                (self.drift_class, self.entity),
                "Run with --repair: the normal delivery corrects it.",
            )
        return MANUAL.get(
            (self.drift_class, self.entity), "Compare both systems and correct it manually."
        )
