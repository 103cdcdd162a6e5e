"""Agents' actions: each request has an outcome, and what is done stays done (docs/actions.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from tests.model.facts import Asked
from tests.model.life import Json, Life
from tests.model.promises.both import Both, both
from tests.model.promises.neutral import ordered, ordered_at_oms

OUTCOMES = "SELECT action_id, state, code FROM sync.action_outcome"
CAPTURED = "SELECT DISTINCT source_id FROM sync.capture WHERE stream = 'actions'"
EDITS = frozenset(
    {"change_units", "add_line", "remove_line", "refund_units", "refund_all", "move_units"}
)
MOVES = frozenset({"move_house", "freeze"})
HELD = "1000"


def check(life: Life) -> Iterator[str]:
    """Return each request without an outcome, and each order that an action has left otherwise."""
    if not life.facts.asked:
        return
    found = both(life)
    captured = {name for (name,) in life.world.database.rows(CAPTURED)}
    states = {name: (state, code) for name, state, code in life.world.database.rows(OUTCOMES)}
    for number in sorted({one.number for one in life.facts.asked}):
        asked = [one for one in life.facts.asked if one.number == number]
        known = [one for one in asked if one.action_id in captured]
        yield from _outcomes(found, number, known, states)
        if len(known) == len(asked) and number not in life.facts.unsure:
            yield from _effects(found, number, known, states)


def _outcomes(
    found: Both, number: int, asked: Sequence[Asked], states: dict[str, tuple[str, str]]
) -> Iterator[str]:
    held = found.oms.get(str(number))
    is_open = {states.get(one.action_id, ("none", ""))[0] for one in asked}
    for one in asked:
        state, code = states.get(one.action_id, ("none", ""))
        if (
            found.open["actions", one.action_id]
            or (
                "actions",
                one.action_id,
            )
            in found.life.facts.discarded
        ):
            continue
        name = f"{number} {one.action_id} ({one.kind})"
        if state == "none":
            yield f"action_lost: {name} has no outcome"
        elif state == "waiting" and held is not None and "requested" not in is_open:
            yield f"action_waits: {name} waits, and its order is at the OMS"
        elif state == "waiting" and str(number) not in found.store:
            yield f"action_waits: {name} waits for an order that does not exist"
        elif state == "refused" and not code:
            yield f"action_unexplained: {name} is refused without a reason"
        elif state == "done" and one.fields.get("permission_set"):
            yield f"action_unpermitted: {name} was carried out"


def _effects(
    found: Both, number: int, asked: Sequence[Asked], states: dict[str, tuple[str, str]]
) -> Iterator[str]:
    held, order = found.oms.get(str(number)), found.store.get(str(number))
    ends = {one.action_id: states.get(one.action_id, ("none", ""))[0] for one in asked}
    if held is None or order is None or not set(ends.values()) <= {"done", "refused", "invalid"}:
        return
    done = [one for one in asked if ends[one.action_id] == "done"]
    if any(one.kind == "cancel" and "line" not in one.fields for one in done):
        if not held["canceled"]:
            yield f"action_undone: {number} was canceled by an agent, and the OMS ships it"
        return
    if held["canceled"] or order["canceled"] or found.reasons(str(number)):
        return
    happened, facts = found.life.happened[number], found.life.facts
    # The store counts what Lockstep refunds for a return as if it were taken off the order.
    others = facts.canceled_at_oms | facts.returned | facts.corrected
    if not happened & EDITS and number not in others:
        yield from _units(found, number, done)
    if found.life.world.pair.oms == "manhattan":
        document = found.life.world.ask_oms(f"effects/order/{held['id']}")["order"]
        yield from _hold(number, done, document)
        if not happened & MOVES and not held["parcels"]:
            yield from _address(number, done, document)


def _units(found: Both, number: int, done: Sequence[Asked]) -> Iterator[str]:
    order, held = found.store[str(number)], found.oms[str(number)]
    factor = partial(found.life.world.factor, number=number)
    wanted = ordered(found.life, order)
    for line in order["lines"]:
        cancels = [
            one for one in done if one.kind == "cancel" and one.fields["line"] == line["line"]
        ]
        off = sum(int(one.fields.get("quantity", line["quantity"])) for one in cancels)
        units = min(off, int(line["quantity"])) * factor(line["sku"])
        wanted[line["sku"]] -= units
    units_there = ordered_at_oms(held)
    if +wanted != +units_there:
        yield (
            f"action_units: {number}: {dict(Counter(+wanted))} are left by the agents, "
            f"the OMS has {dict(units_there)}"
        )


def _hold(number: int, done: Sequence[Asked], document: Json) -> Iterator[str]:
    wanted = False
    for one in done:
        wanted = one.kind == "hold" or (wanted and one.kind != "release")
    is_held = any(row["StatusId"] == HELD for row in document.get("OrderHold") or ())
    if is_held != wanted:
        yield f"action_hold: {number} should {'' if wanted else 'not '}be held by agents"


def _address(number: int, done: Sequence[Asked], document: Json) -> Iterator[str]:
    routed = [one.fields["address"]["street_1"] for one in done if one.kind == "reroute"]
    streets = {
        line["ShipToAddress"]["Address"].get("Address1")
        for line in document["OrderLine"]
        if line["DeliveryMethod"]["DeliveryMethodId"] != "Email" and not line["IsCancelled"]
    }
    if routed and streets - {routed[-1]}:
        yield f"action_address: {number} was rerouted to {routed[-1]}, the OMS has {streets}"
