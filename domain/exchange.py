"""Values that pass through the ports: records of a source, receipts of a target, shipments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec

from domain.errors import LockstepError, Problem, TransientError
from domain.identity import content_digest
from domain.milestones import Milestone
from domain.parsing.text import printable
from domain.records.inventory import StockTarget

LONGEST_REASON = 300
WARNING = "WARNING: "
T = TypeVar("T")


class OutcomeUnknown(TransientError):
    """The request may have taken effect although no answer came: look it up before a retry."""


class RawRecord(msgspec.Struct, frozen=True):
    """One version of one source record, exactly as the source sent it."""

    source_id: str
    updated_at: datetime
    """The source's modification time, aware UTC."""
    payload: bytes
    content: bytes | None = None
    """What makes two versions differ, if that is not the whole payload (a snapshot that also
    says when it was taken)."""

    @property
    def digest(self) -> bytes:
        """Return the digest of what makes two versions differ."""
        return content_digest(self.payload if self.content is None else self.content)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that a named rule keeps from the target; not a fault.

    The reason may quote the record, so it is limited to one printable line.
    """

    rule: str
    reason: str

    def __post_init__(self) -> None:
        if len(self.reason) > LONGEST_REASON or not self.reason.isprintable():
            object.__setattr__(self, "reason", printable(self.reason, LONGEST_REASON))


class SourcePaths(NamedTuple):
    """Paths in an order's document, for problems that the rules find in the mapped order.

    One for each group, of the value that names its method or location, and one for each line, of
    its price. ``nodes``, where there are any: for each line, of what names where it ships from.
    """

    groups: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()


NO_PATHS = SourcePaths()


class Mapped(msgspec.Struct, Generic[T], frozen=True):
    """A canonical record, with warnings about what was normalised on the way."""

    record: T
    warnings: tuple[Problem, ...] = ()
    paths: SourcePaths = NO_PATHS


@dataclass(frozen=True, slots=True)
class Receipt:
    """The target's answer to a write that took effect."""

    target_id: str
    state: Literal["done", "requested"] = "done"
    """``requested``: taken, but the outcome arrives later (a late cancellation)."""
    warnings: tuple[Problem, ...] = ()
    trace_id: str = ""
    refused: tuple[Problem, ...] = ()
    """What the target refused of the write, where it took the rest."""
    refused_lines: tuple[str, ...] = ()
    """Lines of the order that were refused."""
    held: object = None
    """What the target holds, if that is not what was sent."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP exchange that changes a target, for ``sync.message_log``; status 0: no answer."""

    at: datetime
    system: str
    method: str
    endpoint: str
    status: int
    milliseconds: float
    attempt: int
    correlation_id: str
    trace_id: str = ""
    error: str = ""
    """Redacted excerpt of an error body; empty on success."""
    is_lost: bool = False
    """No answer shows whether the request took effect, or it may still do so."""


ExchangeLog: TypeAlias = Callable[[Exchange], None]
exchange_log: ContextVar[ExchangeLog | None] = ContextVar("exchange_log", default=None)
"""Takes the exchanges of clients that have no log of their own: of reports, and of webhooks."""


def _allowed() -> None:
    """Let each effect happen: nothing says who may write."""


before_effect: ContextVar[Callable[[], None]] = ContextVar("before_effect", default=_allowed)
"""Called before each attempt of whatever changes a target; raises what the attempt ends with.

A process may be frozen between two attempts, or between a look and the write that follows from it:
when it wakes up, another one has sent a newer version.
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a preflight: what was checked, whether it holds, and what to do if not."""

    name: str
    ok: bool
    detail: str
    """Starts with ``WARNING`` where the connection works, and someone should know of it."""
    advice: str = ""

    @property
    def result(self) -> Literal["ok", "warning", "FAILED"]:
        """Return the result as it is shown."""
        if not self.ok:
            return "FAILED"
        return "warning" if self.detail.startswith(WARNING) else "ok"

    @property
    def shown(self) -> str:
        """Return the detail without ``WARNING``, which the result beside it says."""
        return self.detail.removeprefix(WARNING)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert: title, a sentence or two, and facts for routing; never personal data."""

    title: str
    text: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MasterItem:
    """An item of the OMS's item master."""

    sku: str
    uom: str
    description: str = ""
    uoms: tuple[str, ...] = ()
    """All units that the item can be ordered in, ``uom`` among them; empty if unknown."""


@dataclass(frozen=True, slots=True)
class ShipmentLine:
    """Units of one store order line in a shipment to create."""

    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ShipmentRequest:
    """A shipment to create at the store: one parcel's lines that belong to one fulfilment group."""

    order_id: str
    """The store's order id."""
    group_id: str
    """The store's order address (consignment)."""
    lines: tuple[ShipmentLine, ...]
    tracking_number: str = ""
    carrier: str | None = None
    """Our courier code; the connector maps it to the store's."""
    service: str = ""
    carrier_name: str = ""
    """The carrier as the OMS names it: what a store shows that has no code for it."""


@dataclass(frozen=True, slots=True)
class StoreShipment:
    """A shipment that the store holds."""

    shipment_id: str
    group_id: str
    tracking_number: str
    lines: tuple[ShipmentLine, ...]
    key: str = ""
    """The idempotency key of the delivery that created it, where the store keeps one."""


@dataclass(frozen=True, slots=True)
class StoreOrderState:
    """What the store says of one order now."""

    order_id: str
    status: str
    """The store's status id as text."""
    is_final: bool
    """True where the store's status must not be moved by fulfilment any more (canceled, refunded,
    declined)."""
    is_reserved: bool = False
    """True where the status says something else than fulfilment does (disputed, refunded), so that
    a merchant's decision would be lost if it were overwritten."""
    milestone: Milestone | None = None
    """The milestone that the status shows; ``None`` if it is not about fulfilment."""
    shipped_units: int = 0
    """Units in the order's shipments, by the store's own count."""


@dataclass(frozen=True, slots=True)
class StockAnswer:
    """The outcome of one target of a stock batch: written, or why not."""

    target: StockTarget
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A webhook's event: a record may have changed; what changed is read from the source."""

    event_id: str
    """Equal for each repetition of one event; printable ASCII, at most 200 characters."""
    stream: str
    source_id: str
    scope: str
    """The sender's own name of the kind of event."""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message of a system's queue of events, handed out again until it is acknowledged."""

    receipt: str
    """By which it is acknowledged."""
    events: tuple[WebhookEvent, ...] = ()
    """Empty where no stream uses what it reports."""
    unread: UnreadEvent | None = None
    """What of it can't be read; it is kept for the operator, and taken off the queue."""


@dataclass(frozen=True, slots=True)
class UnreadEvent:
    """A message of a queue whose event can't be read."""

    message_id: str
    """Equal each time that the message is handed out."""
    problem: str
    """Why, without any of its content."""
    body: bytes


class WebhookRefused(LockstepError):
    """A webhook that is not taken in; the message holds nothing of its content.

    ``unsigned``, ``stale`` and ``forged`` are the sender's credentials, ``foreign`` is a good
    signature for another store, ``malformed`` a body that does not have the documented shape.
    """

    def __init__(
        self, reason: Literal["unsigned", "stale", "forged", "foreign", "malformed"], message: str
    ) -> None:
        super().__init__(message)
        self.reason = reason
