"""Whether an agent's request is carried out, and what it changes. Pure.

A request is decided once, when it is carried out, by what the connection allows then and by what is
known of the order then; the OMS has the last word. A refusal is final: an agent who still wants it
asks again, with another id, so that no request takes effect long after it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from msgspec.structs import replace

from domain.addressing.addresses import Address
from domain.milestones import ORDER_OF_STAGES, Milestone
from domain.parsing.text import printable
from domain.policies import ActionsPolicy
from domain.records.actions import ActionRequest, Amendment, LineCut, Permission, Redirect
from domain.records.orders import DeliveryMethod, LineKind, Order, OrderLine
from domain.rules.amendments import OF_THE_RECIPIENT, address_digest, amended, holds_of, units_left

WAIT = timedelta(minutes=15)
"""How long a request waits for an order that Lockstep does not know: it may be under way."""
AHEAD = timedelta(minutes=5)
"""How far a request's time may be ahead, of another clock; later ones would outlive limits."""
LONGEST = 80
_SHIPPED = ORDER_OF_STAGES.index(Milestone.SHIPPED)
OF_THE_REST: frozenset[Permission] = frozenset({"hold", "reroute_address", "reroute_node"})
"""What is about units that have not left: once all have, there is nothing to do it with."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is not carried out; both texts are safe to show to agents and operators."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waits:
    """Why a request can't be decided yet."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unneeded:
    """What is asked for is so already."""

    reason: str


Decision: TypeAlias = Amendment | Refused | Waits | Unneeded


@dataclass(frozen=True, slots=True)
class OrderStanding:
    """What is known of an order when a request for it is decided."""

    order: Order | None = None
    """Its newest accepted version as the store has it; ``None``: the ledger has none."""
    amendments: Sequence[Amendment] = ()
    """What agents have changed of it before."""
    is_at_oms: bool = False
    is_canceled: bool = False
    """At the OMS."""
    is_asked_to_cancel: bool = False
    """The OMS has yet to answer whether it cancels it."""
    milestone: Milestone | None = None
    """How far it is at the OMS, as far as that is known."""


def decide(
    request: ActionRequest, policy: ActionsPolicy, standing: OrderStanding, now: datetime
) -> Decision:
    """Return what a request changes, or why it changes nothing."""
    if (refusal := _not_allowed(request, policy, now)) is not None:
        return refusal
    order = standing.order
    if order is None or not standing.is_at_oms:
        return _not_there(request, order, now)
    if standing.is_asked_to_cancel:
        return Waits("The OMS has yet to answer whether it cancels the order.")
    if (canceled := _canceled(request, order, standing)) is not None:
        return canceled
    if (refusal := _too_late(request, policy, standing)) is not None:
        return refusal
    if request.kind == "cancel":
        return _cancel(request, order, standing.amendments)
    if request.kind == "hold":
        return _hold(request, policy, order, standing.amendments)
    if request.kind == "release":
        return _release(request, order, standing.amendments)
    return _reroute(request, order, standing.amendments)


def _not_allowed(request: ActionRequest, policy: ActionsPolicy, now: datetime) -> Refused | None:
    name = printable(request.permission_set, LONGEST)
    allowed = policy.permissions.get(request.permission_set)
    if allowed is None:
        return Refused(
            "action_not_permitted",
            f"The connection has no permission set {name!r} (actions.permissions).",
        )
    if request.permission not in allowed:
        return Refused(
            "action_not_permitted",
            f"The permission set {name!r} does not allow {request.permission}.",
        )
    if request.requested_at - now > AHEAD:
        return Refused("action_of_the_future", "The request is dated in the future.")
    return expired(request, policy, now)


def expired(request: ActionRequest, policy: ActionsPolicy, now: datetime) -> Refused | None:
    """Return why a request is too old to be carried out, whatever it has waited for."""
    text = "The request was not carried out within {}; send it again if it is still wanted."
    is_late = now - request.requested_at > policy.valid_for
    return Refused("action_expired", text.format(_span(policy.valid_for))) if is_late else None


def _canceled(
    request: ActionRequest, order: Order, standing: OrderStanding
) -> Refused | Unneeded | None:
    if standing.is_canceled:
        if request.kind == "cancel":
            return Unneeded("The order is already canceled.")
        return Refused("action_order_canceled", "The order is canceled.")
    if order.canceled and request.permission != "cancel_order":
        return Refused("action_order_canceled", "The order is canceled in the store.")
    # The store's own cancellation may be under way yet, or be refused: an agent's is sent, too.
    return None


def _not_there(
    request: ActionRequest, order: Order | None, now: datetime
) -> Refused | Unneeded | Waits:
    if order is not None and order.canceled:  # it is not sent any more: do not wait
        if request.permission == "cancel_order":
            return Unneeded("The order was canceled in the store before it was sent to the OMS.")
        return Refused(
            "action_order_canceled",
            "The order was canceled in the store before it was sent to the OMS.",
        )
    if order is not None:
        return Waits("The order has not been sent to the OMS yet; the request waits for it.")
    if now - request.requested_at > WAIT:
        return Refused("action_order_unknown", "No order of this connection has this id.")
    return Waits(
        "No order of this connection has this id yet; the request waits for it for a short time."
    )


def _too_late(
    request: ActionRequest, policy: ActionsPolicy, standing: OrderStanding
) -> Refused | None:
    last, now = policy.until.get(request.permission), standing.milestone
    if now in ORDER_OF_STAGES[_SHIPPED:] and request.permission in OF_THE_REST:
        return Refused(
            "action_too_late", f"The order is {now} at the OMS: nothing is left to change."
        )
    if last is None or now is None or now not in ORDER_OF_STAGES or last not in ORDER_OF_STAGES:
        return None
    if ORDER_OF_STAGES.index(now) <= ORDER_OF_STAGES.index(last):
        return None
    return Refused(
        "action_too_late",
        f"The order is {now} at the OMS, and {request.permission} is allowed until {last} "
        "(actions.until).",
    )


def _cancel(
    request: ActionRequest, order: Order, before: Sequence[Amendment]
) -> Amendment | Refused | Unneeded:
    if request.line_id is None:
        return Amendment(canceled=True)
    line = next((one for one in order.lines if one.line_id == request.line_id), None)
    if line is None:
        return Refused("action_line_unknown", "The order has no such line.")
    left = units_left(line, before)
    if left <= 0:
        return Unneeded("The line is already canceled.")
    has_parts = line.quantity % line.factor != 0
    if request.quantity is not None and request.quantity % 1 and not has_parts:
        return Refused("action_quantity_fraction", "The line's units can't be canceled in parts.")
    units = left if request.quantity is None else request.quantity * line.factor
    if units > left:
        return Refused(
            "action_quantity_too_large",
            f"The line has {_units(left / line.factor)} units left, fewer than the request "
            "cancels.",
        )
    cut = LineCut(line_id=line.line_id, before=line.quantity, left=left - units)
    others = (one for one in order.lines if one is not line)
    if not cut.left and not any(units_left(one, before) > 0 for one in others):
        return Amendment(canceled=True)
    return Amendment(cuts=(cut,))


def _hold(
    request: ActionRequest, policy: ActionsPolicy, order: Order, before: Sequence[Amendment]
) -> Amendment | Refused | Unneeded:
    hold = request.hold or policy.hold
    if hold in holds_of(before):
        return Unneeded("The order already has this hold.")
    if hold == order.hold:
        return Refused(
            "action_hold_of_store", "The store's status has set this hold; choose another type."
        )
    return Amendment(holds=(hold,))


def _release(
    request: ActionRequest, order: Order, before: Sequence[Amendment]
) -> Amendment | Refused:
    holds = holds_of(before)
    chosen = tuple(hold for hold in holds if request.hold in ("", hold))
    if chosen:
        return Amendment(released=chosen)
    if order.hold is not None and request.hold in ("", order.hold):
        return Refused(
            "action_hold_of_store",
            "The store's status holds the order: it is released when that status changes.",
        )
    return Refused("action_not_on_hold", "The order has no hold set by an agent.")


def _reroute(
    request: ActionRequest, order: Order, before: Sequence[Amendment]
) -> Amendment | Refused:
    now = _addresses(amended(order, before))
    groups = {group.group_id: group for group in order.groups}
    lines = [line for line in order.lines if _is_sent(line, order)]
    if not lines:
        return Refused("action_nothing_to_reroute", "Nothing in the order is sent to an address.")
    if request.address is None:
        return Amendment(
            redirects=tuple(Redirect(line_id=line.line_id, node=request.node) for line in lines)
        )
    redirects = []
    for line in lines:
        old = groups[line.group_id].address
        redirects.append(
            Redirect(
                line_id=line.line_id,
                address=_completed(request.address, now.get(line.line_id, old)),
                replaced=address_digest(old),
                node=request.node,
            )
        )
    return Amendment(redirects=tuple(redirects))


def _addresses(order: Order) -> dict[str, Address | None]:
    groups = {group.group_id: group for group in order.groups}
    return {line.line_id: groups[line.group_id].address for line in order.lines}


def _is_sent(line: OrderLine, order: Order) -> bool:
    method = next(group.method for group in order.groups if group.group_id == line.group_id)
    return method is DeliveryMethod.SHIP and line.kind is LineKind.PHYSICAL


def _completed(new: Address, old: Address | None) -> Address:
    """Return an address with the old one's recipient if it names none."""
    if old is None:
        return new
    has_name = new.first_name or new.last_name
    names = ("phone_e164", "phone_extension", "phone_raw") if new.phone_raw else ()
    skipped = {*names, *(("first_name", "last_name") if has_name else ())}
    kept = {
        name: getattr(old, name)
        for name in OF_THE_RECIPIENT
        if name not in skipped and not getattr(new, name)
    }
    return replace(new, **kept)


def without_lines(amendment: Amendment, line_ids: Sequence[str]) -> Amendment:
    """Return an amendment without the lines that the OMS has refused to change."""
    return replace(
        amendment,
        cuts=tuple(cut for cut in amendment.cuts if cut.line_id not in line_ids),
        redirects=tuple(one for one in amendment.redirects if one.line_id not in line_ids),
    )


def _units(units: Decimal) -> str:
    return f"{units.normalize():f}"


def _span(span: timedelta) -> str:
    hours = round(span.total_seconds() / 3600)
    return f"{hours} hours" if hours < 72 or hours % 24 else f"{hours // 24} days"
