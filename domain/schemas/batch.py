"""Validation of a batch: each failed check becomes a problem of one row, so good rows go on.

Frames hold money and quantities as ten-thousandths (int64): exact, and as fast as floats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.dtypes import DataType
from pandera.engines.pandas_engine import Engine
from pandera.errors import SchemaErrors

from domain.errors import Problem
from domain.memo import remembered

SCALE = 10_000
_SCALE = Decimal(SCALE)
LARGEST = 2**61
"""Larger amounts are replaced by this one: two of them can be added in 64 bits."""


class Rule(NamedTuple):
    """What a failed check means; ``field`` is the canonical field that was checked."""

    field: str
    message: str
    advice: str


@remembered(65_536)
def scaled(amount: Decimal) -> int:
    """Return an amount in ten-thousandths, at most ``LARGEST``.

    Raises ``ValueError`` if it has more than four decimals.
    """
    if not amount:
        return 0
    exact = amount * _SCALE
    whole = int(exact)
    if whole != exact:
        raise ValueError(f"{amount} has more than four decimals")
    return whole if -LARGEST <= whole <= LARGEST else _clipped(whole)


def truncated(amount: Decimal) -> int:
    """Return an amount in ten-thousandths, at most ``LARGEST``; further decimals are dropped."""
    return _clipped(int(amount * _SCALE)) if amount else 0


def _clipped(whole: int) -> int:
    return max(-LARGEST, min(LARGEST, whole))


def integers(values: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return a column of whole numbers; typed columns spare pandas looking at each value."""
    return np.array(values, dtype=np.int64)


def booleans(values: Sequence[bool]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return a column of truth values."""
    return np.array(values, dtype=np.bool_)


def texts(values: Sequence[str]) -> pd.Series[str]:
    """Return a column of texts; an empty one has that type too."""
    return pd.Series(values, dtype="str")


def matches(values: pd.Series[str], form: re.Pattern[str]) -> pd.Series[bool]:
    """Return which texts have a form. pandas compiles the expression anew for each batch."""
    found = [form.fullmatch(value) is not None for value in values.to_list()]
    return pd.Series(found, index=values.index, dtype=bool)


def failures(
    model: type[pa.DataFrameModel], frame: pd.DataFrame, rules: Mapping[str, Rule]
) -> dict[int, list[Problem]]:
    """Validate ``frame``, whose index is 0..n-1, and return the problems of each failing row.

    ``rules`` has an entry for the name of each check. Rows without an entry in the result are good.
    A failure without a row concerns the whole batch, so it is a mistake in the code and not in a
    record: it is raised as ``ValueError``.
    """
    if passes(model.to_schema(), frame):
        return {}
    try:
        model.validate(frame, lazy=True)
    except SchemaErrors as errors:
        found: dict[int, list[Problem]] = {}
        cases = errors.failure_cases[
            ["schema_context", "column", "check", "failure_case", "index"]
        ].drop_duplicates(["check", "index"])
        for context, column, check, value, index in cases.itertuples(index=False, name=None):
            if index is None or pd.isna(index):
                message = f"the batch does not have the columns of {model.__name__}"
                raise ValueError(f"{message}: {check} of {column}") from errors
            rule = rules.get(str(check)) or Rule(
                str(column), f"the value does not pass {check}", "check the record's payload"
            )
            code = str(check) if str(check) in rules else "schema_violation"
            text = _as_text(str(column), value) if context == "Column" else ""
            found.setdefault(int(index), []).append(
                Problem(code, rule.field, rule.message, rule.advice, text)
            )
        return found
    return {}


def passes(schema: pa.DataFrameSchema, frame: pd.DataFrame) -> bool:
    """Return whether all that the schema says of types, gaps and values holds of the frame.

    By pandera's own checks, without the report that ``validate`` prepares for each column: it takes
    two thirds of the time of a batch of some records, which is what most live runs have.
    """
    if not set(schema.columns) <= set(frame.columns):
        return False
    for name, column in schema.columns.items():
        values = frame[name]
        if not _is_type(column.dtype, values.dtype) or values.hasnans:
            return False
        if not all(check(values).check_passed for check in column.checks):
            return False
    return all(check(frame).check_passed for check in schema.checks)


@lru_cache
def _is_type(wanted: DataType, found: Any) -> bool:
    """Return whether a column's type is the schema's; of objects only their values say it."""
    return found != np.dtype(object) and wanted.check(Engine.dtype(found)) is True


def _as_text(column: str, value: object) -> str:
    """Return a failing value as text, with ten-thousandths converted to the amount."""
    if isinstance(value, str):
        return value[:80]
    if isinstance(value, bool) or value is None:
        return ""
    number = int(str(value))
    return str(number) if column == "line_count" else f"{(Decimal(number) / SCALE).normalize():f}"
