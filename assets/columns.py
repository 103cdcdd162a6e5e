"""Postgres columns as Arrow columns: exact amounts, times in UTC, and everything else as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

UNBOUND = (38, 9)
"""Precision and scale of a numeric column that states none, such as a sum."""
_TYPES = {
    "bool": pa.bool_(), "int2": pa.int16(), "int4": pa.int32(), "int8": pa.int64(), "float4": pa.float32(), "float8": pa.float64(),
    "date": pa.date32(), "timestamptz": pa.timestamp("us", tz="UTC"), "interval": pa.duration("us"), "bytea": pa.binary(),
    "_text": pa.list_(pa.string()),
}  # fmt: skip


def arrow_field(name: str, kind: str, precision: int | None, scale: int | None) -> pa.Field:
    """Return the Arrow field of a column of the Postgres type ``kind``, as ``information_schema`` names it."""
    if kind == "numeric":
        digits, places = (precision, scale) if precision is not None and scale is not None else UNBOUND
        return pa.field(name, pa.decimal128(min(digits, 38), places))
    return pa.field(name, _TYPES.get(kind, pa.string()))


def to_arrow(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return a column's values as an Arrow array; what has no type of its own there is text, JSON where it is structured."""
    return pa.array([_text(value) for value in values] if pa.types.is_string(kind) else values, kind)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str, ensure_ascii=False, sort_keys=True) if isinstance(value, dict | list) else str(value)
