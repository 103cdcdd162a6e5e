"""Batch rules of fulfilment: events row by row, and parcels against the lines that they carry."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import pandera.pandas as pa

from domain.errors import Problem
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from domain.schemas.batch import Rule, failures, scaled

RULES: dict[str, Rule] = {
    "event_quantity": Rule(
        "quantity",
        "The quantity is not above zero.",
        "Check the line's fulfilment detail at the OMS.",
    ),
    "event_duplicate": Rule(
        "event_key",
        "The same fact stands twice in the order.",
        "Check the order's packages at the OMS.",
    ),
    "milestone_unknown": Rule(
        "milestone",
        "The milestone is none that Lockstep knows.",
        "Map the status in the connector's statuses.",
    ),
    "shipped_above_ordered": Rule(
        "parcels.lines.quantity",
        "More units were shipped than were ordered.",
        "Check the order's packages at the OMS.",
    ),
    "parcel_line_unknown": Rule(
        "parcels.lines.line_id",
        "A parcel holds a line that the order lacks.",
        "Check the package at the OMS.",
    ),
}


class FulfilmentEvents(pa.DataFrameModel):
    """One row a fact of fulfilment; quantities in ten-thousandths."""

    record_row: int
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
    """One row a line of an order: what its parcels hold of it."""

    record_row: int
    line_id: str
    ordered: int
    shipped: int
    known: bool

    @pa.check("known", name="parcel_line_unknown")
    def _known(cls, known: pd.Series[bool]) -> pd.Series[bool]:
        return known

    @pa.dataframe_check(name="shipped_above_ordered")
    def _within(cls, lines: pd.DataFrame) -> pd.Series[bool]:
        return ~lines["known"] | (lines["shipped"] <= lines["ordered"])


def fulfilment_problems(records: Sequence[Fulfilment]) -> dict[int, list[Problem]]:
    """Validate a batch of fulfilment states; return the problems of each failing one by its position."""
    events: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    for row, record in enumerate(records):
        events.extend(
            (row, e.event_key, str(e.milestone), scaled(e.quantity)) for e in record.events()
        )
        ordered = {line.line_id: line.ordered for line in record.lines}
        shipped: dict[str, Decimal] = {}
        for parcel in record.parcels:
            for content in parcel.lines:
                shipped[content.line_id] = (
                    shipped.get(content.line_id, Decimal(0)) + content.quantity
                )
        for line_id, units in shipped.items():
            lines.append(
                (
                    row,
                    line_id,
                    scaled(ordered.get(line_id, Decimal(0))),
                    scaled(units),
                    line_id in ordered,
                )
            )
    event_frame = pd.DataFrame(events, columns=["record_row", "event_key", "milestone", "quantity"])
    event_frame = event_frame.astype(
        {"record_row": "int64", "event_key": "str", "milestone": "str", "quantity": "int64"}
    )
    line_frame = pd.DataFrame(
        lines, columns=["record_row", "line_id", "ordered", "shipped", "known"]
    )
    line_frame = line_frame.astype(
        {
            "record_row": "int64",
            "line_id": "str",
            "ordered": "int64",
            "shipped": "int64",
            "known": "bool",
        }
    )
    found: dict[int, list[Problem]] = {}
    for model, frame, rows in (
        (FulfilmentEvents, event_frame, events),
        (ShippedLines, line_frame, lines),
    ):
        for index, problems in failures(model, frame, RULES).items():
            found.setdefault(rows[index][0], []).extend(problems)
    return found
