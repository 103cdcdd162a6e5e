"""The state machine of milestones, for any sequence of events."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.milestones import MOVES, ORDER_OF_STAGES, PARTIAL, STAGES, Milestone, may_move, rollup

milestones = st.sampled_from(list(Milestone))
quantities = st.decimals(min_value=0, max_value=100, places=2)
units = st.dictionaries(st.sampled_from([*STAGES, Milestone.CANCELED]), quantities)


def _follow(events: list[Milestone]) -> list[Milestone]:
    """Return the states of an order as the events arrive."""
    state: Milestone | None = None
    taken = []
    for event in events:
        if may_move(state, event):
            state = event
            taken.append(event)
    return taken


def test_every_milestone_has_its_moves() -> None:
    """The table has all milestones, and only milestones."""
    assert set(MOVES) == set(Milestone)
    assert all(target in Milestone for targets in MOVES.values() for target in targets)


@given(st.lists(milestones))
def test_an_order_never_moves_backward(events: list[Milestone]) -> None:
    """Events in any order only move it forward; a cancellation leaves the stages."""
    stages = [state for state in _follow(events) if state is not Milestone.CANCELED]
    ranks = [ORDER_OF_STAGES.index(state) for state in stages]
    assert ranks == sorted(set(ranks))


@given(st.lists(milestones))
def test_a_canceled_order_stays_canceled(events: list[Milestone]) -> None:
    """Nothing follows a cancellation, and a partly shipped order can't be canceled whole."""
    taken = _follow(events)
    if Milestone.CANCELED in taken:
        assert taken[-1] is Milestone.CANCELED
        gone = ORDER_OF_STAGES[ORDER_OF_STAGES.index(Milestone.PARTIALLY_SHIPPED) :]
        assert not set(taken) & set(gone)


@given(st.lists(milestones, min_size=1))
def test_duplicated_events_change_nothing(events: list[Milestone]) -> None:
    """Repeating each event or the whole history gives the same state."""
    taken = _follow(events)
    assert _follow([event for event in events for _ in range(2)]) == taken
    assert _follow(events + taken) == taken


@given(milestones)
def test_no_milestone_moves_to_itself(milestone: Milestone) -> None:
    """A repeated state is not a move, so nothing is sent."""
    assert not may_move(milestone, milestone)
    assert may_move(None, milestone)


@given(units)
def test_the_furthest_live_unit_names_the_milestone(held: dict[Milestone, Decimal]) -> None:
    """Whole if all are at one stage, partial if some are behind, canceled if there are none."""
    live = [
        stage
        for stage, quantity in held.items()
        if quantity > 0 and stage is not Milestone.CANCELED
    ]
    found = rollup(held)
    if not live:
        assert found is (
            Milestone.CANCELED if held.get(Milestone.CANCELED, 0) > 0 else Milestone.CREATED
        )
    else:
        furthest = max(live, key=STAGES.index)
        assert found in (furthest, PARTIAL.get(furthest))
        assert (found is furthest) == (len(live) == 1)


@given(units, st.decimals(min_value=1, max_value=9, places=0))
def test_the_milestone_does_not_depend_on_scale_or_on_canceled_rest(
    held: dict[Milestone, Decimal], factor: Decimal
) -> None:
    """Nor on stages without units; canceled units don't hold the others back."""
    assert rollup({stage: quantity * factor for stage, quantity in held.items()}) is rollup(held)
    assert rollup(held | {stage: held.get(stage, Decimal(0)) for stage in STAGES}) is rollup(held)
    if any(quantity > 0 for stage, quantity in held.items() if stage is not Milestone.CANCELED):
        assert rollup(held | {Milestone.CANCELED: Decimal(1)}) is rollup(held)


@given(st.lists(st.sampled_from(STAGES[:-1]), min_size=1, max_size=6), st.data())
def test_units_that_go_forward_never_move_the_order_back(
    stages: list[Milestone], data: st.DataObject
) -> None:
    """Units move on by a stage, one at a time: the order only moves as the table allows."""
    standing = [STAGES.index(stage) for stage in stages]
    state = rollup({STAGES[rank]: Decimal(standing.count(rank)) for rank in set(standing)})
    for _ in range(8):
        chosen = data.draw(st.integers(0, len(standing) - 1))
        standing[chosen] = min(standing[chosen] + 1, len(STAGES) - 1)
        now = rollup({STAGES[rank]: Decimal(standing.count(rank)) for rank in set(standing)})
        assert now is state or may_move(state, now)
        state = now
