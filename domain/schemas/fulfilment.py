"""Batch rules of fulfilment: events, and the units of parcels against those ordered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import pandas as pd
import pandera.pandas as pa

from domain.errors import Problem
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment, FulfilmentEvent
from domain.schemas.batch import Rule, booleans, failures, integers, scaled, texts

ZERO = Decimal(0)

RULES: dict[str, Rule] = {
    "event_quantity": Rule(
        "quantity",
        "the quantity is not above zero",
        "check the fulfilment detail of the line at the OMS",
    ),
    "event_duplicate": Rule(
        "event_key",
        "the order has the same event twice",
        "check the packages of the order at the OMS",
    ),
    "milestone_unknown": Rule(
        "milestone",
        "the milestone is unknown",
        "map the status in the connector's statuses",
    ),
    "shipped_above_ordered": Rule(
        "parcels.lines.quantity",
        "more units were shipped than ordered",
        "check the packages of the order at the OMS",
    ),
    "parcel_line_unknown": Rule(
        "parcels.lines.line_id",
        "a parcel contains a line that is not in the order",
        "check the package at the OMS",
    ),
}


class FulfilmentEvents(pa.DataFrameModel):
    """One row per fulfilment event; quantities in ten-thousandths."""

    event_key: str
    milestone: str
    quantity: int

    @pa.check("quantity", name="event_quantity")
    def _quantity(cls, quantities: pd.Series[int]) -> pd.Series[bool]:
        return quantities > 0

    @pa.check("milestone", name="milestone_unknown")
    def _milestone(cls, names: pd.Series[str]) -> pd.Series[bool]:
        return names.isin([str(m) for m in Milestone])

    @pa.check("event_key", name="event_duplicate")
    def _once(cls, keys: pd.Series[str]) -> pd.Series[bool]:
        return ~keys.duplicated(keep=False)


class ShippedLines(pa.DataFrameModel):
    """One row per line of an order that is in a parcel; units in ten-thousandths."""

    ordered: int
    shipped: int
    known: bool

    @pa.check("known", name="parcel_line_unknown")
    def _known(cls, known: pd.Series[bool]) -> pd.Series[bool]:
        return known

    @pa.dataframe_check(name="shipped_above_ordered")
    def _within(cls, lines: pd.DataFrame) -> pd.Series[bool]:
        return ~lines["known"] | (lines["shipped"] <= lines["ordered"])


class _Shipped(NamedTuple):
    """The units of one line in all parcels of its order."""

    record_row: int
    ordered: Decimal
    shipped: Decimal
    is_known: bool


def fulfilment_problems(records: Sequence[Fulfilment]) -> dict[int, list[Problem]]:
    """Validate a batch of fulfilment states; return problems by the position of the record."""
    events = [(row, event) for row, record in enumerate(records) for event in record.events()]
    lines = [line for row, record in enumerate(records) for line in _shipped(row, record)]
    found: dict[int, list[Problem]] = {}
    for index, problems in failures(FulfilmentEvents, _event_frame(events), RULES).items():
        found.setdefault(events[index][0], []).extend(problems)
    for index, problems in failures(ShippedLines, _line_frame(lines), RULES).items():
        found.setdefault(lines[index].record_row, []).extend(problems)
    return found


def _shipped(row: int, record: Fulfilment) -> Iterator[_Shipped]:
    ordered = {line.line_id: line.ordered for line in record.lines}
    shipped: dict[str, Decimal] = {}
    for parcel in record.parcels:
        for content in parcel.lines:
            units = shipped.get(content.line_id, ZERO)
            shipped[content.line_id] = units + content.quantity
    for line_id, units in shipped.items():
        yield _Shipped(row, ordered.get(line_id, ZERO), units, line_id in ordered)


def _event_frame(events: Sequence[tuple[int, FulfilmentEvent]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "event_key": texts([event.event_key for _, event in events]),
            "milestone": texts([str(event.milestone) for _, event in events]),
            "quantity": integers([scaled(event.quantity) for _, event in events]),
        }
    )


def _line_frame(lines: Sequence[_Shipped]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ordered": integers([scaled(line.ordered) for line in lines]),
            "shipped": integers([scaled(line.shipped) for line in lines]),
            "known": booleans([line.is_known for line in lines]),
        }
    )
