"""Batch rules of returns: each line once, and its units add up to its quantity."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pandera.pandas as pa

from domain.errors import Problem
from domain.records.returns import Return, ReturnLine, ReturnStatus
from domain.schemas.batch import Rule, failures, integers, scaled, texts

LOOK = "check the return's line at the OMS"
RULES: dict[str, Rule] = {
    "return_quantity": Rule(
        "lines.quantity", "the units of a line's statuses are not its quantity", LOOK
    ),
    "return_line_duplicate": Rule("lines.line_id", "the return contains the same line twice", LOOK),
}


class ReturnLines(pa.DataFrameModel):
    """One row per line of a return; units in ten-thousandths."""

    key: str
    quantity: int
    in_statuses: int

    @pa.check("key", name="return_line_duplicate")
    def _once(cls, keys: pd.Series[str]) -> pd.Series[bool]:
        return ~keys.duplicated(keep=False)

    @pa.dataframe_check(name="return_quantity")
    def _complete(cls, lines: pd.DataFrame) -> pd.Series[bool]:
        return lines["quantity"] == lines["in_statuses"]


def return_problems(records: Sequence[Return]) -> dict[int, list[Problem]]:
    """Validate a batch of returns; return problems by the position of the record."""
    lines = [(row, line) for row, record in enumerate(records) for line in record.lines]
    found: dict[int, list[Problem]] = {}
    for index, problems in failures(ReturnLines, _frame(lines), RULES).items():
        found.setdefault(lines[index][0], []).extend(problems)
    return found


def _frame(lines: Sequence[tuple[int, ReturnLine]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            # One return's line is another's, too: ids are unique within a return.
            "key": texts([f"{row}\x1f{line.line_id}" for row, line in lines]),
            "quantity": integers([scaled(line.quantity) for _, line in lines]),
            "in_statuses": integers([scaled(line.in_status(*ReturnStatus)) for _, line in lines]),
        }
    )
