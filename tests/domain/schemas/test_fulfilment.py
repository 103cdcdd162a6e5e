"""Batch rules of fulfilment: events of lines, and the units of parcels against those ordered."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
from msgspec.structs import replace

from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment, LineProgress, Parcel, ParcelLine, Units
from domain.schemas.batch import failures
from domain.schemas.fulfilment import RULES, FulfilmentEvents, fulfilment_problems

LINE = LineProgress(
    line_id="1",
    sku="MUG",
    ordered=Decimal(3),
    units=(Units(milestone=Milestone.RELEASED, quantity=Decimal(1)),),
)


def _parcel(number: str, units: int, line_id: str = "1") -> Parcel:
    content = ParcelLine(line_id=line_id, sku="MUG", quantity=Decimal(units))
    return Parcel(parcel_id=number, lines=(content,))


def _state(*parcels: Parcel, line: LineProgress = LINE, order_id: str = "W-1") -> Fulfilment:
    return Fulfilment(
        order_id=order_id,
        source_id="1",
        lines=(line,),
        parcels=parcels,
        updated_at=datetime(2026, 3, 19, tzinfo=UTC),
    )


def _codes(*states: Fulfilment) -> dict[int, list[str]]:
    found = fulfilment_problems(states)
    return {row: [problem.code for problem in problems] for row, problems in found.items()}


def test_parcels_of_all_ordered_units_are_good() -> None:
    """Over several parcels, and with none at all; an empty batch too."""
    assert _codes(_state(_parcel("P1", 1), _parcel("P2", 2)), _state(order_id="W-2")) == {}
    assert _codes() == {}


def test_more_units_than_ordered_are_a_problem_of_their_order() -> None:
    """The parcels of an order are added up."""
    good = _state(_parcel("P0", 3), order_id="W-0")
    assert _codes(good, _state(_parcel("P1", 2), _parcel("P2", 2))) == {
        1: ["shipped_above_ordered"]
    }


def test_a_parcel_with_a_line_of_another_order_is_a_problem() -> None:
    """It is not compared with an ordered quantity, since there is none."""
    assert _codes(_state(_parcel("P1", 1, line_id="9"))) == {0: ["parcel_line_unknown"]}


def test_the_same_event_twice_is_a_problem_of_both_rows() -> None:
    """A parcel that is listed twice would be counted twice."""
    assert _codes(_state(_parcel("P1", 1), _parcel("P1", 1))) == {0: ["event_duplicate"] * 2}


def test_events_that_the_record_refuses_are_problems_of_the_frame_too() -> None:
    """The batch rules are the second line of defence."""
    frame = pd.DataFrame(
        {"event_key": ["a", "b"], "milestone": ["shipped", "teleported"], "quantity": [0, 10_000]}
    )
    found = failures(FulfilmentEvents, frame, RULES)
    assert [found[row][0].code for row in (0, 1)] == ["event_quantity", "milestone_unknown"]


def test_the_milestone_of_an_order_is_that_of_its_units() -> None:
    """Over all of its lines: one released and one shipped unit are a partly shipped order."""
    shipped = replace(
        LINE, line_id="2", units=(Units(milestone=Milestone.SHIPPED, quantity=Decimal(1)),)
    )
    assert _state().milestone() is Milestone.RELEASED
    assert replace(_state(), lines=(LINE, shipped)).milestone() is Milestone.PARTIALLY_SHIPPED


def test_lines_that_are_not_shipped_count_only_where_nothing_else_is_left() -> None:
    """A download neither ships an order nor keeps it from being shipped or canceled with it."""

    def state(goods: Milestone, download: Milestone) -> Fulfilment:
        lines = (
            replace(LINE, units=(Units(milestone=goods, quantity=Decimal(1)),)),
            replace(LINE, line_id="2", units=(Units(milestone=download, quantity=Decimal(1)),)),
        )
        return replace(_state(), lines=lines)

    m = Milestone
    assert state(m.SHIPPED, m.RELEASED).milestone({"2"}) is m.SHIPPED
    assert state(m.RELEASED, m.SHIPPED).milestone({"2"}) is m.RELEASED
    assert state(m.CANCELED, m.SHIPPED).milestone({"2"}) is m.SHIPPED
    assert state(m.CANCELED, m.CANCELED).milestone({"2"}) is m.CANCELED
    assert state(m.SHIPPED, m.SHIPPED).milestone({"1", "2"}) is m.SHIPPED, "nothing but downloads"
