"""Advances the tenant's day: every eligible order moves on, with splits and cancellations by rate.

What happens to an order depends only on the seed, its id and its progress, so a run is repeatable.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.oms.manhattan.book import OrderRecord
from sandbox.oms.manhattan.cancels import cancel_lines, decide_late_cancel
from sandbox.oms.manhattan.fulfilment import STEPS, count_released, deliver
from sandbox.oms.manhattan.orders import is_held
from sandbox.oms.manhattan.shipping import Portion, parcels_of, ship, shippable, split, take_units
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.statuses import BACK_ORDERED, CANCELED, DELIVERED, RELEASED, units_of
from sandbox.oms.manhattan.stock import as_number

Json = dict[str, Any]

TARGETS = (*STEPS, "ship", "deliver", "day")
_REASON = "Out Of Stock"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to advance; the rates are shares of orders."""

    to: str = "day"
    seed: int = 0
    split_rate: float = 0.2
    partial_rate: float = 0.1
    cancel_rate: float = 0.05
    no_carrier_rate: float = 0.2
    late_accept_rate: float = 0.5

    def chance(self, what: str, order: Json) -> Random:
        """Return the random generator of one decision about one order in its current state."""
        return Random(
            f"{self.seed}:{what}:{order['OrderId']}:{len(order.get('OrderTrackingInfo') or ())}"
        )


def advance(state: State, plan: Plan, order_ids: list[str] | None) -> Counter[str]:
    """Advance the named orders (None = all) and count what happened.

    Raises KeyError for an unknown order, ValueError for an unknown step.
    """
    if plan.to not in TARGETS:
        raise ValueError(f"unknown step {plan.to!r}; known: {', '.join(TARGETS)}")
    records = (
        [state.book.records[i] for i in order_ids]
        if order_ids is not None
        else list(state.book.records.values())
    )
    counts: Counter[str] = Counter()
    for record in records:
        if record.min_status < DELIVERED:
            _advance(state, plan, record, counts)
    return +counts


def _advance(state: State, plan: Plan, record: OrderRecord, counts: Counter[str]) -> None:
    order = record.load()
    if order.get("IsConfirmed") is False or is_held(order):
        counts["held"] += 1
        return
    now = state.clock.now()
    moved = False
    if plan.to == "day":
        # Leftovers of earlier days first: parcels arrive, requested cancellations are decided.
        moved = _delivered(state, order, now, counts)
        moved |= _late_cancels(plan, order, counts)
    moved |= _canceled(state, plan, order, counts)
    for name, step in STEPS.items():
        if name == "process" and plan.to != "process":
            continue
        if step(state, order, now):
            moved = True
            counts[name] += 1
        if name == plan.to:
            break
    if plan.to in ("ship", "deliver", "day"):
        moved |= _shipped(state, plan, order, now, counts)
    if plan.to == "deliver":
        moved |= _delivered(state, order, now, counts)
    if moved:
        counts["orders"] += 1
        state.commit(order)


def _delivered(state: State, order: Json, now: str, counts: Counter[str]) -> bool:
    moved = deliver(state, order, now)
    counts["deliver"] += moved
    return moved


def _late_cancels(plan: Plan, order: Json, counts: Counter[str]) -> bool:
    if order.get("PostReleaseModificationStatus") != "Requested":
        return False
    accepted = plan.chance("late", order).random() < plan.late_accept_rate
    counts["late_cancels_accepted" if accepted else "late_cancels_rejected"] += 1
    return decide_late_cancel(order, accepted=accepted) > 0


def _canceled(state: State, plan: Plan, order: Json, counts: Counter[str]) -> bool:
    """Cancel the order or one of its lines before release, as an OMS without stock does."""
    if any(
        status >= RELEASED and status != CANCELED
        for line in order["OrderLine"]
        for status, _ in units_of(line)
    ):
        return False
    live = [line for line in order["OrderLine"] if not line["IsCancelled"]]
    dice = plan.chance("cancel", order)
    if not live or order.get("OrderTrackingInfo") or dice.random() >= plan.cancel_rate:
        return False
    if len(live) > 1 and len(live) == len(order["OrderLine"]) and dice.random() < 0.5:
        chosen = [dice.choice(live)["OrderLineId"]]
        counts["canceled_lines"] += 1
    elif len(live) == len(order["OrderLine"]):
        chosen = None
        counts["canceled_orders"] += 1
    else:
        return False
    cancel_lines(state, order, chosen, {"ReasonId": _known_reason(state)}, "No stock")
    return True


def _known_reason(state: State) -> str | None:
    known = [
        entry["ReasonId"]
        for entry in state.settings.reasons
        if entry.get("ReasonTypeId") == "Cancel"
    ]
    return _REASON if _REASON in known else next(iter(known), None)


def _shipped(state: State, plan: Plan, order: Json, now: str, counts: Counter[str]) -> bool:
    portions = shippable(order)
    if not portions:
        return False
    dice = plan.chance("ship", order)
    if dice.random() < plan.partial_rate:
        kept = _back_order(order, portions)
        counts["partial"] += kept
    groups = split(portions) if dice.random() < plan.split_rate else [portions]
    counts["split"] += len(groups) > 1
    packages = [parcels_of(group, dice, plan.no_carrier_rate) for group in groups]
    counts["packages"] += ship(state, order, packages, now)
    counts["ship"] += 1
    return True


def _back_order(order: Json, portions: list[Portion]) -> bool:
    """Back-order the last portion, or half of the only one, so that it ships on a later day."""
    last = portions[-1]
    kept = last.quantity if len(portions) > 1 else last.quantity // 2
    if kept < 1:
        return False
    count_released(order, last.unit, "CancelledQuantity", Decimal(kept))
    take_units(last.line, last.unit, kept)
    last.line["QuantityDetail"].append({"StatusId": str(BACK_ORDERED), "Quantity": as_number(kept)})
    last.quantity -= kept
    if last.quantity == 0:
        portions.pop()
    return True
