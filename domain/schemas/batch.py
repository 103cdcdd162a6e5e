"""The one function that validates a batch: lazily, with each failure as a problem of one row, so that good rows go on.

Money and quantities stand in the frames as whole ten-thousandths (int64): exact, and as fast as floats, which money must never be.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from domain.errors import Problem

SCALE = 10_000
_SCALE = Decimal(SCALE)
LARGEST = 2**61
"""Frames hold 64-bit integers, of which two are added at most; what is beyond all sense stands as the largest, and compares as such."""


class Rule(NamedTuple):
    """What a failed check means to an operator; ``field`` is the canonical field that it looked at."""

    field: str
    message: str
    advice: str


def scaled(amount: Decimal) -> int:
    """Return an amount in ten-thousandths, at most ``LARGEST``. Raises ``ValueError`` where it has more than four decimals."""
    if not amount:
        return 0
    exact = amount * _SCALE
    whole = int(exact)
    if whole != exact:
        raise ValueError(f"{amount} has more than four decimals")
    return max(-LARGEST, min(LARGEST, whole))


def truncated(amount: Decimal) -> int:
    """Return an amount in whole ten-thousandths, at most ``LARGEST``; further decimals are cut off."""
    return max(-LARGEST, min(LARGEST, int(amount * _SCALE))) if amount else 0


def failures(
    model: type[pa.DataFrameModel], frame: pd.DataFrame, rules: Mapping[str, Rule]
) -> dict[int, list[Problem]]:
    """Validate ``frame``, whose index is 0..n-1, and return the problems of each failing row.

    Every check's name is a key of ``rules``; a failure of a type or of a missing column is named ``schema_<check>``. Rows without an
    entry in the answer are good. A failure that pandera can't place in a row concerns the whole batch and is raised as ``ValueError``:
    it is our own mistake, not a record's.
    """
    try:
        model.validate(frame, lazy=True)
    except SchemaErrors as errors:
        found: dict[int, list[Problem]] = {}
        cases = errors.failure_cases[
            ["schema_context", "column", "check", "failure_case", "index"]
        ].drop_duplicates(["check", "index"])
        for context, column, check, value, index in cases.itertuples(index=False, name=None):
            if index is None or pd.isna(index):
                raise ValueError(
                    f"The batch does not have the form that {model.__name__} asks for: {check} of {column}"
                ) from errors
            rule = rules.get(str(check)) or Rule(
                str(column), f"does not pass {check}", "Look at the record's payload."
            )
            code = str(check) if str(check) in rules else "schema_violation"
            shown = _shown(str(column), value) if context == "Column" else ""
            found.setdefault(int(index), []).append(
                Problem(code, rule.field, rule.message, rule.advice, shown)
            )
        return found
    return {}


def _shown(column: str, value: object) -> str:
    """Write a failing value as a person would: whole ten-thousandths as the amount they stand for."""
    if isinstance(value, str):
        return value[:80]
    if isinstance(value, bool) or value is None:
        return ""
    number = int(str(value))
    return str(number) if column == "line_count" else f"{(Decimal(number) / SCALE).normalize():f}"
