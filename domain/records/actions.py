"""The canonical request of a service agent to change an order at the OMS, and what it has changed.

A request is made once and never changes; its outcome is in the ledger. Its amendment is what
the order's later versions must respect: see ``domain.rules.amendments``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, TypeAlias

from msgspec.structs import replace

from domain.addressing.addresses import Address
from domain.identity import content_digest
from domain.records.record import (
    Record,
    check_keys,
    check_moment,
    check_quantity,
    encode_record,
)
from domain.values import Key, PositiveQuantity, Quantity, UtcDatetime

ActionKind: TypeAlias = Literal["cancel", "hold", "release", "reroute"]
Permission: TypeAlias = Literal[
    "cancel_order", "cancel_line", "hold", "release", "reroute_address", "reroute_node"
]
"""What an agent may be allowed to do."""
OutcomeState: TypeAlias = Literal[
    "waiting", "requested", "done", "partly", "refused", "failed", "invalid"
]
"""``requested``: the OMS decides later. ``failed``: an operator has to look at its rejection.
``invalid``: the request can't be read; its rejection says why."""
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)
FINAL: frozenset[OutcomeState] = frozenset({"done", "partly", "refused"})


class ActionRequest(Record, frozen=True, kw_only=True):
    """What one agent has asked for."""

    action_id: Key
    """Unique in its connection; the same id is the same request, however often it arrives."""
    source_id: Key
    """The order's id at the store, as far as it could be resolved."""
    kind: ActionKind
    line_id: Key | None = None
    """The order line to cancel; ``None``: all of the order."""
    quantity: PositiveQuantity | None = None
    """Units of the line to cancel, in the store's unit; ``None``: all that is left of it."""
    hold: Key = ""
    """The OMS's hold type id; empty: the connection's own."""
    address: Address | None = None
    """Where a reroute sends what has not left; parts that it lacks are kept."""
    node: Key = ""
    """The OMS's location that a reroute ships from."""
    comment: str = ""
    requested_by: Key
    """Who asked, as the store or the command line identifies them; no name."""
    permission_set: Key
    requested_at: UtcDatetime

    def __post_init__(self) -> None:
        check_keys(
            self,
            self.action_id,
            self.source_id,
            self.line_id or "",
            self.hold,
            self.node,
            self.requested_by,
            self.permission_set,
        )
        check_moment(self, "requested_at")
        if self.quantity is not None:
            check_quantity(self, self.quantity, positive=True)

    @property
    def permission(self) -> Permission:
        """Return what its agent must be allowed to do."""
        if self.kind == "cancel":
            return "cancel_order" if self.line_id is None else "cancel_line"
        if self.kind == "reroute":
            return "reroute_address" if self.address is not None else "reroute_node"
        return self.kind

    def asks_for(self) -> bytes:
        """Return a digest of who asks for what, by which the same request is recognised.

        Of its order the ledger knows the name, which may be another one by then. A time and a
        permission set may come from the place if it was made, and change without it.
        """
        same = replace(
            self, action_id="", source_id="", comment="", permission_set="", requested_at=UNDATED
        )
        return content_digest(encode_record(same))


class ActionOutcome(Record, frozen=True, kw_only=True):
    """The outcome of a request, as its agent is shown it."""

    action_id: Key
    state: OutcomeState
    code: str = ""
    reason: str = ""
    """One sentence; empty if all was done as asked."""
    correlation_id: str = ""
    """The request's, for the log of what is sent."""


class LineCut(Record, frozen=True, kw_only=True):
    """Units of a line that an agent has canceled, in the OMS's unit."""

    line_id: Key
    before: Quantity
    """What the store's order had of it at that time."""
    left: Quantity
    """What of that the OMS still has to ship."""


class Redirect(Record, frozen=True, kw_only=True):
    """Lines that go to or from another place than the store's order has."""

    line_id: Key
    address: Address | None = None
    replaced: str = ""
    """Digest of the store's address at that time: a later one of the store is newer."""
    node: Key = ""


class Amendment(Record, frozen=True, kw_only=True):
    """What one action has changed of an order beyond what its store says."""

    canceled: bool = False
    cuts: tuple[LineCut, ...] = ()
    holds: tuple[Key, ...] = ()
    released: tuple[Key, ...] = ()
    redirects: tuple[Redirect, ...] = ()
