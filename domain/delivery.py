"""Delivery as plain data: operations of a target, intents, claims, and their outcomes.

A stream plans intents, the engine claims them in the ledger, a target's writer applies them and
states for each what the target then holds (docs/delivery.md).
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from uuid import UUID

from domain.errors import LockstepError, Problem, RecordRejected
from domain.exchange import OutcomeUnknown, Receipt, ShipmentRequest
from domain.records.inventory import StockTarget, StoreItem
from domain.records.listings import Listing, NewVariant

OutcomeState = Literal["done", "requested", "partly", "refused", "retry", "unknown", "unsent"]
SUCCESS: frozenset[OutcomeState] = frozenset({"done", "requested", "partly"})


@dataclass(frozen=True, slots=True)
class Operation:
    """How one kind of effect behaves at a target, which decides what may be done with it."""

    repeat: Literal["upsert", "find"] = "upsert"
    """What is done with an effect that is uncertain: it is sent again, or looked for."""
    creates: bool = False
    """It makes a new record at the target: a ledger that may lack effects looks first."""
    replaces: bool = True
    """A later effect on the record leaves nothing of this one, so that the target need not be
    read to know what it holds."""
    commutes: bool = False
    """One that takes effect late undoes nothing that was sent after it."""
    batch: int = 1
    """Intents of one group that a call takes at most."""
    joins: bool = False
    """A call takes it together with others that join, of one record, and takes all or none."""
    concurrency: int = 1
    """Calls of this operation at once; the greatest of a target's operations limits all of them."""

    @property
    def must_be_read(self) -> bool:
        """Return whether only the target itself can show what an uncertain effect has left there.

        Either because later effects don't replace it, or since a creation would overwrite a record
        that a ledger without it does not know.
        """
        return not self.replaces or (self.creates and self.repeat == "upsert")


@dataclass(frozen=True, slots=True)
class Intent:
    """One effect that a target record should have."""

    operation: str
    key: UUID
    """Idempotency key: equal for each attempt of the same effect."""
    target_key: str
    content: Any
    """What the operation needs, as plain data: ``OrderSave``, ``ShipmentRequest``, …"""
    group: str = ""
    """What a call takes together: a location of stock."""
    reads: bool = False
    """The target record is read before it is sent, by what it ``asks``: what it holds decides."""
    asks: Question = ()
    may_exist: bool = False
    """The target may have the effect, so it is looked for before it is sent."""
    is_independent: bool = False
    """A refusal of it keeps none of the record's later intents back."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An intent whose claim is committed."""

    intent: Intent
    correlation_id: str

    @property
    def key(self) -> UUID:
        """Return the idempotency key, for targets that take one."""
        return self.intent.key

    @property
    def content(self) -> Any:
        """Return what is to be sent."""
        return self.intent.content


@dataclass(slots=True)
class Outcome:
    """The outcome of a claimed intent.

    ``partly``: the target took it without the parts that ``problems`` name. ``retry``: nothing
    happened, and trying again may help. ``unknown``: it may have taken effect.
    """

    state: OutcomeState
    target_id: str = ""
    held: Any = None
    """What the target holds now, if that is not what was wanted."""
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    trace_id: str = ""
    error: str = ""
    fault: LockstepError | None = None
    """The error of a failed attempt; a ``PermanentError`` is the whole target's."""
    is_lost: bool = False
    """No answer shows the outcome of a request, or it may still take effect."""
    is_found: bool = False
    """It was not sent: the target had it already."""
    is_dead: bool = False
    """It has no attempts left."""
    refused_lines: tuple[str, ...] = ()
    """Lines of an order that ``partly`` leaves as they were."""

    @property
    def succeeded(self) -> bool:
        """Return whether the target took it, if only in part."""
        return self.state in SUCCESS


@dataclass(frozen=True, slots=True)
class Held:
    """What a target holds of one record, as the target itself shows it."""

    target_id: str
    content: Any = None
    """In the form of the stream's target state."""
    is_canceled: bool = False
    problems: tuple[Problem, ...] = ()
    """Why it can't be read; then there is no content."""
    is_other: bool = False
    """It has the id of an order that was asked for, and none of the lines: another program has made
    it, or it is another order."""


Question: TypeAlias = tuple[Any, ...]
"""The contents that a target record may hold, where its own form can't be read without them."""


@dataclass(frozen=True, slots=True)
class OrderSave:
    """An order to create or change at the OMS."""

    payload: Mapping[str, object]
    """What is sent: all of the order, or what changes with its keys."""
    wanted: Mapping[str, object]
    """What the OMS holds after it."""
    before: Mapping[str, object] | None
    """What the OMS is known to hold; ``None``: it has no such order."""
    encoded: bytes = b""
    """``wanted`` as JSON, if it is what is sent."""


@dataclass(frozen=True, slots=True)
class OrderCancel:
    """An order to cancel at the OMS."""

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class CustomerSave:
    """A customer to create or change at the OMS."""

    customer_id: str
    payload: Mapping[str, object]
    """What is sent: all of the customer, or what changes with its keys."""
    wanted: Mapping[str, object]
    """What the OMS holds after it."""


@dataclass(frozen=True, slots=True)
class ItemSave:
    """An item that the OMS's item master should have."""

    sku: str
    uom: str
    """Its base unit."""
    description: str
    brand: str
    image: str
    attributes: Mapping[str, str]
    """By the OMS's own names."""


@dataclass(frozen=True, slots=True)
class ListingSave:
    """Texts, pictures and categories that a product of the store should have; ``None`` stays."""

    product_id: str
    texts: Mapping[str, str]
    """By the canonical field: ``name``, ``description``, ``warranty``, ``brand``."""
    images: Sequence[str] | None = None
    """All of the product's pictures; ``None``: they stay."""
    skus: Sequence[str] = ()
    """Which the product must sell, or another one is meant."""
    variants: Sequence[NewVariant] = ()
    """Which the product lacks and should have."""
    currency: str = ""
    """Of their prices, as of ``NewListing``."""
    categories: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class NewListing:
    """A product that the store should have, with its variants; it is known by its SKUs."""

    listing: Listing
    currency: str
    """Of its prices, where the store's prices have several; empty: the store's own."""
    is_visible: bool
    """Whether shoppers see it at once."""
    counts_stock: bool


@dataclass(frozen=True, slots=True)
class NewShipment:
    """A shipment to create in the store."""

    name: str
    """Of the parcel, in the target state."""
    request: ShipmentRequest
    numbers: frozenset[str] = field(default_factory=frozenset)
    """Tracking numbers of the order's parcels: a shipment with another parcel's is not this one."""


@dataclass(frozen=True, slots=True)
class ShipmentChange:
    """New tracking of a shipment that the store has."""

    name: str
    """Of the parcel, in the target state."""
    shipment_id: str
    request: ShipmentRequest


@dataclass(frozen=True, slots=True)
class ShipmentRemoval:
    """A shipment to take back in the store: the OMS has canceled its parcel."""

    name: str
    """Of the parcel, in the target state."""
    order_id: str
    shipment_id: str


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The status that an order of the store should show."""

    order_id: str
    status: str
    is_restored: bool = False
    """It is the merchant's own, which a shipment has moved."""
    is_noted: bool = False
    """Only the store's history of the order gets it; the order's status stays as it is."""


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A stock level to set in the store."""

    target: StockTarget
    item: StoreItem


async def outcome_of(effect: Awaitable[Receipt]) -> Outcome:
    """Await one write and return its outcome; an unforeseen error is raised."""
    try:
        return succeeded(await effect)
    except LockstepError as error:
        return failed(error)


def failed(error: LockstepError) -> Outcome:
    """Return the outcome of a write that ended in an error."""
    if isinstance(error, RecordRejected):
        return Outcome("refused", problems=error.problems, error=str(error))
    if isinstance(error, OutcomeUnknown):
        return Outcome("unknown", error=str(error), fault=error, is_lost=True)
    return Outcome("retry", error=str(error), fault=error)


def succeeded(receipt: Receipt) -> Outcome:
    """Return the outcome of a write that was answered."""
    state: OutcomeState = "partly" if receipt.refused else receipt.state
    return Outcome(
        state,
        receipt.target_id,
        receipt.held,
        problems=receipt.refused,
        warnings=receipt.warnings,
        trace_id=receipt.trace_id,
        refused_lines=receipt.refused_lines,
    )
