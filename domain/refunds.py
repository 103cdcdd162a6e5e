"""Refunds and returned units as plain data: what is asked for, and what a store or service has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from domain.errors import PermanentError, Problem, RecordRejected
from domain.exchange import ShipmentLine

ZERO = Decimal(0)
NOT_APPROVED = "refund_not_approved"
DECLINED = "refund_declined"
PARTS = "+"
"""Between the ids of the parts of a refund that is divided over several payments."""
GONE = "the payment service no longer has it"
"""Why a refund that was pending counts as declined: the outcome of its payment can't be known."""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Units of an order whose price goes back to the shopper."""

    order_id: str
    """The store's order id."""
    return_id: str
    lines: tuple[ShipmentLine, ...]
    """The store's order lines, with units in the store's unit."""
    ceiling: Decimal | None
    """The largest amount that may go out, ``None``: any. More is refused as
    ``refund_not_approved``, with the amount and its currency as the value."""
    currency: str
    amount: Decimal | None = None
    """What the lines are worth by the order's prices, for a service that quotes nothing."""

    def units(self) -> dict[str, int]:
        """Return line id -> units."""
        return {line.line_id: line.quantity for line in self.lines}

    def priced_amount(self) -> Decimal:
        """Return the amount that a service which quotes nothing is asked for.

        Raises ``RecordRejected`` for more than is refunded without approval.
        """
        if self.amount is None:
            raise PermanentError("a refund without an amount can't be requested")
        if (excess := self.excess(self.amount)) is not None:
            raise RecordRejected(excess)
        return self.amount

    def excess(self, amount: Decimal) -> Problem | None:
        """Return why an amount may not go out without approval; ``None`` if it may."""
        if self.ceiling is None or amount <= self.ceiling:
            return None
        value = f"{amount} {self.currency}"
        return Problem(
            NOT_APPROVED,
            "amount",
            f"The return {self.return_id} of order {self.order_id} is worth {value}, and up to "
            f"{self.ceiling} {self.currency} is refunded without approval.",
            "Approve it with 'lockstep rejections retry ID --reason TEXT', or refund it without "
            "Lockstep and discard this rejection. For later returns see returns.limits.",
            value,
        )


@dataclass(frozen=True, slots=True)
class StoreRefund:
    """A refund that a payment service has of an order."""

    refund_id: str
    units: Mapping[str, int]
    """Line id -> units; empty for a refund of an amount alone."""
    amount: Decimal
    return_id: str = ""
    """The return that it was made for; empty if none is noted on it."""
    key: str = ""
    """The idempotency key of the delivery that created it, likewise."""
    declined: str = ""
    """Why a payment provider has declined it; empty if none has."""
    is_pending: bool = False
    """The provider has neither paid nor declined it yet."""
    unassigned: Decimal = ZERO
    """What of the amount is for the order's goods, and says not for which units."""
    missing: Decimal = ZERO
    """Of a refund that is divided over several payments, what none of them gives back yet."""

    @property
    def is_paid(self) -> bool:
        """Return whether the shopper has the money."""
        return not (self.declined or self.is_pending)

    def declined_of(self, order_id: str) -> Problem:
        """Return the problem of a declined refund, of the store's order ``order_id``."""
        message = (
            f"The store's order {order_id} has the refund {self.refund_id} of {self.amount}, but "
            f"the payment provider declined it: {self.declined}."
        )
        advice = (
            "Pay the shopper by hand or retry the payment in the store, then discard this "
            "rejection."
        )
        if self.declined == GONE:
            message = (
                f"Whether the refund {self.refund_id} of {self.amount} of the store's order "
                f"{order_id} was paid is unknown: {self.declined}."
            )
            advice = (
                "Check at the payment service that made it (history.refunds) whether the shopper "
                "has the money; if not, pay by hand. Then discard this rejection."
            )
        return Problem(DECLINED, "payments", message, advice, self.refund_id)


def joined(refunds: Iterable[StoreRefund], keys: Collection[str]) -> tuple[StoreRefund, ...]:
    """Return refunds with the parts of those with ``keys`` as one; each part names all units."""
    found: dict[str, StoreRefund] = {}
    for refund in refunds:
        name = refund.key if refund.key in keys else f" {len(found)}"
        first = found.get(name)
        found[name] = refund if first is None else _both(first, refund)
    return tuple(found.values())


def _both(one: StoreRefund, other: StoreRefund) -> StoreRefund:
    total = max(one.amount + one.missing, other.amount + other.missing)
    amount = one.amount + other.amount
    return replace(
        one,
        refund_id=f"{one.refund_id}{PARTS}{other.refund_id}",
        amount=amount,
        declined=one.declined or other.declined,
        is_pending=one.is_pending or other.is_pending,
        missing=max(total - amount, ZERO),
    )


@dataclass(frozen=True, slots=True)
class OrderRefunds:
    """What a payment service says of the refunds of one order now."""

    order_id: str
    refunds: tuple[StoreRefund, ...]
    unshipped: Mapping[str, int] = field(default_factory=dict)
    """Line id -> units that the store shows as not shipped: a refund of them is not a return's."""
    shipped: Mapping[str, int] = field(default_factory=dict)
    """Line id -> units that it shows as shipped, wherever it states any as not shipped."""
    ordered: Mapping[str, int] = field(default_factory=dict)
    """Line id -> units as placed, in a store whose refunds of unshipped units reduce the order."""


@dataclass(frozen=True, slots=True)
class ReturnedUnits:
    """Units of one line of the store's order that came back; all of them cumulative."""

    line_id: str
    arrived: int
    confirmed: int
    """Of ``arrived``, those whose disposition the OMS has confirmed."""
    refunded: int
    """Of ``arrived``, those for which the shopper has the money."""
    condition: str = ""
    reason: str = ""
    expected: int = 0
    """All units that are not canceled, ``arrived`` included; 0 in a store that shows no announced
    ones."""


@dataclass(frozen=True, slots=True)
class ReturnRecord:
    """What a store's order should show of one return."""

    order_id: str
    """The store's order id."""
    return_id: str
    lines: tuple[ReturnedUnits, ...]
    tracking_number: str = ""
    is_refunded: bool = True
    """The shopper gets money back. False for an exchange."""
    is_separate: bool = False
    """An operator says that what the store shows of the lines already is another return."""
